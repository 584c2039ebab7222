//! AdaMax (arXiv 1412.6980, section 7.1): Adam with the infinity norm.
//!
//! `m = b1 m + (1 - b1) g`; `u = max(b2 u, |g|)`; `p = p - (eta / c1) m / (u + eps)`. With
//! `epsilon_mode="in"`: `u = max(b2 u, |g| + eps)`, and no epsilon below.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Plain, Slot, Step, full, momentum};
use crate::simd::{F32, abs, div_or_zero, maximum};
use fearless_simd::Simd;

pub(crate) const ADAMAX: Algorithm = Algorithm {
    name: "adamax",
    class_name: "Adamax",
    summary: "Adam with the infinity norm of past gradients",
    formula: "u = max(b2 u, |g|); p = p - eta (m / c1) / (u + eps)",
    source: "Kingma and Ba 2014, arXiv 1412.6980",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the maximum"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("out"), Value::Text("in")],
        "epsilon beside the maximum (Keras) or in it (torch)",
    ),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| Plain::new(Adamax::new(step), step)))
}

#[derive(Clone, Copy)]
struct Adamax {
    beta_1: f32,
    take_1: f32,
    beta_2: f32,
    inside: f32,
    outside: f32,
    /// Factor of the first moment.
    first: f32,
}

impl Adamax {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, epsilon) = (v.number(BETA_1), v.number(EPSILON) as f32);
        let (inside, outside) = if v.is(EPSILON_MODE, "in") { (epsilon, 0.0) } else { (0.0, epsilon) };
        let (take_1, beta_2) = ((1.0 - beta_1) as f32, v.number(BETA_2) as f32);
        let first = (1.0 / step.correction(beta_1)) as f32;
        Adamax { beta_1: beta_1 as f32, take_1, beta_2, inside, outside, first }
    }
}

impl Direction<2> for Adamax {
    const SLOTS: [Slot; 2] = [momentum(), full("maximum")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, u]: &mut [F32<V>; 2]) {
        *m = *m * self.beta_1 + g * self.take_1;
        *u = maximum(*u * self.beta_2, abs(g) + self.inside);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, u]: &[F32<V>; 2]) -> F32<V> {
        div_or_zero(*m * self.first, *u + self.outside)
    }
}
