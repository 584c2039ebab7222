//! Grams (arXiv 2412.17107): Adam's step in size, the gradient's in sign.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Plain, Slot};
use crate::simd::{F32, abs, sign};
use fearless_simd::Simd;

pub(crate) const GRAMS: Algorithm = Algorithm {
    name: "grams",
    class_name: "Grams",
    summary: "the size of Adam's step with the sign of the gradient",
    formula: "p = p - eta |(m / c1) / (sqrt(v / c2) + eps)| sign(g)",
    source: "Cao et al. 2024, arXiv 2412.17107",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-6, Domain::AtLeast(0.0), "small constant of the denominator"),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
        let adam = Adam::new(v.number(BETA_1), v.number(BETA_2), v.number(EPSILON), 0.0);
        Plain::new(Grams(adam.corrected(c1, c2, false)), step)
    }))
}

#[derive(Clone, Copy)]
struct Grams(Adam);

impl Direction<2> for Grams {
    const SLOTS: [Slot; 2] = Adam::SLOTS;
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; 2]) {
        self.0.advance(g, s);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, s: &[F32<V>; 2]) -> F32<V> {
        abs(self.0.direction(g, s)) * sign(g)
    }
}
