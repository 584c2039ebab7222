//! LARS (arXiv 1708.03888): momentum, scaled layer by layer.
//!
//! With `d = g + lambda p`, and a ratio of 1 where a norm is 0:
//!
//! * `lr_inside` (paper): `q = tc |p| / (|g| + lambda |p| + eps)`, `v = mu v + eta q d`, `p = p - v`;
//! * `lr_outside` (timm): the same ratio, `b = mu b + q d`, `p = p - eta b`;
//! * `joint_norm` (optax): `q = tc |p| / (|g + lambda p| + eps)`, otherwise as the paper;
//! * `ratio_outside`: the paper's ratio, `m = mu m + (1 - mu) d`, `p = p - eta q m`;
//! * `momentum_norm` (arXiv 1904.00962): `q = tc |p| / (|m| + eps)`, otherwise as the last.

use crate::algorithm::Algorithm;
use crate::error::{Error, Kind, Result};
use crate::hyper::{
    Condition, Domain, Hyper, Needs, Value, Values, choice, fixed, flag, index, learning_rate, needs, number,
    optional,
};
use crate::kernel::{Kernel, reduce_first, state_first};
use crate::powers::narrow;
use crate::rule::Decay;
use crate::rule::{Denominator, Direction, LayerScalars, Layerwise, ReduceFirst, Slot, Step, momentum};
use crate::rule::{Trust, TrustRecord};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const LARS: Algorithm = Algorithm {
    name: "lars",
    class_name: "Lars",
    summary: "layer-wise adaptive rates for momentum",
    formula: "q = tc |p| / (|g| + lambda |p|); v = mu v + eta q (g + lambda p); p = p - v",
    source: "You et al. 2017, arXiv 1708.03888",
    hypers: HYPERS,
    needs: NEEDS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(1.0),
    number("momentum", 0.9, Domain::Unit, "decay rate of the velocity, mu"),
    number("trust_coefficient", 1e-3, Domain::AtLeast(0.0), "factor of the ratio, tc"),
    flag("nesterov", false, "look ahead along the velocity"),
    number("epsilon", 0.0, Domain::AtLeast(0.0), "small constant of the ratio's denominator"),
    choice(
        "form",
        &[
            Value::Text("lr_inside"),
            Value::Text("lr_outside"),
            Value::Text("joint_norm"),
            Value::Text("momentum_norm"),
            Value::Text("ratio_outside"),
        ],
        "the paper's, timm's, optax's, that of the LAMB paper, or with the ratio outside the momentum",
    ),
    fixed(optional("trust_clip", Domain::PairOrNone, "limits of the ratio over the learning rate")),
    flag("always_adapt", true, "adapt layers without weight decay too"),
];

const NEEDS: &[Needs] = &[needs("nesterov", &[Condition::On("momentum")])];
const MOMENTUM: usize = index(HYPERS, "momentum");
const COEFFICIENT: usize = index(HYPERS, "trust_coefficient");
const NESTEROV: usize = index(HYPERS, "nesterov");
const EPSILON: usize = index(HYPERS, "epsilon");
const FORM: usize = index(HYPERS, "form");
const TRUST_CLIP: usize = index(HYPERS, "trust_clip");
const ALWAYS_ADAPT: usize = index(HYPERS, "always_adapt");

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    let over_momentum = values.is(FORM, "momentum_norm");
    if (over_momentum || values.is(FORM, "ratio_outside")) && values.flag(NESTEROV) {
        let why = "nesterov=True needs form='lr_inside', 'lr_outside' or 'joint_norm'";
        return Err(Error::new(Kind::Hyperparameter, why));
    }
    Ok(if over_momentum {
        state_first::<_, 1, 2>(|step| {
            let trust = Trust { epsilon: step.values.number(EPSILON), ..trust(step) };
            Layerwise::new(Average::new(step), step, trust, Denominator::Joint)
                .with_decay(Decay::new(step, false))
        })
    } else {
        reduce_first::<_, 1, 2>(Lars::new)
    })
}

fn trust(step: &Step<'_>) -> Trust {
    let (v, rate) = (step.values, step.learning_rate);
    // The limits are of q / eta.
    let clip = v.pair(TRUST_CLIP).filter(|_| rate > 0.0);
    let adapt = step.adapt && (v.flag(ALWAYS_ADAPT) || step.weight_decay() != 0.0);
    let coefficient = v.number(COEFFICIENT) / if clip.is_some() { rate } else { 1.0 };
    Trust { coefficient, phi: None, clip, epsilon: 0.0, adapt }
}

/// The average of the gradient.
#[derive(Clone, Copy)]
struct Average {
    keep: f32,
    take: f32,
}

impl Average {
    fn new(step: &Step<'_>) -> Self {
        let momentum = step.values.number(MOMENTUM);
        Average { keep: momentum as f32, take: (1.0 - momentum) as f32 }
    }
}

impl Direction<1> for Average {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m]: &mut [F32<V>; 1]) {
        *m = *m * self.keep + g * self.take;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m]: &[F32<V>; 1]) -> F32<V> {
        *m
    }
}

#[derive(Clone, Copy)]
struct Lars {
    momentum: f32,
    nesterov: bool,
    rate: f64,
    /// Factor of the gradient before it enters the velocity, and of the velocity in the step.
    enter: f32,
    leave: f32,
    inside: bool,
    joint: bool,
    /// What the momentum takes of the gradient, where the ratio is outside.
    take: Option<f32>,
    lambda: f64,
    epsilon: f64,
    trust: Trust,
    decay: Decay,
}

impl Lars {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        Lars {
            momentum: v.number(MOMENTUM) as f32,
            nesterov: v.flag(NESTEROV),
            rate: step.learning_rate,
            enter: 0.0,
            leave: 0.0,
            inside: !v.is(FORM, "lr_outside"),
            joint: v.is(FORM, "joint_norm"),
            take: v.is(FORM, "ratio_outside").then(|| Average::new(step).take),
            lambda: step.coupled(),
            epsilon: v.number(EPSILON),
            trust: trust(step),
            decay: Decay::new(step, false),
        }
    }

    /// The norm of the parameter and the denominator of the trust ratio.
    fn norms(&self, sums: [f64; 2]) -> [f64; 2] {
        let (weight, gradient) = (self.decay.decayed(sums[0].sqrt()), sums[1].sqrt());
        let denominator = if gradient == 0.0 {
            0.0
        } else if self.joint {
            gradient + self.epsilon
        } else {
            gradient + self.lambda * weight + self.epsilon
        };
        [weight, denominator]
    }
}

impl ReduceFirst<1, 2> for Lars {
    const SLOTS: [Slot; 1] = [momentum()];

    #[inline(always)]
    fn reduce<V: Simd>(&self, p: F32<V>, g: F32<V>, _: &[F32<V>; 1]) -> [(F32<V>, F32<V>); 2] {
        let d = if self.joint { self.decay.gradient(p, g) } else { g };
        [(p, p), (d, d)]
    }

    fn with_sums(self, sums: [f64; 2], _: &LayerScalars) -> Self {
        let [weight, denominator] = self.norms(sums);
        let ratio = self.trust.ratio(weight, denominator);
        let both = narrow(self.rate * ratio);
        let (enter, leave) = match self.take {
            Some(take) => (take, both),
            None if self.inside => (both, 1.0),
            None => (narrow(ratio), self.rate as f32),
        };
        Lars { enter, leave, ..self }
    }

    fn trust(&self, sums: [f64; 2], _: &LayerScalars) -> TrustRecord {
        let [weight, denominator] = self.norms(sums);
        self.trust.record(weight, denominator)
    }

    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, [b]: &mut [F32<V>; 1]) {
        *b = *b * self.momentum + self.decay.gradient(p, g) * self.enter;
    }

    #[inline(always)]
    fn apply<V: Simd>(&self, p: F32<V>, g: F32<V>, _: &[F32<V>; 1], [b]: &[F32<V>; 1]) -> F32<V> {
        let u = if self.nesterov { self.decay.gradient(p, g) * self.enter + *b * self.momentum } else { *b };
        self.decay.step(p, u * self.leave)
    }
}
