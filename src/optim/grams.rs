//! Grams (Cao et al. 2024, arXiv 2412.17107): `p = p - learning_rate abs(u) sign(g)` with Adam's
//! direction `u`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Values, beta_1, beta_2, epsilon, hypers, learning_rate};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::{Adam, MOMENTS, quotient};
use crate::rule::{Direction, Formula, Plain, Slot};
use crate::simd::{Lanes, abs, sign};

pub(crate) const GRAMS: Algorithm = Algorithm {
    name: "grams",
    class_name: "Grams",
    summary: "the size of Adam's step with the sign of the gradient",
    formula,
    source: "Cao et al. 2024, arXiv 2412.17107",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-6),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line(MOMENTS);
    f.line(format!("u = abs({}) sign(g)", quotient(false, "m", "v", "")));
    f.descend();
}

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
    fn lean(&self) -> Option<Self> {
        Some(Grams(self.0.lean()?))
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; 2]) {
        self.0.advance(g, s);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, s: &[L; 2]) -> L {
        abs(self.0.direction(g, s)) * sign(g)
    }
}
