//! AdaBound (Luo et al. 2019, arXiv 1902.09843): Adam whose learning rate of each element is limited by
//! two bounds that approach the rate of SGD.
//!
//! With Adam's moments, `rate = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)` and
//! `end = final_learning_rate learning_rate / first_rate`, where `first_rate` is the learning rate of
//! the first update:
//!
//! ```text
//! p = p - clip(rate / (sqrt(v) + epsilon), end (1 - 1 / (gamma t + 1)), end (1 + 1 / (gamma t))) m
//! ```
//!
//! AMSBound (`amsgrad`) has the running maximum of `v` in its place.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, beta_1, beta_2, epsilon, flag, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::{Adam, MOMENTS};
use crate::rule::{Direction, Entry, Formula, Plain, Slot, Step, full};
use crate::simd::{Lanes, clamp, maximum, splat, sqrt};

pub(crate) const ADABOUND: Algorithm = Algorithm {
    name: "adabound",
    class_name: "AdaBound",
    summary: "Adam that becomes SGD, with limits of the step size that converge; AMSBound by an argument",
    formula,
    source: "Luo et al. 2019, arXiv 1902.09843",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-8),
    FINAL_LEARNING_RATE = number(0.1, Domain::AtLeast(0.0), "learning rate that both bounds approach"),
    GAMMA = number(0.001, Domain::AtLeast(0.0), "how fast the bounds approach it"),
    AMSGRAD = flag(false, "use the running maximum of the second moment (AMSBound)"),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    f.line(MOMENTS);
    if v.flag(AMSGRAD) {
        f.line("w = max(w, v)");
    }
    f.first_rate();
    f.line("rate = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)");
    f.line("end = final_learning_rate learning_rate / first_rate");
    let rate = format!("rate / (sqrt({}) + epsilon)", if v.flag(AMSGRAD) { "w" } else { "v" });
    if v.number(GAMMA) == 0.0 {
        f.line(format!("u = if(end == 0, 0, {rate} m)"));
    } else {
        f.line("low = end (1 - 1 / (gamma t + 1)); high = end (1 + 1 / (gamma t))");
        f.line(format!("u = clip({rate}, low, high) m"));
    }
    f.descend_at("p - u", "learning_rate", "u");
}

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
        let (end, gone) = (v.number(FINAL_LEARNING_RATE) * along, v.number(GAMMA) * step.t as f64);
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
    const DECAY: Entry = Entry::Gradient;
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Bound { adam: self.adam.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; S]) {
        let (mut m, mut v) = (s[0], s[1]);
        self.adam.moments(g, &mut m, &mut v);
        (s[0], s[1]) = (m, v);
        if S > 2 {
            s[S - 1] = maximum(s[S - 1], v);
        }
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, s: &[L; S]) -> L {
        let rate = self.adam.epsilon.quotient(splat(s[0], self.rate), sqrt(s[S - 1]));
        clamp(rate, self.low, self.high) * s[0]
    }
}
