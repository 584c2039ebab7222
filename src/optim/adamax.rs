//! AdaMax (Kingma and Ba 2014, arXiv 1412.6980, section 7.1): Adam with the infinity norm.
//!
//! ```text
//! m = beta_1 m + (1 - beta_1) g
//! w = max(beta_2 w, abs(g))
//! p = p - learning_rate m / (1 - beta_1^t) / (w + epsilon)
//! ```
//!
//! With `epsilon_mode="in"`, epsilon is added to `abs(g)` instead.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Value, Values, beta_1, choice, decay_rate, epsilon, hypers, learning_rate};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Epsilon, Formula, Plain, Slot, Step, full, momentum};
use crate::simd::{Lanes, abs, maximum};

pub(crate) const ADAMAX: Algorithm = Algorithm {
    name: "adamax",
    class_name: "Adamax",
    summary: "Adam with the infinity norm of past gradients",
    formula,
    source: "Kingma and Ba 2014, arXiv 1412.6980",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = decay_rate(0.999, "decay rate of the maximum"),
    EPSILON = epsilon(1e-7),
    EPSILON_MODE = choice(
        &[Value::Text("out"), Value::Text("in")],
        "add epsilon to the maximum (Keras), or to each magnitude before it (torch)",
    ),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("m = beta_1 m + (1 - beta_1) g");
    if f.values.is(EPSILON_MODE, "in") {
        f.line("w = max(beta_2 w, abs(g) + epsilon)");
        f.line("u = m / (1 - beta_1^t) / w");
    } else {
        f.line("w = max(beta_2 w, abs(g))");
        f.line("u = m / (1 - beta_1^t) / (w + epsilon)");
    }
    f.descend();
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| Plain::new(Adamax::new(step), step)))
}

#[derive(Clone, Copy)]
struct Adamax {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    epsilon: Epsilon,
    inside: f32,
    outside: f32,
    /// Factor of the first moment.
    first: f32,
}

impl Adamax {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, epsilon) = (v.number(BETA_1), Epsilon::new(v.number(EPSILON)));
        let (inside, outside) =
            if v.is(EPSILON_MODE, "in") { (epsilon.value, 0.0) } else { (0.0, epsilon.value) };
        let (one_minus_beta_1, beta_2) = ((1.0 - beta_1) as f32, v.number(BETA_2) as f32);
        let first = (1.0 / step.correction(beta_1)) as f32;
        Adamax { beta_1: beta_1 as f32, one_minus_beta_1, beta_2, epsilon, inside, outside, first }
    }
}

impl Direction<2> for Adamax {
    const SLOTS: [Slot; 2] = [momentum(), full("maximum")];
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Adamax { epsilon: self.epsilon.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, u]: &mut [L; 2]) {
        *m = *m * self.beta_1 + g * self.one_minus_beta_1;
        *u = maximum(*u * self.beta_2, abs(g) + self.inside);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, u]: &[L; 2]) -> L {
        self.epsilon.divide(*m * self.first, *u + self.outside)
    }
}
