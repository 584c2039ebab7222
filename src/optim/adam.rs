//! Adam (arXiv 1412.6980), AdamW (arXiv 1711.05101) and AMSGrad (arXiv 1904.09237).
//!
//! ```text
//! m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g^2        (w = v, or its running maximum)
//! out: u = (m / c1) / (sqrt(w / c2 + root) + eps)
//! hat: u = (m sqrt(c2) / c1) / (sqrt(w + root) + eps)         c = 1 - b^t
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass, state_first};
use crate::rule::cautious::{CAUTIOUS as CAUTIOUS_ROW, Masked};
use crate::rule::{Direction, Plain, Slot, Step, full, momentum, square};
use crate::simd::{F32, div_or_zero, maximum, sqrt};
use fearless_simd::Simd;

pub(crate) const ADAM: Algorithm = Algorithm {
    name: "adam",
    class_name: "Adam",
    summary: "adaptive moments; AMSGrad by a switch",
    formula: "p = p - eta (m / c1) / (sqrt(v / c2) + eps)",
    source: "Kingma and Ba 2014, arXiv 1412.6980",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

pub(crate) const ADAMW: Algorithm = Algorithm {
    name: "adamw",
    class_name: "AdamW",
    summary: "Adam with decoupled weight decay",
    formula: "p = p - eta (lambda p + (m / c1) / (sqrt(v / c2) + eps))",
    source: "Loshchilov and Hutter 2017, arXiv 1711.05101",
    defaults: &[("weight_decay", Value::Number(0.004))],
    ..ADAM
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "amsgrad",
        &[Value::Bool(false), Value::Bool(true), Value::Text("corrected"), Value::Text("paper")],
        "running maximum of the second moment: of v (True), of v / c2, or of v without corrections",
    ),
    choice(
        "epsilon_mode",
        &[Value::Text("hat"), Value::Text("out")],
        "epsilon beside the raw root (Keras) or beside the corrected one (torch)",
    ),
    number("epsilon_root", 0.0, Domain::AtLeast(0.0), "small constant under the root"),
    CAUTIOUS_ROW,
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const AMSGRAD: usize = index(HYPERS, "amsgrad");
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const EPSILON_ROOT: usize = index(HYPERS, "epsilon_root");
const CAUTIOUS: usize = index(HYPERS, "cautious");

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    let plain = values.own(AMSGRAD) == Value::Bool(false);
    Ok(match (plain, values.own(CAUTIOUS) == Value::Bool(false)) {
        (true, true) => one_pass::<_, 2>(|step| Plain::new(direction(step), step)),
        (true, false) => state_first::<_, 2, 1>(|step| Masked::new(direction(step), step, CAUTIOUS)),
        (false, true) => one_pass::<_, 3>(|step| Plain::new(Maximum::new(step), step)),
        (false, false) => state_first::<_, 3, 1>(|step| Masked::new(Maximum::new(step), step, CAUTIOUS)),
    })
}

fn direction(step: &mut Step<'_>) -> Adam {
    let v = step.values;
    let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
    Adam::new(v.number(BETA_1), v.number(BETA_2), v.number(EPSILON), v.number(EPSILON_ROOT)).corrected(
        c1,
        c2,
        v.is(EPSILON_MODE, "hat"),
    )
}

/// The direction of Adam, as six scalars.
#[derive(Clone, Copy)]
pub(crate) struct Adam {
    pub(crate) beta_1: f32,
    pub(crate) take_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) take_2: f32,
    /// Factor of the first moment.
    pub(crate) first: f32,
    /// Factor of the second moment, under the root.
    pub(crate) second: f32,
    pub(crate) root: f32,
    pub(crate) epsilon: f32,
}

impl Adam {
    /// Without corrections.
    pub(crate) fn new(beta_1: f64, beta_2: f64, epsilon: f64, root: f64) -> Self {
        Adam {
            beta_1: beta_1 as f32,
            take_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            take_2: (1.0 - beta_2) as f32,
            first: 1.0,
            second: 1.0,
            root: root as f32,
            epsilon: epsilon as f32,
        }
    }

    /// With the corrections `c1` and `c2`; `hat` puts both before the first moment.
    pub(crate) fn corrected(self, c1: f64, c2: f64, hat: bool) -> Self {
        let (first, second) = if hat { (c2.sqrt() / c1, 1.0) } else { (1.0 / c1, 1.0 / c2) };
        Adam { first: first as f32, second: second as f32, ..self }
    }

    #[inline(always)]
    pub(crate) fn moments<V: Simd>(&self, g: F32<V>, m: &mut F32<V>, v: &mut F32<V>) {
        *m = *m * self.beta_1 + g * self.take_1;
        *v = *v * self.beta_2 + (g * g) * self.take_2;
    }

    #[inline(always)]
    fn quotient<V: Simd>(&self, m: F32<V>, w: F32<V>) -> F32<V> {
        div_or_zero(m * self.first, sqrt(w * self.second + self.root) + self.epsilon)
    }
}

impl Direction<2> for Adam {
    const SLOTS: [Slot; 2] = [momentum(), square("velocity")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, v]: &mut [F32<V>; 2]) {
        self.moments(g, m, v);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, v]: &[F32<V>; 2]) -> F32<V> {
        self.quotient(*m, *v)
    }
}

/// AMSGrad: the running maximum in the place of the second moment.
#[derive(Clone, Copy)]
struct Maximum {
    adam: Adam,
    /// Factor of the second moment before the maximum is taken.
    correct: f32,
}

impl Maximum {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let adam = direction(step);
        match v.own(AMSGRAD) {
            Value::Text("corrected") => {
                let (c1, c2) = (step.correction(v.number(BETA_1)), step.correction(v.number(BETA_2)));
                Maximum { adam: adam.corrected(c1, 1.0, false), correct: (1.0 / c2) as f32 }
            }
            Value::Text("paper") => Maximum { adam: adam.corrected(1.0, 1.0, false), correct: 1.0 },
            _ => Maximum { adam, correct: 1.0 },
        }
    }
}

impl Direction<3> for Maximum {
    const SLOTS: [Slot; 3] = [momentum(), square("velocity"), full("velocity_max")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, v, w]: &mut [F32<V>; 3]) {
        self.adam.moments(g, m, v);
        *w = maximum(*w, *v * self.correct);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, _, w]: &[F32<V>; 3]) -> F32<V> {
        self.adam.quotient(*m, *w)
    }
}
