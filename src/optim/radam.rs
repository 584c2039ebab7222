//! RAdam (Liu et al. 2019, arXiv 1908.03265): Adam with a rectified variance of its step.
//!
//! ```text
//! rho_inf = 2 / (1 - beta_2) - 1
//! rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
//! r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
//! ```
//!
//! Adam's step is multiplied by `r` if `rho` is greater than the threshold; otherwise the step is
//! `learning_rate m / (1 - beta_1^t)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, beta_1, beta_2, choice, epsilon, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::{Adam, MOMENTS, quotient};
use crate::rule::{Direction, Formula, Plain, Slot, Step};
use crate::simd::Lanes;

pub(crate) const RADAM: Algorithm = Algorithm {
    name: "radam",
    class_name: "RAdam",
    summary: "Adam with the variance of its step rectified",
    formula,
    source: "Liu et al. 2019, arXiv 1908.03265",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

// The first four rows are those of every rectified rule.
hypers! {
    pub(crate) HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-8),
    EPSILON_MODE = choice(
        &[Value::Text("hat"), Value::Text("out")],
        "add epsilon to the root of v (torch), or to that of the corrected v (optax)",
    ),
    THRESHOLD = number(5.0, Domain::AtLeast(4.0), "rho above which the step is rectified"),
    DEGENERATE = choice(
        &[Value::Text("momentum"), Value::Text("skip")],
        "step before that: along the momentum, or none",
    ),
}

/// `rho` and the rectification `r`, in a formula.
pub(crate) const RECTIFICATION: &str = "\
    rho_inf = 2 / (1 - beta_2) - 1; \
    rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t); \
    r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))";

/// The direction and the step of a rectified rule, in a formula; `direction` is the one that is rectified.
pub(crate) fn rectified(f: &mut Formula<'_>, direction: &str, skips: bool) {
    f.line(RECTIFICATION);
    if skips {
        f.line(format!("u = r {direction}"));
        f.descend();
        f.only_if("rho > threshold");
    } else {
        f.line(format!("u = if(rho > threshold, r {direction}, m / (1 - beta_1^t))"));
        f.descend();
    }
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    f.line(MOMENTS);
    rectified(f, &quotient(v.is(EPSILON_MODE, "hat"), "m", "v", ""), v.is(DEGENERATE, "skip"));
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let direction = Rectified::new(step, v.is(EPSILON_MODE, "hat"), v.number(THRESHOLD));
        let skips = direction.factor.is_none() && v.is(DEGENERATE, "skip");
        if skips { Plain::state_only(direction, step) } else { Plain::new(direction, step) }
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

/// Adam's direction, rectified; the momentum while the variance is not tractable.
#[derive(Clone, Copy)]
pub(crate) struct Rectified {
    pub(crate) adam: Adam,
    /// `r_t`, if the variance is tractable.
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
    fn lean(&self) -> Option<Self> {
        Some(Rectified { adam: self.adam.lean()?, factor: Some(self.factor?) })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; 2]) {
        self.adam.advance(g, s);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, s: &[L; 2]) -> L {
        if self.factor.is_some() { self.adam.direction(g, s) } else { s[0] * self.adam.first }
    }
}
