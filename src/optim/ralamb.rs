//! Ralamb (Grankin 2019): RAdam's direction (arXiv 1908.03265), scaled layer by layer as LAMB's is
//! (arXiv 1904.00962).
//!
//! With RAdam's direction `r` and `u = r + lambda p`: `q = phi(|p|) / |u|` (step) or
//! `phi(|p|) / |p - eta u|` (new_weights); `p = p - eta q u`. The clamp "paratrooper" keeps `q` between
//! 1 and `c1 / (r_t sqrt(c2))`, or 10 while `r_t` is not tractable.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Hyper, Value, Values, choice, fixed, flag, index, learning_rate, number, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::optim::radam::{self, Rectified};
use crate::rule::Trust;
use crate::rule::{Denominator, Layerwise, Step};

pub(crate) const RALAMB: Algorithm = Algorithm {
    name: "ralamb",
    class_name: "Ralamb",
    summary: "RAdam with the trust ratio of LAMB",
    formula: "u = r_t (m / c1) / (sqrt(v / c2) + eps) + lambda p; p = p - eta (|p| / |u|) u",
    source: "Grankin 2019; Liu et al. 2019, arXiv 1908.03265; You et al. 2019, arXiv 1904.00962",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

pub(crate) const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("out"), Value::Text("hat")],
        "epsilon beside the corrected root or beside the raw one",
    ),
    radam::HYPERS[radam::THRESHOLD],
    choice(
        "form",
        &[Value::Text("step"), Value::Text("new_weights")],
        "denominator of the ratio: norm of the step, or of the weights after it (over9000)",
    ),
    fixed(optional("phi", Domain::PairOrNone, "limits of the weight norm in the ratio")),
    fixed(optional("trust_clip", CLIP, "limits of the ratio")),
    flag("always_adapt", true, "adapt layers without weight decay too"),
];
const CLIP: Domain = Domain::Or(&Domain::PairOrNone, &[Value::Text("paratrooper")]);
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const THRESHOLD: usize = index(HYPERS, "threshold");
const FORM: usize = index(HYPERS, "form");
const PHI: usize = index(HYPERS, "phi");
const TRUST_CLIP: usize = index(HYPERS, "trust_clip");
const ALWAYS_ADAPT: usize = index(HYPERS, "always_adapt");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(state_first::<_, 2, 2>(layerwise))
}

fn layerwise(step: &mut Step<'_>) -> Layerwise<Rectified> {
    let v = step.values;
    let rectified = Rectified::new(step, v.is(EPSILON_MODE, "hat"), v.number(THRESHOLD));
    let (c1, c2) = [radam::BETA_1, radam::BETA_2].map(|beta| step.correction(v.number(beta))).into();
    let cap = rectified.factor.map_or(10.0, |r| c1 / (r * c2.sqrt()));
    let paratrooper = v.is(TRUST_CLIP, "paratrooper").then_some((1.0, f64::max(1.0, cap)));
    let adapt = step.adapt && (v.flag(ALWAYS_ADAPT) || step.weight_decay() != 0.0);
    let (phi, clip) = (v.pair(PHI), v.pair(TRUST_CLIP).or(paratrooper));
    let denominator = if v.is(FORM, "step") { Denominator::Joint } else { Denominator::NewWeights };
    let trust = Trust { coefficient: 1.0, phi, clip, epsilon: 0.0, adapt };
    Layerwise::new(rectified, step, trust, denominator)
}
