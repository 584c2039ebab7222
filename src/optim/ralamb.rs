//! Ralamb (Grankin 2019): the direction of RAdam (arXiv 1908.03265), scaled by the trust ratio of LAMB
//! (arXiv 1904.00962).
//!
//! With the direction `u` of RAdam plus `weight_decay p`: `q = norm(p) / norm(u)` (step), or
//! `norm(p) / norm(p - learning_rate u)` (new_weights), and `p = p - learning_rate q u`. The limits
//! "paratrooper" are 1 and `(1 - beta_1^t) / (r sqrt(1 - beta_2^t))`, or 10 while the step is not
//! rectified.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Value, Values, beta_1, beta_2, choice, epsilon, flag, hypers, learning_rate, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::optim::adam::{MOMENTS, quotient};
use crate::optim::radam::{self, RECTIFICATION, Rectified};
use crate::rule::{Denominator, Formula, Layerwise, Step, Trust, adaptors, trust};

pub(crate) const RALAMB: Algorithm = Algorithm {
    name: "ralamb",
    class_name: "Ralamb",
    summary: "RAdam with the trust ratio of LAMB",
    formula,
    source: "Grankin 2019; Liu et al. 2019, arXiv 1908.03265; You et al. 2019, arXiv 1904.00962",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

hypers! {
    pub(crate) HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-8),
    EPSILON_MODE = choice(
        &[Value::Text("out"), Value::Text("hat")],
        "add epsilon to the root of the corrected v, or to that of v",
    ),
    THRESHOLD = radam::HYPERS[radam::THRESHOLD],
    FORM = choice(
        &[Value::Text("step"), Value::Text("new_weights")],
        "denominator of the trust ratio: norm of the step, or of the weights after it (over9000)",
    ),
    PHI = optional(Domain::PairOrNone, "limits of the weight norm in the trust ratio").fixed(),
    TRUST_CLIP = optional(CLIP, "limits of the trust ratio").fixed(),
    ALWAYS_ADAPT = flag(true, "use the trust ratio for arrays without weight decay too"),
}
const CLIP: Domain = Domain::Or(&Domain::PairOrNone, &[Value::Text("paratrooper")]);

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let adapts = f.adapts && (v.flag(ALWAYS_ADAPT) || f.decays());
    f.decay_first();
    f.couple();
    f.line(MOMENTS);
    f.line(RECTIFICATION);
    let direction = quotient(v.is(EPSILON_MODE, "hat"), "m", "v", "");
    f.line(format!("u = if(rho > threshold, r {direction}, m / (1 - beta_1^t))"));
    let norms = if v.is(FORM, "step") { Denominator::Joint } else { Denominator::NewWeights };
    let clip = if v.is(TRUST_CLIP, "paratrooper") {
        f.line("cap = if(rho > threshold, (1 - beta_1^t) / (r sqrt(1 - beta_2^t)), 10)");
        Some("1, max(1, cap)".to_string())
    } else {
        v.pair(TRUST_CLIP).map(trust::limits)
    };
    adaptors::formula(f, adapts, norms, v.pair(PHI), false, clip);
    f.descend_at("p - learning_rate q u", "learning_rate", "u");
}

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
