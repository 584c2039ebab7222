//! Weight decay in its eight modes, as coefficients of the parameter.

use super::step::Step;
use crate::hyper::shared;
use crate::simd::{Lanes, where_not_negative};

/// The coefficients of the parameter with which weight decay enters a step, none of which is 0.
#[derive(Clone, Copy, Debug)]
pub struct Decay {
    /// In the gradient, in the direction, and in the step.
    coupled: Option<f32>,
    pub(crate) inside: Option<f32>,
    outside: Option<f32>,
    cautious: bool,
    /// Factor of the step, for decay after the step.
    shrink: Option<f32>,
    /// Factor of the weight norm, for decay before the norm is computed.
    norm: f64,
}

/// Where weight decay enters a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// In the gradient (`"l2"`).
    Gradient,
    /// In the direction, under the trust ratio (`"update"` of a layer-wise rule).
    Direction,
    /// In the step.
    Step,
    /// In the step, which is divided by a factor with it.
    Proximal,
}

/// The coefficient, where it is not 0.
fn nonzero(coefficient: f64) -> Option<f32> {
    let coefficient = coefficient as f32;
    (coefficient != 0.0).then_some(coefficient)
}

impl Decay {
    /// No decay.
    pub const NONE: Decay =
        Decay { coupled: None, inside: None, outside: None, cautious: false, shrink: None, norm: 1.0 };

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
            "l2" => decay.coupled = nonzero(lambda),
            "update" if layerwise => decay.inside = nonzero(lambda),
            _ => decay.outside = nonzero(outside),
        }
        match mode {
            "after" => decay.shrink = Some((1.0 - outside) as f32).filter(|&shrink| shrink != 1.0),
            "cautious" => decay.cautious = true,
            "decoupled" | "fixed" | "corrected" | "schedule" => decay.norm = (1.0 - outside).abs(),
            _ => {}
        }
        decay
    }

    /// The decay with its switches as constants, if there is none, or, with `decays`, if it enters at `entry`
    /// alone. In a loop over lanes the compiler then knows what there is to do.
    #[inline(always)]
    pub fn lean(self, decays: bool, entry: Entry) -> Option<Decay> {
        let Decay { coupled, inside, outside, cautious: false, shrink, norm } = self else { return None };
        let none = Decay { norm, ..Decay::NONE };
        match (decays.then_some(entry), coupled, inside, outside, shrink) {
            (None, None, None, None, None) => Some(none),
            (Some(Entry::Gradient), Some(x), None, None, None) => Some(Decay { coupled: Some(x), ..none }),
            (Some(Entry::Direction), None, Some(x), None, None) => Some(Decay { inside: Some(x), ..none }),
            (Some(Entry::Step), None, None, Some(x), None) => Some(Decay { outside: Some(x), ..none }),
            (Some(Entry::Proximal), None, None, Some(x), Some(y)) => {
                Some(Decay { outside: Some(x), shrink: Some(y), ..none })
            }
            _ => None,
        }
    }

    /// The part under the ratio, as a coefficient of the parameter in a step that is scaled already.
    pub fn scaled(self, scale: f64) -> Decay {
        Decay { inside: nonzero(self.under_ratio() * scale), ..self }
    }

    /// The coefficient of the part under the ratio.
    pub fn under_ratio(&self) -> f64 {
        self.inside.map_or(0.0, f64::from)
    }

    /// Only the part in the gradient, for a step that does not change the parameter.
    pub fn state_only(self) -> Decay {
        Decay { coupled: self.coupled, ..Decay::NONE }
    }

    /// Decoupled decay as a proximal step: `(p - step) / (1 + eta lambda)`.
    pub fn proximal(self) -> Decay {
        let outside = self.outside.map_or(0.0, f64::from);
        let (outside, shrink) = (outside / (1.0 + outside), (1.0 / (1.0 + outside)) as f32);
        Decay { outside: nonzero(outside), shrink: Some(shrink).filter(|&shrink| shrink != 1.0), ..self }
    }

    /// The gradient with the coupled part.
    #[inline(always)]
    pub fn gradient<L: Lanes>(&self, p: L, g: L) -> L {
        match self.coupled {
            None => g,
            Some(coupled) => g + p * coupled,
        }
    }

    /// The direction with the part under the trust ratio.
    #[inline(always)]
    pub fn direction<L: Lanes>(&self, p: L, u: L) -> L {
        match self.inside {
            None => u,
            Some(inside) => u + p * inside,
        }
    }

    /// The parameter after decay and step, in one subtraction.
    #[inline(always)]
    pub fn step<L: Lanes>(&self, p: L, step: L) -> L {
        let step = match self.shrink {
            None => step,
            Some(shrink) => step * shrink,
        };
        match self.outside {
            None => p - step,
            Some(outside) if self.cautious => p - (p * where_not_negative(step * p, outside) + step),
            Some(outside) => p - (p * outside + step),
        }
    }

    /// Whether the decay comes before the step.
    #[inline(always)]
    pub fn comes_first(&self) -> bool {
        self.norm != 1.0
    }

    /// The parameter after a decay that comes before the step.
    #[inline(always)]
    pub fn before<L: Lanes>(&self, p: L) -> L {
        match self.outside {
            Some(outside) if self.comes_first() => p - p * outside,
            _ => p,
        }
    }

    /// The new parameter of a rule that computes it from [`Decay::before`] and knows the step more
    /// precisely than the rounded difference of the two.
    #[inline(always)]
    pub fn replace<L: Lanes>(&self, p: L, new: L, step: L) -> L {
        if let Some(shrink) = self.shrink {
            return new * shrink;
        }
        match self.outside {
            Some(_) if self.comes_first() => new,
            None => new,
            Some(outside) if self.cautious => new - p * where_not_negative(step * p, outside),
            Some(outside) => new - p * outside,
        }
    }

    /// The norm of the parameter in the trust ratio, after any decay that comes before the step.
    pub fn decayed(&self, norm: f64) -> f64 {
        norm * self.norm
    }
}
