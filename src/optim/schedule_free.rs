//! Schedule-Free SGD and AdamW (Defazio et al. 2024, arXiv 2405.15682): the average of the iterates in
//! place of a learning rate schedule.
//!
//! The parameter holds `y = (1 - beta) z + beta x` with the iterates `z`, a state, and their average
//! `x`. With `rate = learning_rate min(1, t / warmup_steps)`, the largest rate so far `rate_max`, and
//! `u = g`, or `g / (sqrt(v / (1 - beta_2^t)) + epsilon)`, plus `weight_decay y`:
//!
//! ```text
//! w = t^r rate_max^weight_lr_power;  w_sum = w_sum + w;  c = w / w_sum
//! y = y - c (y - z) - rate (1 - beta (1 - c)) u
//! z = z - rate u
//! ```
//!
//! `x = y + (1 - 1 / beta) (z - y)` is the average to be evaluated.

use crate::algorithm::{Algorithm, Evaluation};
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, integer, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Decay, Entry, Epsilon, Formula, OnePass, Scalar, Slot, Start, Step, full, square};
use crate::simd::{Lanes, sqrt};

const SCALARS: &[Scalar] = &[
    Scalar { name: "weight_sum", initial: Start::At(0.0) },
    Scalar { name: "largest_rate", initial: Start::At(0.0) },
];

pub(crate) const SCHEDULE_FREE_SGD: Algorithm = Algorithm {
    name: "schedulefreesgd",
    class_name: "ScheduleFreeSGD",
    summary: "SGD on an average of its iterates, without a schedule",
    formula: formula_sgd,
    source: "Defazio et al. 2024, arXiv 2405.15682",
    hypers: sgd::HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    scalars: SCALARS,
    evaluation: Some(Evaluation { slot: "z", share: |values| values.number(sgd::MOMENTUM) }),
    make: make_sgd,
    ..Algorithm::BASE
};

pub(crate) const SCHEDULE_FREE_ADAMW: Algorithm = Algorithm {
    name: "schedulefreeadamw",
    class_name: "ScheduleFreeAdamW",
    summary: "AdamW on an average of its iterates, without a schedule",
    formula: formula_adamw,
    hypers: adamw::HYPERS,
    evaluation: Some(Evaluation { slot: "z", share: |values| values.number(adamw::BETA_1) }),
    make: make_adamw,
    ..SCHEDULE_FREE_SGD
};

const WARMUP: Hyper = integer(0, 0, "updates during which the learning rate rises");
const POWER: Hyper = number(0.0, Domain::AtLeast(0.0), "exponent of t in the weight of an iterate");
const RATE_POWER: Hyper =
    number(2.0, Domain::AtLeast(0.0), "exponent of the largest learning rate in that weight");
const SHARE: &str = "share of the average in the parameter";

mod sgd {
    use super::{POWER, RATE_POWER, SHARE, WARMUP};
    use crate::hyper::{Domain, hypers, learning_rate, number};

    hypers! {
        pub(super) HYPERS;
        LEARNING_RATE = learning_rate(1.0),
        MOMENTUM = number(0.9, Domain::OpenUnit, SHARE),
        WARMUP_STEPS = WARMUP,
        R = POWER,
        WEIGHT_LR_POWER = RATE_POWER,
    }
}

mod adamw {
    use super::{POWER, RATE_POWER, SHARE, WARMUP};
    use crate::hyper::{Domain, beta_2, epsilon, hypers, learning_rate, number};

    hypers! {
        pub(super) HYPERS;
        LEARNING_RATE = learning_rate(0.0025),
        BETA_1 = number(0.9, Domain::OpenUnit, SHARE),
        BETA_2 = beta_2(0.999),
        EPSILON = epsilon(1e-8),
        WARMUP_STEPS = WARMUP,
        R = POWER,
        WEIGHT_LR_POWER = RATE_POWER,
    }
}

/// Positions in the tables of the hyperparameters that both rules need.
#[derive(Clone, Copy)]
struct Positions {
    /// The share of the average in the parameter.
    share: usize,
    warmup: usize,
    power: usize,
    rate_power: usize,
}

const SGD: Positions = Positions {
    share: sgd::MOMENTUM,
    warmup: sgd::WARMUP_STEPS,
    power: sgd::R,
    rate_power: sgd::WEIGHT_LR_POWER,
};
const ADAMW: Positions = Positions {
    share: adamw::BETA_1,
    warmup: adamw::WARMUP_STEPS,
    power: adamw::R,
    rate_power: adamw::WEIGHT_LR_POWER,
};

fn formula_sgd(f: &mut Formula<'_>) {
    f.line("z = if(t == 1, p, z)");
    f.decay_first();
    f.couple();
    f.line("u = g");
    averaged(f, "momentum", SGD);
}

fn formula_adamw(f: &mut Formula<'_>) {
    f.line("z = if(t == 1, p, z)");
    f.decay_first();
    f.couple();
    f.line("v = beta_2 v + (1 - beta_2) g^2");
    f.line("u = g / (sqrt(v / (1 - beta_2^t)) + epsilon)");
    averaged(f, "beta_1", ADAMW);
}

/// The step along `u` and the average of the iterates, in a formula.
fn averaged(f: &mut Formula<'_>, share: &str, positions: Positions) {
    if let Some(name) = f.inside() {
        f.line(format!("u = u + {name} p"));
        f.decay_done();
    }
    let (warms, weighs) = (f.values.integer(positions.warmup) > 0, f.values.number(positions.power) != 0.0);
    let rate = if warms { "rate" } else { "learning_rate" };
    if warms {
        f.line("rate = learning_rate min(1, t / warmup_steps)");
    }
    f.line(format!("rate_max = max(rate_max, {rate})"));
    let weight = if weighs { "t^r rate_max^weight_lr_power" } else { "rate_max^weight_lr_power" };
    f.line(format!("w = {weight}; w_sum = w_sum + w; c = w / w_sum"));
    f.line(format!("d = c (p - z) + {rate} (1 - {share} (1 - c)) u"));
    f.line(format!("z = z - {rate} u"));
    f.descend_at("p - d", "learning_rate", "d");
}

fn make_sgd(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| Average::new(step, SGD)))
}

fn make_adamw(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let beta = v.number(adamw::BETA_2);
        let c2 = step.correction(beta);
        Adaptive {
            average: Average::new(step, ADAMW),
            beta: beta as f32,
            one_minus_beta: (1.0 - beta) as f32,
            second: (1.0 / c2) as f32,
            epsilon: Epsilon::new(v.number(adamw::EPSILON)),
        }
    }))
}

/// The coefficients of the steps of `y` and `z` along a direction.
#[derive(Clone, Copy)]
struct Average {
    rate: f32,
    /// `c`, and `eta_t (1 - b (1 - c))`.
    share: f32,
    along: f32,
    decay: Decay,
}

impl Average {
    fn new(step: &mut Step<'_>, positions: Positions) -> Self {
        let v = step.values;
        let warmup = v.number(positions.warmup);
        let rise = if warmup > 0.0 { (step.t as f64 / warmup).min(1.0) } else { 1.0 };
        let rate = step.learning_rate * rise;
        let [sum, largest, _] = &mut *step.scalars;
        *largest = largest.max(rate);
        let weight = libm::pow(step.t as f64, v.number(positions.power))
            * libm::pow(*largest, v.number(positions.rate_power));
        *sum += weight;
        let share = if *sum > 0.0 { weight / *sum } else { 0.0 };
        let along = rate * (1.0 - v.number(positions.share) * (1.0 - share));
        let decay = Decay::new(step, true);
        Average { rate: rate as f32, share: share as f32, along: along as f32, decay }
    }

    /// The new `y`; `z` is updated.
    #[inline(always)]
    fn along<L: Lanes>(&self, y: L, z: &mut L, u: L) -> L {
        let u = self.decay.direction(y, u);
        let step = (self.decay.before(y) - *z) * self.share + u * self.along;
        *z -= u * self.rate;
        self.decay.step(y, step)
    }
}

impl OnePass<1> for Average {
    const SLOTS: [Slot; 1] = [full("z").starting_as_parameter()];
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Average { decay: self.decay.lean(decays, Entry::Direction)?, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [z]: &mut [L; 1], store: impl Fn(L) -> L) -> L {
        let new = self.along(p, z, self.decay.gradient(p, g));
        *z = store(*z);
        new
    }
}

/// The same along Adam's normalized gradient.
#[derive(Clone, Copy)]
struct Adaptive {
    average: Average,
    beta: f32,
    one_minus_beta: f32,
    second: f32,
    epsilon: Epsilon,
}

impl OnePass<2> for Adaptive {
    const SLOTS: [Slot; 2] = [full("z").starting_as_parameter(), square("velocity")];
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Adaptive { average: self.average.lean(decays)?, epsilon: self.epsilon.lean()?, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [z, v]: &mut [L; 2], store: impl Fn(L) -> L) -> L {
        let g = self.average.decay.gradient(p, g);
        *v = store(*v * self.beta + (g * g) * self.one_minus_beta);
        let u = self.epsilon.quotient(g, sqrt(*v * self.second));
        let new = self.average.along(p, z, u);
        *z = store(*z);
        new
    }
}
