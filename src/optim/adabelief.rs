//! AdaBelief (Zhuang et al. 2020, arXiv 2010.07468): Adam whose second moment is that of the difference
//! between the gradient and its moving average.
//!
//! `m = beta_1 m + (1 - beta_1) g`; `v = beta_2 v + (1 - beta_2) (g - m)^2 + epsilon`, with the new
//! `m`; and Adam's step, or with `rectify` that of RAdam.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Condition, Domain, Needs, Values, beta_1, beta_2, flag, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::{Adam, quotient};
use crate::optim::radam::{self, Rectified};
use crate::rule::{Direction, Formula, Plain, Slot, Step};
use crate::simd::Lanes;

pub(crate) const ADABELIEF: Algorithm = Algorithm {
    name: "adabelief",
    class_name: "AdaBelief",
    summary: "step sizes from the distance between the gradient and its average",
    formula,
    source: "Zhuang et al. 2020, arXiv 2010.07468",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const RECTIFIED: Needs = &[&[Condition::On("rectify")]];

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = number(
        1e-16,
        Domain::AtLeast(0.0),
        "added to the denominator and, in every update, to the second moment",
    ),
    RECTIFY = flag(true, "rectify the variance of the step, as RAdam does"),
    EPSILON_ROOT = number(0.0, Domain::AtLeast(0.0), "small constant inside the root"),
    THRESHOLD = radam::HYPERS[radam::THRESHOLD].needs(RECTIFIED),
    DEGENERATE = radam::HYPERS[radam::DEGENERATE].needs(RECTIFIED),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let root = if v.number(EPSILON_ROOT) == 0.0 { "" } else { " + epsilon_root" };
    f.couple();
    f.line("m = beta_1 m + (1 - beta_1) g");
    f.line("v = beta_2 v + (1 - beta_2) (g - m)^2 + epsilon");
    let direction = quotient(v.flag(RECTIFY), "m", "v", root);
    if v.flag(RECTIFY) {
        radam::rectified(f, &direction, v.is(DEGENERATE, "skip"));
    } else {
        f.line(format!("u = {direction}"));
        f.descend();
    }
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let belief = Belief::new(step);
        let skips = belief.0.factor.is_none() && step.values.is(DEGENERATE, "skip");
        if skips { Plain::state_only(belief, step) } else { Plain::new(belief, step) }
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
    fn lean(&self) -> Option<Self> {
        Some(Belief(self.0.lean()?))
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, s]: &mut [L; 2]) {
        let adam = &self.0.adam;
        *m = *m * adam.beta_1 + g * adam.one_minus_beta_1;
        let away = g - *m;
        *s = *s * adam.beta_2 + (away * away) * adam.one_minus_beta_2 + adam.epsilon.value;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, s: &[L; 2]) -> L {
        self.0.direction(g, s)
    }
}
