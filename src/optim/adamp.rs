//! AdamP (Heo et al. 2020, arXiv 2006.08217, algorithm 2): Adam whose direction is projected; see
//! [`crate::rule::projection`].

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{Domain, Values, beta_1, beta_2, flag, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass, reduce_first};
use crate::optim::adam::{Adam, MOMENTS};
use crate::rule::{
    Direction, Formula, Plain, Slot, Step,
    projection::{self, Projected},
};
use crate::simd::{Lanes, sqrt};

pub(crate) const ADAMP: Algorithm = Algorithm {
    name: "adamp",
    class_name: "AdamP",
    summary: "Adam without the part of its steps that only makes normalized weights longer",
    formula,
    source: "Heo et al. 2020, arXiv 2006.08217",
    hypers: HYPERS,
    route: Some(Route {
        rule: "adam",
        which: "arrays with fewer than two axes",
        takes: |_, _, shape| shape.len() < 2,
        decay: None,
        rate: None,
        formula: formula_plain,
        make: make_plain,
    }),
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = number(1e-8, Domain::AtLeast(0.0), "small constant of the denominators"),
    DELTA = projection::DELTA,
    WEIGHT_DECAY_RATIO = projection::WEIGHT_DECAY_RATIO,
    NESTEROV = flag(false, "use Nesterov's momentum"),
}

fn direction(f: &mut Formula<'_>) {
    f.couple();
    f.line(MOMENTS);
    let ahead = if f.values.flag(NESTEROV) { "(beta_1 m + (1 - beta_1) g)" } else { "m" };
    f.line(format!("u = {ahead} / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)"));
}

fn formula(f: &mut Formula<'_>) {
    direction(f);
    projection::formula(f);
    f.descend();
}

fn formula_plain(f: &mut Formula<'_>) {
    direction(f);
    f.descend();
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(reduce_first::<_, 3, 4>(|step| {
        Projected::new(AdamP::new(step), step, [DELTA, EPSILON, WEIGHT_DECAY_RATIO])
    }))
}

fn make_plain(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| Plain::new(AdamP::new(step), step)))
}

/// Adam's direction, or Nesterov's.
#[derive(Clone, Copy)]
struct AdamP {
    adam: Adam,
    /// Factors of momentum and gradient where the direction looks ahead.
    ahead: Option<(f32, f32)>,
}

impl AdamP {
    fn new(step: &mut Step<'_>) -> Self {
        let (v, beta_1) = (step.values, step.values.number(BETA_1));
        let (c1, c2) = (step.correction(beta_1), step.correction(v.number(BETA_2)));
        let adam = Adam::new(beta_1, v.number(BETA_2), v.number(EPSILON), 0.0).corrected(c1, c2, false);
        let ahead = v.flag(NESTEROV).then(|| ((beta_1 / c1) as f32, ((1.0 - beta_1) / c1) as f32));
        AdamP { adam, ahead }
    }
}

impl Direction<2> for AdamP {
    const SLOTS: [Slot; 2] = Adam::SLOTS;
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(AdamP { adam: self.adam.lean()?, ahead: self.ahead.is_none().then_some(None)? })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; 2]) {
        self.adam.advance(g, s);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, s: &[L; 2]) -> L {
        let [m, v] = *s;
        match self.ahead {
            None => self.adam.direction(g, s),
            Some((momentum, gradient)) => {
                self.adam.epsilon.quotient(m * momentum + g * gradient, sqrt(v * self.adam.second))
            }
        }
    }
}
