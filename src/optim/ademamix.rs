//! AdEMAMix (arXiv 2409.03137): Adam with a second, much longer average of the gradient.
//!
//! `u = (m / c1 + alpha m_slow) / (sqrt(v / c2) + eps)`; the slow average is not corrected. In a
//! warm-up `alpha` grows linearly, and so does the half-life of `beta_3`, from that of `beta_1`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, fixed, index, learning_rate, number, optional};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Plain, Slot, Step, moment, momentum, square};
use crate::simd::{F32, div_or_zero, sqrt};
use fearless_simd::Simd;

pub(crate) const ADEMAMIX: Algorithm = Algorithm {
    name: "ademamix",
    class_name: "AdEMAMix",
    summary: "Adam with a fast and a slow average of the gradient",
    formula: "p = p - eta (m / c1 + alpha m_slow) / (sqrt(v / c2) + eps)",
    source: "Pagliardini et al. 2024, arXiv 2409.03137",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the fast average"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("beta_3", 0.9999, Domain::Unit, "decay rate of the slow average"),
    number("alpha", 5.0, Domain::AtLeast(0.0), "weight of the slow average"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    fixed(optional("alpha_warmup_steps", Domain::IntegerOrNone(1), "updates until alpha is reached")),
    fixed(optional("beta_3_warmup_steps", Domain::IntegerOrNone(1), "updates until beta_3 is reached")),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const BETA_3: usize = index(HYPERS, "beta_3");
const ALPHA: usize = index(HYPERS, "alpha");
const EPSILON: usize = index(HYPERS, "epsilon");
const ALPHA_WARMUP: usize = index(HYPERS, "alpha_warmup_steps");
const BETA_3_WARMUP: usize = index(HYPERS, "beta_3_warmup_steps");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 3>(|step| Plain::new(Mix::new(step), step)))
}

/// How far a warm-up has come; 1 where there is none.
fn along(step: &Step<'_>, steps: usize) -> f64 {
    (step.t as f64 / step.values.number(steps).max(1.0)).min(1.0)
}

/// The decay rate on its way from `first` to `last`, by half-lives.
fn warmed(along: f64, first: f64, last: f64) -> f64 {
    if along == 1.0 {
        return last;
    }
    let half_life = |beta: f64| libm::log(0.5) / libm::log(beta + 1e-8) - 1.0;
    libm::pow(0.5, 1.0 / ((1.0 - along) * half_life(first) + along * half_life(last) + 1.0))
}

#[derive(Clone, Copy)]
struct Mix {
    adam: Adam,
    keep: f32,
    take: f32,
    alpha: f32,
}

impl Mix {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
        let adam = Adam::new(beta_1, beta_2, v.number(EPSILON), 0.0).corrected(c1, c2, false);
        let beta_3 = warmed(along(step, BETA_3_WARMUP), beta_1, v.number(BETA_3));
        let alpha = v.number(ALPHA) * along(step, ALPHA_WARMUP);
        Mix { adam, keep: beta_3 as f32, take: (1.0 - beta_3) as f32, alpha: alpha as f32 }
    }
}

impl Direction<3> for Mix {
    const SLOTS: [Slot; 3] = [momentum(), moment("momentum_slow"), square("velocity")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, slow, v]: &mut [F32<V>; 3]) {
        self.adam.moments(g, m, v);
        *slow = *slow * self.keep + g * self.take;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, slow, v]: &[F32<V>; 3]) -> F32<V> {
        let root = sqrt(*v * self.adam.second);
        div_or_zero(*m * self.adam.first + *slow * self.alpha, root + self.adam.epsilon)
    }
}
