//! Rules made from a direction `u`: [`Plain`], an element-wise rule, and [`Layerwise`], whose step is scaled by
//! the trust ratio.

use super::decay::{Decay, Entry};
use super::formula::Formula;
use super::slots::Slot;
use super::step::{LayerScalars, Step};
use super::traits::{Direction, OnePass, StateFirst};
use super::trust::{self, Trust, TrustRecord};
use crate::powers::narrow;
use crate::simd::Lanes;

/// A direction as an element-wise rule: `p = p - learning_rate u`, with any mode of weight decay.
#[derive(Clone, Copy, Debug)]
pub struct Plain<D> {
    direction: D,
    rate: f32,
    decay: Decay,
}

impl<D> Plain<D> {
    /// The rule for this step.
    pub fn new(direction: D, step: &Step<'_>) -> Self {
        let decay = Decay::new(step, false);
        Plain { direction, rate: step.learning_rate as f32, decay }
    }

    /// The rule with another learning rate.
    pub fn with_rate(self, rate: f64) -> Self {
        Plain { rate: rate as f32, ..self }
    }

    /// The rule with another decay.
    pub fn with_decay(self, decay: Decay) -> Self {
        Plain { decay, ..self }
    }

    /// The rule for an update that advances the states and leaves the parameter as it is.
    pub fn state_only(direction: D, step: &Step<'_>) -> Self {
        Plain { direction, rate: 0.0, decay: Decay::new(step, false).state_only() }
    }
}

impl<D: Direction<S>, const S: usize> OnePass<S> for Plain<D> {
    const SLOTS: [Slot; S] = D::SLOTS;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        let decay = self.decay.lean(decays, D::DECAY)?;
        Some(Plain { direction: self.direction.lean()?, decay, ..*self })
    }

    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, s: &mut [L; S], store: impl Fn(L) -> L) -> L {
        let g = self.decay.gradient(p, g);
        self.direction.advance(g, s);
        for state in s.iter_mut() {
            *state = store(*state);
        }
        self.decay.step(p, self.direction.direction(g, s) * self.rate)
    }
}

/// A direction as a layer-wise rule: `p = p - learning_rate q u` with the trust ratio `q`.
#[derive(Clone, Copy, Debug)]
pub struct Layerwise<D> {
    pub(crate) direction: D,
    pub(crate) rate: f64,
    scale: f32,
    pub(crate) decay: Decay,
    pub(crate) trust: Trust,
    pub(crate) denominator: Denominator,
}

/// The denominator of the trust ratio, for a direction `r` and weight decay that is part of the scaled step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denominator {
    /// `norm(r + weight_decay p)`.
    Joint,
    /// `norm(r) + weight_decay norm(p)`.
    Sum,
    /// The norm of the parameter after a step that is not scaled: `norm(p - learning_rate r)`.
    NewWeights,
}

/// The direction `u` with its decay and the trust ratio `q`, in a formula; `limits` are those of the ratio.
pub(crate) fn formula(
    f: &mut Formula<'_>,
    adapts: bool,
    denominator: Denominator,
    phi: Option<(f64, f64)>,
    epsilon: bool,
    limits: Option<String>,
) {
    let decay = f.inside();
    if let Some(name) = decay {
        f.line(if denominator == Denominator::Sum && adapts {
            format!("s = norm(u) + {name} norm(p); u = u + {name} p")
        } else {
            format!("u = u + {name} p")
        });
        f.decay_done();
    }
    if !adapts {
        return f.line("q = 1");
    }
    let norm = match denominator {
        Denominator::Sum if decay.is_some() => "s",
        Denominator::NewWeights => "norm(p - learning_rate u)",
        _ => "norm(u)",
    };
    let weight = phi.map_or("norm(p)".to_string(), |(low, high)| format!("clip(norm(p), {low}, {high})"));
    let ratio =
        if epsilon { format!("{weight} / ({norm} + trust_epsilon)") } else { format!("{weight} / {norm}") };
    f.line(trust::formula(&ratio, norm, limits));
}

impl<D> Layerwise<D> {
    /// The rule for this step.
    pub fn new(direction: D, step: &Step<'_>, trust: Trust, denominator: Denominator) -> Self {
        let (rate, decay) = (step.learning_rate, Decay::new(step, true));
        Layerwise { direction, rate, scale: 0.0, decay, trust, denominator }
    }

    /// The rule with another decay.
    pub fn with_decay(self, decay: Decay) -> Self {
        Layerwise { decay, ..self }
    }

    /// The norm of the parameter and the denominator of the trust ratio.
    fn norms(&self, sums: [f64; 2]) -> [f64; 2] {
        let weight = self.decay.decayed(sums[0].sqrt());
        let mut update = sums[1].sqrt();
        if self.denominator == Denominator::Sum {
            update += self.decay.under_ratio() * weight;
        }
        [weight, update]
    }

    /// The rule with its learning rate times a factor; weight decay stays as it is.
    pub fn with_rate_factor(self, factor: f64) -> Self {
        Layerwise { rate: self.rate * factor, ..self }
    }
}

impl<D: Direction<S>, const S: usize> StateFirst<S, 2> for Layerwise<D> {
    const SLOTS: [Slot; S] = D::SLOTS;
    const USES_GRADIENT: bool = D::USES_GRADIENT;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        if self.denominator != Denominator::Joint {
            return None;
        }
        let decay = self.decay.lean(decays, Entry::Direction)?;
        Some(Layerwise { direction: self.direction.lean()?, decay, denominator: Denominator::Joint, ..*self })
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; S]) {
        self.direction.advance(self.decay.gradient(p, g), s);
    }

    #[inline(always)]
    fn direction<L: Lanes>(&self, p: L, g: L, s: &[L; S]) -> L {
        let g = if D::USES_GRADIENT { self.decay.gradient(p, g) } else { g };
        self.decay.direction(p, self.direction.direction(g, s))
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, _: L, _: &[L; S], u: L) -> [(L, L); 2] {
        let u = match self.denominator {
            Denominator::Joint => u,
            Denominator::Sum => u - p * self.decay.inside.unwrap_or(0.0),
            Denominator::NewWeights => self.decay.before(p) - u * self.rate as f32,
        };
        [(p, p), (u, u)]
    }

    fn with_sums(self, sums: [f64; 2], _: &LayerScalars) -> Self {
        let [weight, update] = self.norms(sums);
        Layerwise { scale: narrow(self.rate * self.trust.ratio(weight, update)), ..self }
    }

    fn trust(&self, sums: [f64; 2], _: &LayerScalars) -> TrustRecord {
        let [weight, update] = self.norms(sums);
        self.trust.record(weight, update)
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, u: L) -> L {
        self.decay.step(p, u * self.scale)
    }
}
