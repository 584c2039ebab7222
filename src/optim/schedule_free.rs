//! Schedule-Free SGD and AdamW (arXiv 2405.15682): the average of the iterates in the place of a
//! learning-rate schedule.
//!
//! The parameter holds `y`; the state holds `z`. With `eta_t = eta min(1, t / W)`,
//! `w = t^r (max eta)^k`, `S = S + w`, `c = w / S`, and `G = g`, or `g / (sqrt(v / c2) + eps)`, plus
//! `lambda y`:
//!
//! ```text
//! y = (1 - c) y + c z + eta_t (b (1 - c) - 1) G        z = z - eta_t G
//! ```
//!
//! What is to be evaluated is `x = y + (1 - 1 / b)(z - y)`.

use crate::algorithm::{Algorithm, Evaluation};
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, index, integer, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{OnePass, Scalar, Slot, Start, Step, full, square};
use crate::simd::{F32, div_or_zero, sqrt};
use fearless_simd::Simd;

const SCALARS: &[Scalar] = &[
    Scalar { name: "weight_sum", initial: Start::At(0.0) },
    Scalar { name: "largest_rate", initial: Start::At(0.0) },
];

pub(crate) const SCHEDULE_FREE_SGD: Algorithm = Algorithm {
    name: "schedulefreesgd",
    class_name: "ScheduleFreeSGD",
    summary: "SGD on an average of its iterates, without a schedule",
    formula: "z = z - eta g; x = (1 - c) x + c z; p = (1 - b) z + b x",
    source: "Defazio et al. 2024, arXiv 2405.15682",
    hypers: SGD_HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    scalars: SCALARS,
    evaluation: Some(Evaluation { slot: "z", share: |values| values.number(index(SGD_HYPERS, "momentum")) }),
    make: make_sgd,
    ..Algorithm::BASE
};

pub(crate) const SCHEDULE_FREE_ADAMW: Algorithm = Algorithm {
    name: "schedulefreeadamw",
    class_name: "ScheduleFreeAdamW",
    summary: "AdamW on an average of its iterates, without a schedule",
    formula: "z = z - eta g / (sqrt(v / c2) + eps); x = (1 - c) x + c z; p = (1 - b1) z + b1 x",
    hypers: ADAMW_HYPERS,
    evaluation: Some(Evaluation { slot: "z", share: |values| values.number(index(ADAMW_HYPERS, "beta_1")) }),
    make: make_adamw,
    ..SCHEDULE_FREE_SGD
};

const WARMUP: Hyper = integer("warmup_steps", 0, 0, "updates over which the learning rate rises");
const POWER: Hyper = number("r", 0.0, Domain::AtLeast(0.0), "power of t in the weight of an iterate");
const RATE_POWER: Hyper =
    number("weight_lr_power", 2.0, Domain::AtLeast(0.0), "power of the largest learning rate there");
const SGD_HYPERS: &[Hyper] = &[
    learning_rate(1.0),
    number("momentum", 0.9, Domain::OpenUnit, "share of the average in the parameter, b"),
    WARMUP,
    POWER,
    RATE_POWER,
];
const ADAMW_HYPERS: &[Hyper] = &[
    learning_rate(0.0025),
    number("beta_1", 0.9, Domain::OpenUnit, "share of the average in the parameter, b"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    WARMUP,
    POWER,
    RATE_POWER,
];

fn make_sgd(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| Average::new(step, SGD_HYPERS, "momentum")))
}

fn make_adamw(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let beta = v.number(index(ADAMW_HYPERS, "beta_2"));
        let c2 = step.correction(beta);
        Adaptive {
            average: Average::new(step, ADAMW_HYPERS, "beta_1"),
            beta: beta as f32,
            take: (1.0 - beta) as f32,
            second: (1.0 / c2) as f32,
            epsilon: v.number(index(ADAMW_HYPERS, "epsilon")) as f32,
        }
    }))
}

/// How `y` and `z` move along a direction.
#[derive(Clone, Copy)]
struct Average {
    rate: f32,
    /// `c`, and `eta_t (1 - b (1 - c))`.
    share: f32,
    along: f32,
    decay: Decay,
}

impl Average {
    fn new(step: &mut Step<'_>, table: &[Hyper], beta: &str) -> Self {
        let v = step.values;
        let of = |name: &str| v.number(index(table, name));
        let warmup = of("warmup_steps");
        let rise = if warmup > 0.0 { (step.t as f64 / warmup).min(1.0) } else { 1.0 };
        let rate = step.learning_rate * rise;
        let [sum, largest, _] = &mut *step.scalars;
        *largest = largest.max(rate);
        let weight = libm::pow(step.t as f64, of("r")) * libm::pow(*largest, of("weight_lr_power"));
        *sum += weight;
        let share = if *sum > 0.0 { weight / *sum } else { 0.0 };
        let along = rate * (1.0 - of(beta) * (1.0 - share));
        let decay = Decay::new(step, true);
        Average { rate: rate as f32, share: share as f32, along: along as f32, decay }
    }

    /// The new `y`; `z` is brought forward.
    #[inline(always)]
    fn along<V: Simd>(&self, y: F32<V>, z: &mut F32<V>, u: F32<V>) -> F32<V> {
        let u = self.decay.direction(y, u);
        let step = (self.decay.before(y) - *z) * self.share + u * self.along;
        *z -= u * self.rate;
        self.decay.step(y, step)
    }
}

impl OnePass<1> for Average {
    const SLOTS: [Slot; 1] = [full("z").starting_as_parameter()];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [z]: &mut [F32<V>; 1],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let new = self.along(p, z, self.decay.gradient(p, g));
        *z = keep(*z);
        new
    }
}

/// The same along Adam's normalised gradient.
#[derive(Clone, Copy)]
struct Adaptive {
    average: Average,
    beta: f32,
    take: f32,
    second: f32,
    epsilon: f32,
}

impl OnePass<2> for Adaptive {
    const SLOTS: [Slot; 2] = [full("z").starting_as_parameter(), square("velocity")];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [z, v]: &mut [F32<V>; 2],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.average.decay.gradient(p, g);
        *v = keep(*v * self.beta + (g * g) * self.take);
        let u = div_or_zero(g, sqrt(*v * self.second) + self.epsilon);
        let new = self.average.along(p, z, u);
        *z = keep(*z);
        new
    }
}
