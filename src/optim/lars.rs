//! LARS (You et al. 2017, arXiv 1708.03888): momentum, scaled by a trust ratio for each array.
//!
//! With `d = g + weight_decay p`, and a ratio `q` of 1 if a norm is 0:
//!
//! * `lr_inside` (paper): `q = trust_coefficient norm(p) / (norm(g) + weight_decay norm(p) + epsilon)`,
//!   `m = momentum m + learning_rate q d`, `p = p - m`;
//! * `lr_outside` (timm): the same ratio, `m = momentum m + q d`, `p = p - learning_rate m`;
//! * `joint_norm` (optax): `q = trust_coefficient norm(p) / (norm(d) + epsilon)`, otherwise as
//!   `lr_inside`;
//! * `ratio_outside`: the ratio of `lr_inside`, `m = momentum m + (1 - momentum) d`,
//!   `p = p - learning_rate q m`;
//! * `momentum_norm` (arXiv 1904.00962): `q = trust_coefficient norm(p) / (norm(m) + epsilon)`,
//!   otherwise as `ratio_outside`.

use crate::algorithm::Algorithm;
use crate::error::{Error, Kind, Result};
use crate::hyper::{
    Condition, Domain, Value, Values, choice, decay_rate, flag, hypers, learning_rate, number, optional,
};
use crate::kernel::{Kernel, reduce_first, state_first};
use crate::powers::narrow;
use crate::rule::{
    Decay, Denominator, Direction, Entry, Formula, LayerScalars, Layerwise, ReduceFirst, Slot, Step, Trust,
    TrustRecord, momentum, trust,
};
use crate::simd::Lanes;

pub(crate) const LARS: Algorithm = Algorithm {
    name: "lars",
    class_name: "Lars",
    summary: "layer-wise adaptive rates for momentum",
    formula,
    source: "You et al. 2017, arXiv 1708.03888",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(1.0),
    MOMENTUM = decay_rate(0.9, "decay rate of the velocity"),
    TRUST_COEFFICIENT = number(1e-3, Domain::AtLeast(0.0), "factor of the trust ratio"),
    NESTEROV = flag(false, "use Nesterov's momentum").needs(&[&[Condition::On("momentum")]]),
    EPSILON = number(0.0, Domain::AtLeast(0.0), "added to the denominator of the trust ratio"),
    FORM = choice(
        &[
            Value::Text("lr_inside"),
            Value::Text("lr_outside"),
            Value::Text("joint_norm"),
            Value::Text("momentum_norm"),
            Value::Text("ratio_outside"),
        ],
        "form of the LARS paper, of timm, of optax, of the LAMB paper, or with the ratio outside the momentum",
    ),
    TRUST_CLIP = optional(
        Domain::PairOrNone,
        "limits of the trust ratio divided by the learning rate",
    ).fixed(),
    ALWAYS_ADAPT = flag(true, "use the trust ratio for arrays without weight decay too"),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let adapts = f.adapts && (v.flag(ALWAYS_ADAPT) || f.decays());
    f.decay_first();
    if v.is(FORM, "momentum_norm") {
        f.couple();
        f.line("m = momentum m + (1 - momentum) g");
        f.line(ratio(v, adapts, "norm(m)", None));
        return f.descend_at("p - learning_rate q m", "learning_rate", "m");
    }
    if v.is(FORM, "joint_norm") {
        f.couple();
        f.line(ratio(v, adapts, "norm(g)", None));
    } else {
        f.line(ratio(v, adapts, "norm(g)", f.coupled()));
        f.couple();
    }
    let (gradient, rate) = match v.own(FORM) {
        Value::Text("ratio_outside") => ("(1 - momentum) g", "learning_rate q "),
        Value::Text("lr_outside") => ("q g", "learning_rate "),
        _ => ("learning_rate q g", ""),
    };
    f.line(format!("m = momentum m + {gradient}"));
    let mut u = "m";
    if v.flag(NESTEROV) {
        f.line(format!("u = {gradient} + momentum m"));
        u = "u";
    }
    f.descend_at(&format!("p - {rate}{u}"), "learning_rate", u);
}

/// The trust ratio over a norm and the norm of the decay, in a formula.
fn ratio(v: &Values, adapts: bool, norm: &str, decay: Option<&str>) -> String {
    if !adapts {
        return "q = 1".to_string();
    }
    let decay = decay.map_or(String::new(), |name| format!(" + {name} norm(p)"));
    let epsilon = if v.number(EPSILON) == 0.0 { "" } else { " + epsilon" };
    let mut ratio = format!("trust_coefficient norm(p) / ({norm}{decay}{epsilon})");
    if v.pair(TRUST_CLIP).is_some() {
        ratio += " / learning_rate";
    }
    trust::formula(&ratio, norm, v.pair(TRUST_CLIP).map(trust::limits))
}

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
    // The limits apply to q / eta.
    let clip = v.pair(TRUST_CLIP).filter(|_| rate > 0.0);
    let adapt = step.adapt && (v.flag(ALWAYS_ADAPT) || step.weight_decay() != 0.0);
    let coefficient = v.number(TRUST_COEFFICIENT) / if clip.is_some() { rate } else { 1.0 };
    Trust { coefficient, phi: None, clip, epsilon: 0.0, adapt }
}

/// The average of the gradient.
#[derive(Clone, Copy)]
struct Average {
    beta: f32,
    one_minus_beta: f32,
}

impl Average {
    fn new(step: &Step<'_>) -> Self {
        let momentum = step.values.number(MOMENTUM);
        Average { beta: momentum as f32, one_minus_beta: (1.0 - momentum) as f32 }
    }
}

impl Direction<1> for Average {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m]: &mut [L; 1]) {
        *m = *m * self.beta + g * self.one_minus_beta;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m]: &[L; 1]) -> L {
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
    /// Weight of the gradient in the momentum, for a ratio outside of the momentum.
    weight: Option<f32>,
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
            weight: v.is(FORM, "ratio_outside").then(|| Average::new(step).one_minus_beta),
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
    fn lean(&self, decays: bool) -> Option<Self> {
        if self.nesterov || self.joint {
            return None;
        }
        let decay = self.decay.lean(decays, Entry::Gradient)?;
        Some(Lars { nesterov: false, joint: false, decay, ..*self })
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, g: L, _: &[L; 1]) -> [(L, L); 2] {
        let d = if self.joint { self.decay.gradient(p, g) } else { g };
        [(p, p), (d, d)]
    }

    fn with_sums(self, sums: [f64; 2], _: &LayerScalars) -> Self {
        let [weight, denominator] = self.norms(sums);
        let ratio = self.trust.ratio(weight, denominator);
        let both = narrow(self.rate * ratio);
        let (enter, leave) = match self.weight {
            Some(weight) => (weight, both),
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
    fn advance<L: Lanes>(&self, p: L, g: L, [b]: &mut [L; 1]) {
        *b = *b * self.momentum + self.decay.gradient(p, g) * self.enter;
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, g: L, _: &[L; 1], [b]: &[L; 1]) -> L {
        let u = if self.nesterov { self.decay.gradient(p, g) * self.enter + *b * self.momentum } else { *b };
        self.decay.step(p, u * self.leave)
    }
}
