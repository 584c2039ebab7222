//! LAMB (arXiv 1904.00962): Adam's direction, scaled layer by layer.
//!
//! `r = (m / c1) / (sqrt(v / c2) + eps)`, `u = r + lambda p`, `q = phi(|p|) / |u|`,
//! `p = p - eta q u`. The ratio `q` is 1 where a norm is 0.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Hyper, Value, Values, choice, fixed, flag, index, learning_rate, number, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::optim::adam::Adam;
use crate::rule::Trust;
use crate::rule::cautious::{CAUTIOUS as CAUTIOUS_ROW, MaskedLayer};
use crate::rule::{Denominator, Layerwise, Step};

pub(crate) const LAMB: Algorithm = Algorithm {
    name: "lamb",
    class_name: "Lamb",
    summary: "layer-wise adaptive moments for large batches",
    formula: "u = (m / c1) / (sqrt(v / c2) + eps) + lambda p; p = p - eta (|p| / |u|) u",
    source: "You et al. 2019, arXiv 1904.00962",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("out"), Value::Text("hat"), Value::Text("in")],
        "epsilon beside the corrected root (paper), beside the raw one, or under the root",
    ),
    choice(
        "bias_correction",
        &[Value::Bool(true), Value::Bool(false), Value::Text("rate"), Value::Text("first_moment")],
        "of both moments, of none, or in the learning rate: of both, or of the first only",
    ),
    choice(
        "form",
        &[Value::Text("joint"), Value::Text("sum")],
        "denominator of the ratio: |r + lambda p|, or |r| + lambda |p|",
    ),
    fixed(optional("phi", Domain::PairOrNone, "limits of the weight norm in the ratio")),
    fixed(optional("trust_clip", Domain::PairOrNone, "limits of the ratio")),
    flag("always_adapt", true, "adapt layers without weight decay too"),
    flag("gradient_averaging", true, "the first moment takes (1 - beta_1) g, else g"),
    number("trust_epsilon", 0.0, Domain::AtLeast(0.0), "added to the denominator of the ratio"),
    CAUTIOUS_ROW,
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const CORRECTION: usize = index(HYPERS, "bias_correction");
const FORM: usize = index(HYPERS, "form");
const PHI: usize = index(HYPERS, "phi");
const TRUST_CLIP: usize = index(HYPERS, "trust_clip");
const ALWAYS_ADAPT: usize = index(HYPERS, "always_adapt");
const AVERAGING: usize = index(HYPERS, "gradient_averaging");
const TRUST_EPSILON: usize = index(HYPERS, "trust_epsilon");
const CAUTIOUS: usize = index(HYPERS, "cautious");

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
    if !v.flag(AVERAGING) {
        adam.take_1 = 1.0;
    }
    // A correction in the rate stays outside the trust ratio, which would cancel it.
    let factor = match v.own(CORRECTION) {
        Value::Text("rate") => c2.sqrt() / c1,
        Value::Text("first_moment") => 1.0 / c1,
        _ => 1.0,
    };
    if v.flag(CORRECTION) {
        adam = adam.corrected(c1, c2, v.is(EPSILON_MODE, "hat"));
    }
    let denominator = if v.is(FORM, "sum") { Denominator::Sum } else { Denominator::Joint };
    Layerwise::new(adam, step, trust, denominator).with_rate_factor(factor)
}
