//! Cautious steps (Liang et al. 2024, arXiv 2411.16085): elements whose direction and gradient have different
//! signs do not move, and the steps of the others become larger: `mask = u g > 0`, `u = mask u / mean(mask)`.
//! The direction `u` is that without weight decay.

use super::adaptors::{Denominator, Layerwise};
use super::decay::{Decay, Entry};
use super::formula::Formula;
use super::slots::Slot;
use super::step::{LayerScalars, Step};
use super::traits::{Direction, StateFirst};
use super::trust::TrustRecord;
use crate::hyper::{Hyper, Value, choice};
use crate::powers::narrow;
use crate::simd::{Lanes, agreeing, nonzero};

/// The switch in an algorithm's table.
pub(crate) const SWITCH: Hyper = choice(
    &[Value::Bool(false), Value::Bool(true), Value::Text("sum1")],
    "move only where direction and gradient agree: times 1 / mean(mask), or n / (sum(mask) + 1)",
);

/// The cautious direction `u`, in a formula.
pub(crate) fn formula(f: &mut Formula<'_>, switch: Value) {
    match switch {
        Value::Bool(true) => f.line("mask = u g > 0; u = mask u / max(mean(mask), 0.001)"),
        Value::Text(_) => f.line("mask = u g > 0; u = mask u size(u) / (sum(mask) + 1)"),
        _ => {}
    }
}

/// The factor for the steps of the elements that move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caution {
    sum1: bool,
}

impl Caution {
    /// From the switch at this position of the algorithm's table.
    pub(crate) fn new(step: &Step<'_>, own: usize) -> Self {
        Caution { sum1: step.values.is(own, "sum1") }
    }

    /// The factor if `kept` of `len` elements move.
    pub(crate) fn scale(self, kept: f64, len: usize) -> f64 {
        let len = len as f64;
        if self.sum1 { len / (kept + 1.0) } else { 1.0 / f64::max(kept / len, 1e-3) }
    }
}

/// A direction as a cautious element-wise rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masked<D> {
    direction: D,
    rate: f64,
    scale: f32,
    decay: Decay,
    caution: Caution,
}

impl<D> Masked<D> {
    /// The rule for this step; `own` is the position of the switch.
    pub(crate) fn new(direction: D, step: &Step<'_>, own: usize) -> Self {
        let (decay, caution) = (Decay::new(step, false), Caution::new(step, own));
        Masked { direction, rate: step.learning_rate, scale: 0.0, decay, caution }
    }
}

impl<D: Direction<S>, const S: usize> StateFirst<S, 1> for Masked<D> {
    const SLOTS: [Slot; S] = D::SLOTS;
    const USES_GRADIENT: bool = true;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        let decay = self.decay.lean(decays, D::DECAY)?;
        Some(Masked { direction: self.direction.lean()?, decay, ..*self })
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; S]) {
        self.direction.advance(self.decay.gradient(p, g), s);
    }

    #[inline(always)]
    fn direction<L: Lanes>(&self, p: L, g: L, s: &[L; S]) -> L {
        let g = self.decay.gradient(p, g);
        agreeing(self.direction.direction(g, s), g)
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, _: L, _: L, _: &[L; S], u: L) -> [(L, L); 1] {
        let kept = nonzero(u);
        [(kept, kept)]
    }

    fn with_sums(self, [kept]: [f64; 1], layer: &LayerScalars) -> Self {
        Masked { scale: (self.rate * self.caution.scale(kept, layer.len)) as f32, ..self }
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, u: L) -> L {
        self.decay.step(p, u * self.scale)
    }
}

/// A layer-wise rule whose direction, before its decay, is cautious.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskedLayer<D> {
    rule: Layerwise<D>,
    scale: f32,
    /// The decay under the ratio, with all factors of the step.
    under: Decay,
    caution: Caution,
}

impl<D> MaskedLayer<D> {
    /// The rule for this step; `own` is the position of the switch.
    pub(crate) fn new(rule: Layerwise<D>, step: &Step<'_>, own: usize) -> Self {
        MaskedLayer { rule, scale: 0.0, under: Decay::NONE, caution: Caution::new(step, own) }
    }

    /// The norm of the parameter and the denominator of the trust ratio; `factor` is that of the
    /// elements that agree.
    fn norms(&self, [pp, uu, up, _]: [f64; 4], factor: f64) -> [f64; 2] {
        let (weight, lambda) = (self.rule.decay.decayed(pp.sqrt()), self.rule.decay.under_ratio());
        let update = if self.rule.denominator == Denominator::Sum {
            factor * uu.sqrt() + lambda * weight
        } else {
            let square = factor * factor * uu + 2.0 * factor * lambda * up + lambda * lambda * pp;
            if square < 0.0 { 0.0 } else { square.sqrt() }
        };
        [weight, update]
    }
}

impl<D: Direction<S>, const S: usize> StateFirst<S, 4> for MaskedLayer<D> {
    const SLOTS: [Slot; S] = D::SLOTS;
    const USES_GRADIENT: bool = true;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        let under = self.under.lean(decays && self.under.under_ratio() != 0.0, Entry::Direction)?;
        Some(MaskedLayer { rule: StateFirst::<S, 2>::lean(&self.rule, decays)?, under, ..*self })
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; S]) {
        self.rule.advance(p, g, s);
    }

    #[inline(always)]
    fn direction<L: Lanes>(&self, p: L, g: L, s: &[L; S]) -> L {
        let g = self.rule.decay.gradient(p, g);
        agreeing(self.rule.direction.direction(g, s), g)
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, _: L, _: &[L; S], u: L) -> [(L, L); 4] {
        let kept = nonzero(u);
        [(p, p), (u, u), (u, p), (kept, kept)]
    }

    fn with_sums(self, sums: [f64; 4], layer: &LayerScalars) -> Self {
        let (rule, factor) = (self.rule, self.caution.scale(sums[3], layer.len));
        let [weight, update] = self.norms(sums, factor);
        let scale = rule.rate * rule.trust.ratio(weight, update);
        MaskedLayer { scale: narrow(scale * factor), under: rule.decay.scaled(scale), ..self }
    }

    fn trust(&self, sums: [f64; 4], layer: &LayerScalars) -> TrustRecord {
        let [weight, update] = self.norms(sums, self.caution.scale(sums[3], layer.len));
        self.rule.trust.record(weight, update)
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, u: L) -> L {
        self.rule.decay.step(p, self.under.direction(p, u * self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_of_both_forms() {
        let (mean, sum1) = (Caution { sum1: false }, Caution { sum1: true });
        assert_eq!((mean.scale(5.0, 10), sum1.scale(4.0, 10)), (2.0, 2.0));
        assert_eq!((mean.scale(0.0, 10), sum1.scale(0.0, 10)), (1000.0, 10.0));
        assert!(mean.scale(0.0, 0).is_finite());
    }
}
