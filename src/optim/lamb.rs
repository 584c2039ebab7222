//! LAMB (You et al. 2019, arXiv 1904.00962): Adam's direction, scaled by a trust ratio for each array.
//!
//! ```text
//! m = beta_1 m + (1 - beta_1) g
//! v = beta_2 v + (1 - beta_2) g^2
//! u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon) + weight_decay p
//! q = norm(p) / norm(u), or 1 if a norm is 0
//! p = p - learning_rate q u
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Value, Values, beta_1, beta_2, choice, epsilon, flag, hypers, learning_rate, number, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::optim::adam::Adam;
use crate::rule::{
    Denominator, Formula, Layerwise, Step, Trust, adaptors,
    cautious::{self, MaskedLayer},
    trust,
};

pub(crate) const LAMB: Algorithm = Algorithm {
    name: "lamb",
    class_name: "Lamb",
    summary: "layer-wise adaptive moments for large batches",
    formula,
    source: "You et al. 2019, arXiv 1904.00962",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-7),
    EPSILON_MODE = choice(
        &[Value::Text("out"), Value::Text("hat"), Value::Text("in")],
        "add epsilon to the root of the corrected v (paper), to that of v, or inside the root",
    ),
    BIAS_CORRECTION = choice(
        &[Value::Bool(true), Value::Bool(false), Value::Text("rate"), Value::Text("first_moment")],
        "correct both moments, none, or the learning rate: for both moments, or for the first only",
    ),
    FORM = choice(
        &[Value::Text("joint"), Value::Text("sum")],
        "denominator of the trust ratio: norm(u), or norm(direction) + weight_decay norm(p)",
    ),
    PHI = optional(Domain::PairOrNone, "limits of the weight norm in the trust ratio").fixed(),
    TRUST_CLIP = optional(Domain::PairOrNone, "limits of the trust ratio").fixed(),
    ALWAYS_ADAPT = flag(true, "use the trust ratio for arrays without weight decay too"),
    GRADIENT_AVERAGING = flag(true, "add (1 - beta_1) g to the first moment, else g"),
    TRUST_EPSILON = number(0.0, Domain::AtLeast(0.0), "added to the denominator of the trust ratio"),
    CAUTIOUS = cautious::SWITCH,
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let adapts = f.adapts && (v.flag(ALWAYS_ADAPT) || f.decays());
    let root = if v.is(EPSILON_MODE, "in") { " + epsilon" } else { "" };
    let beside = if v.is(EPSILON_MODE, "in") { "" } else { " + epsilon" };
    f.decay_first();
    f.couple();
    f.line(if v.flag(GRADIENT_AVERAGING) { "m = beta_1 m + (1 - beta_1) g" } else { "m = beta_1 m + g" });
    f.line("v = beta_2 v + (1 - beta_2) g^2");
    f.line(if !v.flag(BIAS_CORRECTION) {
        format!("u = m / (sqrt(v{root}){beside})")
    } else if v.is(EPSILON_MODE, "hat") {
        "u = sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)".to_string()
    } else {
        format!("u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t){root}){beside})")
    });
    cautious::formula(f, v.own(CAUTIOUS));
    let norms = if v.is(FORM, "sum") { Denominator::Sum } else { Denominator::Joint };
    let clip = v.pair(TRUST_CLIP).map(trust::limits);
    adaptors::formula(f, adapts, norms, v.pair(PHI), v.number(TRUST_EPSILON) != 0.0, clip);
    match v.own(BIAS_CORRECTION) {
        Value::Text("rate") => f.line("rate = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)"),
        Value::Text(_) => f.line("rate = learning_rate / (1 - beta_1^t)"),
        _ => return f.descend_at("p - learning_rate q u", "learning_rate", "u"),
    }
    f.descend_at("p - rate q u", "learning_rate", "u");
}

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(if values.own(CAUTIOUS) == Value::Bool(false) {
        state_first::<_, 2, 2>(layerwise)
    } else {
        state_first::<_, 2, 4>(|step| MaskedLayer::new(layerwise(step), step, CAUTIOUS))
    })
}

fn layerwise(step: &mut Step<'_>) -> Layerwise<Adam> {
    let v = step.values;
    let trust = Trust {
        coefficient: 1.0,
        phi: v.pair(PHI),
        clip: v.pair(TRUST_CLIP),
        epsilon: v.number(TRUST_EPSILON),
        adapt: step.adapt && (v.flag(ALWAYS_ADAPT) || step.weight_decay() != 0.0),
    };
    let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
    let epsilon = v.number(EPSILON);
    let (beside, root) = if v.is(EPSILON_MODE, "in") { (0.0, epsilon) } else { (epsilon, 0.0) };
    let mut adam = Adam::new(v.number(BETA_1), v.number(BETA_2), beside, root);
    if !v.flag(GRADIENT_AVERAGING) {
        adam.one_minus_beta_1 = 1.0;
    }
    // A correction in the rate is outside the trust ratio; inside, it would cancel.
    let factor = match v.own(BIAS_CORRECTION) {
        Value::Text("rate") => c2.sqrt() / c1,
        Value::Text("first_moment") => 1.0 / c1,
        _ => 1.0,
    };
    if v.flag(BIAS_CORRECTION) {
        adam = adam.corrected(c1, c2, v.is(EPSILON_MODE, "hat"));
    }
    let denominator = if v.is(FORM, "sum") { Denominator::Sum } else { Denominator::Joint };
    Layerwise::new(adam, step, trust, denominator).with_rate_factor(factor)
}
