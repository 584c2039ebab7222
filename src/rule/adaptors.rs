//! Rules made of a direction: [`Plain`] for every element alike, [`Layerwise`] scaled by the trust ratio.

use super::decay::Decay;
use super::slots::Slot;
use super::step::{LayerScalars, Step};
use super::traits::{Direction, OnePass, StateFirst};
use super::trust::{Trust, TrustRecord};
use crate::powers::narrow;
use crate::simd::F32;
use fearless_simd::Simd;

/// A direction as an element-wise rule: `p - (decay + eta * u)`.
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

    /// The rule for a direction that has the learning rate in it.
    pub fn with_rate(self, rate: f64) -> Self {
        Plain { rate: rate as f32, ..self }
    }

    /// The rule with another decay.
    pub fn with_decay(self, decay: Decay) -> Self {
        Plain { decay, ..self }
    }

    /// The rule for a step that advances the states and moves nothing.
    pub fn state_only(direction: D, step: &Step<'_>) -> Self {
        Plain { direction, rate: 0.0, decay: Decay::new(step, false).state_only() }
    }
}

impl<D: Direction<S>, const S: usize> OnePass<S> for Plain<D> {
    const SLOTS: [Slot; S] = D::SLOTS;

    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        s: &mut [F32<V>; S],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.decay.gradient(p, g);
        self.direction.advance(g, s);
        for state in s.iter_mut() {
            *state = keep(*state);
        }
        self.decay.step(p, self.direction.direction(g, s) * self.rate)
    }
}

/// A direction as a layer-wise rule: `p - (decay + eta * ratio * u)`.
#[derive(Clone, Copy, Debug)]
pub struct Layerwise<D> {
    pub(crate) direction: D,
    pub(crate) rate: f64,
    scale: f32,
    pub(crate) decay: Decay,
    pub(crate) trust: Trust,
    pub(crate) denominator: Denominator,
}

/// The denominator of the trust ratio, for a direction `r` and decay under the ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denominator {
    /// `|r + lambda p|`.
    Joint,
    /// `|r| + lambda |p|`.
    Sum,
    /// The norm of the parameter after a step that is not scaled.
    NewWeights,
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
            update += f64::from(self.decay.inside) * weight;
        }
        [weight, update]
    }

    /// The rule with its learning rate, but not its decay, times a factor.
    pub fn with_rate_factor(self, factor: f64) -> Self {
        Layerwise { rate: self.rate * factor, ..self }
    }
}

impl<D: Direction<S>, const S: usize> StateFirst<S, 2> for Layerwise<D> {
    const SLOTS: [Slot; S] = D::SLOTS;
    const USES_GRADIENT: bool = D::USES_GRADIENT;

    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]) {
        self.direction.advance(self.decay.gradient(p, g), s);
    }

    #[inline(always)]
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> F32<V> {
        let g = if D::USES_GRADIENT { self.decay.gradient(p, g) } else { g };
        self.decay.direction(p, self.direction.direction(g, s))
    }

    #[inline(always)]
    fn reduce<V: Simd>(&self, p: F32<V>, _: F32<V>, _: &[F32<V>; S], u: F32<V>) -> [(F32<V>, F32<V>); 2] {
        let u = match self.denominator {
            Denominator::Joint => u,
            Denominator::Sum => u - p * self.decay.inside,
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
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V> {
        self.decay.step(p, u * self.scale)
    }
}
