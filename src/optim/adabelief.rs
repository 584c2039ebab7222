//! AdaBelief (arXiv 2010.07468): Adam by how far the gradient is from its average.
//!
//! `s = b2 s + (1 - b2) (g - m)^2 + eps` in the place of Adam's `v`, with the new `m`; `rectify` treats
//! it as RAdam does, with epsilon beside the raw root.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Condition, Domain, Hyper, Needs, Values, flag, index, learning_rate, needs, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::optim::radam::{self, Rectified};
use crate::rule::{Direction, Plain, Slot, Step};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const ADABELIEF: Algorithm = Algorithm {
    name: "adabelief",
    class_name: "AdaBelief",
    summary: "step sizes from how far the gradient is from its average",
    formula: "s = b2 s + (1 - b2) (g - m)^2 + eps; p = p - eta (m / c1) / (sqrt(s / c2) + eps)",
    source: "Zhuang et al. 2020, arXiv 2010.07468",
    hypers: HYPERS,
    needs: NEEDS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-16, Domain::AtLeast(0.0), "small constant of the second moment and below"),
    flag("rectify", true, "rectify the variance of the step, as RAdam"),
    number("epsilon_root", 0.0, Domain::AtLeast(0.0), "small constant under the root"),
    radam::HYPERS[radam::THRESHOLD],
    radam::HYPERS[radam::DEGENERATE],
];

const NEEDS: &[Needs] =
    &[needs("threshold", &[Condition::On("rectify")]), needs("degenerate", &[Condition::On("rectify")])];
const RECTIFY: usize = index(HYPERS, "rectify");
const EPSILON_ROOT: usize = index(HYPERS, "epsilon_root");
const THRESHOLD: usize = index(HYPERS, "threshold");
const DEGENERATE: usize = index(HYPERS, "degenerate");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let belief = Belief::new(step);
        let stands = belief.0.factor.is_none() && step.values.is(DEGENERATE, "skip");
        if stands { Plain::state_only(belief, step) } else { Plain::new(belief, step) }
    }))
}

#[derive(Clone, Copy)]
struct Belief(Rectified);

impl Belief {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let mut rectified = Rectified::new(step, true, v.number(THRESHOLD));
        if !v.flag(RECTIFY) {
            let (c1, c2) =
                (step.correction(v.number(radam::BETA_1)), step.correction(v.number(radam::BETA_2)));
            rectified = Rectified { adam: rectified.adam.corrected(c1, c2, false), factor: Some(1.0) };
        }
        rectified.adam.root = v.number(EPSILON_ROOT) as f32;
        Belief(rectified)
    }
}

impl Direction<2> for Belief {
    const SLOTS: [Slot; 2] = Adam::SLOTS;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, s]: &mut [F32<V>; 2]) {
        let adam = &self.0.adam;
        *m = *m * adam.beta_1 + g * adam.take_1;
        let away = g - *m;
        *s = *s * adam.beta_2 + (away * away) * adam.take_2 + adam.epsilon;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, s: &[F32<V>; 2]) -> F32<V> {
        self.0.direction(g, s)
    }
}
