//! Weight decay in its eight modes, as coefficients of the parameter.

use super::step::Step;
use crate::hyper::shared;
use crate::simd::{F32, where_not_negative};
use fearless_simd::Simd;

/// The coefficients of the parameter with which weight decay enters a step.
#[derive(Clone, Copy, Debug)]
pub struct Decay {
    coupled: f32,
    pub(crate) inside: f32,
    outside: f32,
    cautious: bool,
    /// Factor of the step, for decay after the step.
    shrink: f32,
    /// Factor of the weight norm, for decay before the norm is computed.
    norm: f64,
}

impl Decay {
    /// No decay.
    pub const NONE: Decay =
        Decay { coupled: 0.0, inside: 0.0, outside: 0.0, cautious: false, shrink: 1.0, norm: 1.0 };

    /// The coefficients of an element-wise rule, or of a layer-wise one, whose mode "update"
    /// puts the decay under the trust ratio.
    pub fn new(step: &Step<'_>, layerwise: bool) -> Decay {
        Decay::at(step, step.learning_rate, layerwise)
    }

    /// [`Decay::new`] for a rule whose learning rate is not the step's.
    pub fn at(step: &Step<'_>, rate: f64, layerwise: bool) -> Decay {
        Decay::of(step, step.weight_decay(), rate, layerwise)
    }

    /// [`Decay::new`] for a rule with a weight decay and a learning rate of its own.
    pub fn of(step: &Step<'_>, lambda: f64, rate: f64, layerwise: bool) -> Decay {
        let mut decay = Decay::NONE;
        if lambda == 0.0 {
            return decay;
        }
        let per = |limit: f64| if limit > 0.0 { step.learning_rate / limit } else { 0.0 };
        let mode = step.values.shared_text(shared::WEIGHT_DECAY_MODE);
        let outside = match mode {
            "fixed" => lambda,
            "corrected" => rate * lambda * per(step.largest_rate),
            "schedule" => lambda * per(step.first_rate),
            _ => rate * lambda,
        };
        match mode {
            "l2" => decay.coupled = lambda as f32,
            "update" if layerwise => decay.inside = lambda as f32,
            _ => decay.outside = outside as f32,
        }
        match mode {
            "after" => decay.shrink = (1.0 - outside) as f32,
            "cautious" => decay.cautious = true,
            "decoupled" | "fixed" | "corrected" | "schedule" => decay.norm = (1.0 - outside).abs(),
            _ => {}
        }
        decay
    }

    /// The part under the ratio, as a coefficient of the parameter in a step that is scaled already.
    pub fn scaled(self, scale: f64) -> Decay {
        Decay { inside: (f64::from(self.inside) * scale) as f32, ..self }
    }

    /// The coefficient of the part under the ratio.
    pub fn under_ratio(&self) -> f64 {
        f64::from(self.inside)
    }

    /// Only the part in the gradient, for a step that does not change the parameter.
    pub fn state_only(self) -> Decay {
        Decay { coupled: self.coupled, ..Decay::NONE }
    }

    /// Decoupled decay as a proximal step: `(p - step) / (1 + eta lambda)`.
    pub fn proximal(self) -> Decay {
        let growth = 1.0 + f64::from(self.outside);
        Decay { outside: (f64::from(self.outside) / growth) as f32, shrink: (1.0 / growth) as f32, ..self }
    }

    /// The gradient with the coupled part.
    #[inline(always)]
    pub fn gradient<V: Simd>(&self, p: F32<V>, g: F32<V>) -> F32<V> {
        if self.coupled == 0.0 { g } else { g + p * self.coupled }
    }

    /// The direction with the part under the trust ratio.
    #[inline(always)]
    pub fn direction<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V> {
        if self.inside == 0.0 { u } else { u + p * self.inside }
    }

    /// The parameter after decay and step, in one subtraction.
    #[inline(always)]
    pub fn step<V: Simd>(&self, p: F32<V>, step: F32<V>) -> F32<V> {
        let step = if self.shrink == 1.0 { step } else { step * self.shrink };
        if self.outside == 0.0 {
            p - step
        } else if self.cautious {
            p - (p * where_not_negative(step * p, self.outside) + step)
        } else {
            p - (p * self.outside + step)
        }
    }

    /// The parameter after a decay that comes before the step.
    #[inline(always)]
    pub fn before<V: Simd>(&self, p: F32<V>) -> F32<V> {
        if self.norm == 1.0 { p } else { p - p * self.outside }
    }

    /// The new parameter of a rule that computes it from [`Decay::before`] and knows the step more
    /// precisely than the rounded difference of the two.
    #[inline(always)]
    pub fn replace<V: Simd>(&self, p: F32<V>, new: F32<V>, step: F32<V>) -> F32<V> {
        if self.shrink != 1.0 {
            new * self.shrink
        } else if self.outside == 0.0 || self.norm != 1.0 {
            new
        } else if self.cautious {
            new - p * where_not_negative(step * p, self.outside)
        } else {
            new - p * self.outside
        }
    }

    /// The norm of the parameter in the trust ratio, after any decay that comes before the step.
    pub fn decayed(&self, norm: f64) -> f64 {
        norm * self.norm
    }
}
