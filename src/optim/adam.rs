//! Adam (Kingma and Ba 2014, arXiv 1412.6980), AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101) and
//! AMSGrad (Reddi et al. 2018, arXiv 1904.09237).
//!
//! ```text
//! m = beta_1 m + (1 - beta_1) g
//! v = beta_2 v + (1 - beta_2) g^2
//! hat: u = sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
//! out: u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
//! p = p - learning_rate u
//! ```
//!
//! AMSGrad has the running maximum of `v` in its place.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, beta_1, beta_2, choice, epsilon, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass, state_first};
use crate::rule::{
    Direction, Epsilon, Formula, Plain, Slot, Step,
    cautious::{self, Masked},
    full, momentum, square,
};
use crate::simd::{Lanes, maximum, sqrt};

pub(crate) const ADAM: Algorithm = Algorithm {
    name: "adam",
    class_name: "Adam",
    summary: "adaptive moments; AMSGrad by an argument",
    formula,
    source: "Kingma and Ba 2014, arXiv 1412.6980",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

pub(crate) const ADAMW: Algorithm = Algorithm {
    name: "adamw",
    class_name: "AdamW",
    summary: "Adam with decoupled weight decay",
    source: "Loshchilov and Hutter 2017, arXiv 1711.05101",
    defaults: &[("weight_decay", Value::Number(0.004))],
    ..ADAM
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-7),
    AMSGRAD = choice(
        &[Value::Bool(false), Value::Bool(true), Value::Text("corrected"), Value::Text("paper")],
        "use the running maximum of v (True), of v / (1 - beta_2^t), or of v without bias corrections",
    ),
    EPSILON_MODE = choice(
        &[Value::Text("hat"), Value::Text("out")],
        "add epsilon to the root of v (Keras), or to that of the corrected v (torch)",
    ),
    EPSILON_ROOT = number(0.0, Domain::AtLeast(0.0), "small constant inside the root"),
    CAUTIOUS = cautious::SWITCH,
}

/// The moments, in a formula.
pub(crate) const MOMENTS: &str = "m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2";

/// The direction from the moments `m` and `v`, in a formula; `root` is added under the root.
pub(crate) fn quotient(hat: bool, m: &str, v: &str, root: &str) -> String {
    if hat {
        format!("sqrt(1 - beta_2^t) / (1 - beta_1^t) {m} / (sqrt({v}{root}) + epsilon)")
    } else {
        format!("{m} / (1 - beta_1^t) / (sqrt({v} / (1 - beta_2^t){root}) + epsilon)")
    }
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let root = if v.number(EPSILON_ROOT) == 0.0 { "" } else { " + epsilon_root" };
    let hat = v.is(EPSILON_MODE, "hat");
    f.couple();
    f.line(MOMENTS);
    match v.own(AMSGRAD) {
        Value::Bool(true) => {
            f.line("w = max(w, v)");
            f.line(format!("u = {}", quotient(hat, "m", "w", root)));
        }
        Value::Text("corrected") => {
            f.line("w = max(w, v / (1 - beta_2^t))");
            f.line(format!("u = m / (1 - beta_1^t) / (sqrt(w{root}) + epsilon)"));
        }
        Value::Text(_) => {
            f.line("w = max(w, v)");
            f.line(format!("u = m / (sqrt(w{root}) + epsilon)"));
        }
        _ => f.line(format!("u = {}", quotient(hat, "m", "v", root))),
    }
    cautious::formula(f, v.own(CAUTIOUS));
    f.descend();
}

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
    pub(crate) one_minus_beta_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) one_minus_beta_2: f32,
    /// Factor of the first moment.
    pub(crate) first: f32,
    /// Factor of the second moment, under the root.
    pub(crate) second: f32,
    pub(crate) root: f32,
    pub(crate) epsilon: Epsilon,
}

impl Adam {
    /// Without corrections.
    pub(crate) fn new(beta_1: f64, beta_2: f64, epsilon: f64, root: f64) -> Self {
        Adam {
            beta_1: beta_1 as f32,
            one_minus_beta_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            one_minus_beta_2: (1.0 - beta_2) as f32,
            first: 1.0,
            second: 1.0,
            root: root as f32,
            epsilon: Epsilon::new(epsilon),
        }
    }

    /// With the corrections `c1` and `c2`; `hat` puts both before the first moment.
    pub(crate) fn corrected(self, c1: f64, c2: f64, hat: bool) -> Self {
        let (first, second) = if hat { (c2.sqrt() / c1, 1.0) } else { (1.0 / c1, 1.0 / c2) };
        Adam { first: first as f32, second: second as f32, ..self }
    }

    /// The direction without a constant inside the root, and with one beside it.
    #[inline(always)]
    pub(crate) fn lean(&self) -> Option<Self> {
        Some(Adam { root: (self.root == 0.0).then_some(0.0)?, epsilon: self.epsilon.lean()?, ..*self })
    }

    #[inline(always)]
    pub(crate) fn moments<L: Lanes>(&self, g: L, m: &mut L, v: &mut L) {
        *m = *m * self.beta_1 + g * self.one_minus_beta_1;
        *v = *v * self.beta_2 + (g * g) * self.one_minus_beta_2;
    }

    #[inline(always)]
    fn quotient<L: Lanes>(&self, m: L, w: L) -> L {
        let w = w * self.second;
        let w = if self.root == 0.0 { w } else { w + self.root };
        self.epsilon.quotient(m * self.first, sqrt(w))
    }
}

impl Direction<2> for Adam {
    const SLOTS: [Slot; 2] = [momentum(), square("velocity")];
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        self.lean()
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, v]: &mut [L; 2]) {
        self.moments(g, m, v);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, v]: &[L; 2]) -> L {
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
    fn lean(&self) -> Option<Self> {
        Some(Maximum { adam: self.adam.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, v, w]: &mut [L; 3]) {
        self.adam.moments(g, m, v);
        *w = maximum(*w, *v * self.correct);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, _, w]: &[L; 3]) -> L {
        self.adam.quotient(*m, *w)
    }
}
