//! Adagrad (Duchi et al. 2011, JMLR 12:2121): `a = a + g^2`;
//! `p = p - learning_rate g / sqrt(a + epsilon)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, choice, epsilon, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Epsilon, Formula, Plain, Slot, Step, full};
use crate::simd::{Lanes, sqrt};

pub(crate) const ADAGRAD: Algorithm = Algorithm {
    name: "adagrad",
    class_name: "Adagrad",
    summary: "step sizes from the sum of all squared gradients",
    formula,
    source: "Duchi et al. 2011, JMLR 12:2121",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    INITIAL_ACCUMULATOR_VALUE = number(0.1, Domain::AtLeast(0.0), "initial value of the accumulator").fixed(),
    EPSILON = epsilon(1e-7),
    EPSILON_MODE = choice(
        &[Value::Text("in"), Value::Text("out")],
        "epsilon inside the root (Keras) or outside of it (torch)",
    ),
    LEARNING_RATE_DECAY = number(
        0.0,
        Domain::AtLeast(0.0),
        "the rate is divided by 1 + (t - 1) learning_rate_decay, as in torch",
    ),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    if v.number(LEARNING_RATE_DECAY) != 0.0 {
        f.line("rate = learning_rate / (1 + (t - 1) learning_rate_decay)");
        f.rate_is("rate");
    }
    f.line(match v.number(INITIAL_ACCUMULATOR_VALUE) {
        0.0 => "a = a + g^2",
        _ => "a = if(t == 1, initial_accumulator_value, a) + g^2",
    });
    f.line(if v.is(EPSILON_MODE, "in") {
        "u = g / sqrt(a + epsilon)"
    } else {
        "u = g / (sqrt(a) + epsilon)"
    });
    f.descend();
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| {
        step.learning_rate /= 1.0 + (step.t - 1) as f64 * step.values.number(LEARNING_RATE_DECAY);
        Plain::new(Root::new(step), step)
    }))
}

/// The gradient over the root of the accumulator.
#[derive(Clone, Copy)]
struct Root {
    epsilon: Epsilon,
    inside: f32,
    outside: f32,
}

impl Root {
    fn new(step: &Step<'_>) -> Self {
        let epsilon = Epsilon::new(step.values.number(EPSILON));
        let (inside, outside) =
            if step.values.is(EPSILON_MODE, "in") { (epsilon.value, 0.0) } else { (0.0, epsilon.value) };
        Root { epsilon, inside, outside }
    }
}

impl Direction<1> for Root {
    const SLOTS: [Slot; 1] = [full("accumulator").starting_at(INITIAL_ACCUMULATOR_VALUE)];
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Root { epsilon: self.epsilon.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [sum]: &mut [L; 1]) {
        *sum += g * g;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, [sum]: &[L; 1]) -> L {
        self.epsilon.divide(g, sqrt(*sum + self.inside) + self.outside)
    }
}
