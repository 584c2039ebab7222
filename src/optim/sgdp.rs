//! SGDP (Heo et al. 2020, arXiv 2006.08217, algorithm 1): momentum whose direction is projected; see
//! [`crate::rule::projection`].

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{Condition, Domain, Values, decay_rate, flag, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass, reduce_first};
use crate::rule::{
    Direction, Formula, Plain, Slot, Step, momentum,
    projection::{self, Projected},
};
use crate::simd::Lanes;

pub(crate) const SGDP: Algorithm = Algorithm {
    name: "sgdp",
    class_name: "SGDP",
    summary: "momentum without the part of its steps that only makes normalized weights longer",
    formula,
    source: "Heo et al. 2020, arXiv 2006.08217",
    hypers: HYPERS,
    route: Some(Route {
        rule: "sgd",
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
    LEARNING_RATE = learning_rate(0.1),
    MOMENTUM = decay_rate(0.9, "decay rate of the momentum"),
    DAMPENING = number(0.0, Domain::UnitClosed, "share of each gradient that is left out of the momentum"),
    EPSILON = number(1e-8, Domain::AtLeast(0.0), "small constant of the denominators"),
    DELTA = projection::DELTA,
    WEIGHT_DECAY_RATIO = projection::WEIGHT_DECAY_RATIO,
    NESTEROV = flag(false, "use Nesterov's momentum").needs(&[&[Condition::On("momentum")]]),
}

fn direction(f: &mut Formula<'_>) {
    f.couple();
    f.line(match f.values.number(DAMPENING) {
        0.0 => "m = momentum m + g",
        _ => "m = momentum m + (1 - dampening) g",
    });
    f.line(if f.values.flag(NESTEROV) { "u = g + momentum m" } else { "u = m" });
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
    Ok(reduce_first::<_, 2, 4>(|step| {
        Projected::new(Momentum::new(step), step, [DELTA, EPSILON, WEIGHT_DECAY_RATIO])
    }))
}

fn make_plain(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| Plain::new(Momentum::new(step), step)))
}

#[derive(Clone, Copy)]
struct Momentum {
    momentum: f32,
    one_minus_dampening: f32,
    nesterov: bool,
}

impl Momentum {
    fn new(step: &Step<'_>) -> Self {
        let v = step.values;
        Momentum {
            momentum: v.number(MOMENTUM) as f32,
            one_minus_dampening: (1.0 - v.number(DAMPENING)) as f32,
            nesterov: v.flag(NESTEROV),
        }
    }
}

impl Direction<1> for Momentum {
    const SLOTS: [Slot; 1] = [momentum()];
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Momentum { nesterov: (!self.nesterov).then_some(false)?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m]: &mut [L; 1]) {
        *m = *m * self.momentum + g * self.one_minus_dampening;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, [m]: &[L; 1]) -> L {
        if self.nesterov { g + *m * self.momentum } else { *m }
    }
}
