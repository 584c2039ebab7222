//! Rectified Adam (arXiv 1908.03265).
//!
//! `rho_inf = 2 / (1 - b2) - 1`, `rho_t = rho_inf - 2 t b2^t / (1 - b2^t)`. While `rho_t` is at most
//! the threshold the step is `eta m / c1`; above it Adam's step times
//! `r_t = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t))`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Plain, Slot, Step};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const RADAM: Algorithm = Algorithm {
    name: "radam",
    class_name: "RAdam",
    summary: "Adam with the variance of its step rectified",
    formula: "p = p - eta r_t sqrt(c2) (m / c1) / (sqrt(v) + eps), or p - eta m / c1 at first",
    source: "Liu et al. 2019, arXiv 1908.03265",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

/// The first four rows are those of every rectified rule.
pub(crate) const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("hat"), Value::Text("out")],
        "epsilon beside the raw root (torch) or beside the corrected one (optax)",
    ),
    number("threshold", 5.0, Domain::AtLeast(4.0), "rho_t above which the step is rectified"),
    choice(
        "degenerate",
        &[Value::Text("momentum"), Value::Text("skip")],
        "what happens before that: a step along the momentum, or none",
    ),
];
pub(crate) const BETA_1: usize = index(HYPERS, "beta_1");
pub(crate) const BETA_2: usize = index(HYPERS, "beta_2");
pub(crate) const EPSILON: usize = index(HYPERS, "epsilon");
pub(crate) const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
pub(crate) const THRESHOLD: usize = index(HYPERS, "threshold");
pub(crate) const DEGENERATE: usize = index(HYPERS, "degenerate");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let direction = Rectified::new(step, v.is(EPSILON_MODE, "hat"), v.number(THRESHOLD));
        let stands = direction.factor.is_none() && v.is(DEGENERATE, "skip");
        if stands { Plain::state_only(direction, step) } else { Plain::new(direction, step) }
    }))
}

/// The factor `r_t`, or none while `rho_t` is at most `threshold`.
pub(crate) fn rectification(step: &mut Step<'_>, beta_2: f64, threshold: f64) -> Option<f64> {
    let limit = 2.0 / (1.0 - beta_2) - 1.0;
    let rho = limit - 2.0 * step.t as f64 * step.pow(beta_2) / step.correction(beta_2);
    // For beta_2 <= 0.6 the limit is at most 4: never tractable.
    (rho > threshold && limit > 4.0)
        .then(|| ((rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho)).sqrt())
}

/// Adam's direction, rectified; the momentum while it is not tractable.
#[derive(Clone, Copy)]
pub(crate) struct Rectified {
    pub(crate) adam: Adam,
    /// `r_t`, once it is tractable.
    pub(crate) factor: Option<f64>,
}

impl Rectified {
    /// For a table whose first rows are those of RAdam.
    pub(crate) fn new(step: &mut Step<'_>, hat: bool, threshold: f64) -> Self {
        let v = step.values;
        let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
        let adam = Adam::new(v.number(BETA_1), v.number(BETA_2), v.number(EPSILON), 0.0);
        let factor = rectification(step, v.number(BETA_2), threshold);
        let adam = match factor {
            Some(r) => adam.corrected(c1 / r, c2, hat),
            None => adam.corrected(c1, 1.0, false),
        };
        Rectified { adam, factor }
    }
}

impl Direction<2> for Rectified {
    const SLOTS: [Slot; 2] = Adam::SLOTS;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; 2]) {
        self.adam.advance(g, s);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, s: &[F32<V>; 2]) -> F32<V> {
        if self.factor.is_some() { self.adam.direction(g, s) } else { s[0] * self.adam.first }
    }
}
