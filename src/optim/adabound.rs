//! AdaBound (arXiv 1902.09843): Adam whose rate of each element is kept within two bounds.
//!
//! `s = eta sqrt(c2) / c1`; `f = final_learning_rate eta / eta_1`, `eta_1` the first learning rate;
//! `p = p - clip(s / (sqrt(v) + eps), f (1 - 1 / (gamma t + 1)), f (1 + 1 / (gamma t))) m`. AMSBound has
//! the running maximum of `v` in its place.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, flag, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Plain, Slot, Step, full};
use crate::simd::{F32, clamp, div_or_zero, maximum, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const ADABOUND: Algorithm = Algorithm {
    name: "adabound",
    class_name: "AdaBound",
    summary: "Adam that becomes SGD: rates within bounds that close; AMSBound by a switch",
    formula: "p = p - clip((eta sqrt(c2) / c1) / (sqrt(v) + eps), low(t), high(t)) m",
    source: "Luo et al. 2019, arXiv 1902.09843",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    number("final_learning_rate", 0.1, Domain::AtLeast(0.0), "rate that both bounds approach"),
    number("gamma", 0.001, Domain::AtLeast(0.0), "how fast the bounds close"),
    flag("amsgrad", false, "running maximum of the second moment (AMSBound)"),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const FINAL: usize = index(HYPERS, "final_learning_rate");
const GAMMA: usize = index(HYPERS, "gamma");
const AMSGRAD: usize = index(HYPERS, "amsgrad");

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    let rule = |step: &mut Step<'_>| Plain::new(Bound::new(step), step).with_rate(1.0);
    Ok(if values.flag(AMSGRAD) { one_pass::<_, 3>(rule) } else { one_pass::<_, 2>(rule) })
}

#[derive(Clone, Copy)]
struct Bound {
    adam: Adam,
    rate: f32,
    low: f32,
    high: f32,
}

impl Bound {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
        let along = if step.first_rate > 0.0 { step.learning_rate / step.first_rate } else { 0.0 };
        let (end, gone) = (v.number(FINAL) * along, v.number(GAMMA) * step.t as f64);
        Bound {
            adam: Adam::new(v.number(BETA_1), v.number(BETA_2), v.number(EPSILON), 0.0),
            rate: (step.learning_rate * c2.sqrt() / c1) as f32,
            low: (end * (1.0 - 1.0 / (gone + 1.0))) as f32,
            high: if end == 0.0 { 0.0 } else { (end * (1.0 + 1.0 / gone)) as f32 },
        }
    }
}

impl<const S: usize> Direction<S> for Bound {
    const SLOTS: [Slot; S] = {
        let mut slots = [full("velocity_max"); S];
        (slots[0], slots[1]) = (Adam::SLOTS[0], Adam::SLOTS[1]);
        slots
    };
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; S]) {
        let (mut m, mut v) = (s[0], s[1]);
        self.adam.moments(g, &mut m, &mut v);
        (s[0], s[1]) = (m, v);
        if S > 2 {
            s[S - 1] = maximum(s[S - 1], v);
        }
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, s: &[F32<V>; S]) -> F32<V> {
        let rate = div_or_zero(splat(s[0], self.rate), sqrt(s[S - 1]) + self.adam.epsilon);
        clamp(rate, self.low, self.high) * s[0]
    }
}
