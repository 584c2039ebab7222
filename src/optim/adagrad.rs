//! Adagrad (Duchi et al. 2011, JMLR 12:2121): `G = G + g^2`; `p = p - eta g / sqrt(G + eps)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, fixed, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Plain, Slot, Step, full};
use crate::simd::{F32, div_or_zero, sqrt};
use fearless_simd::Simd;

pub(crate) const ADAGRAD: Algorithm = Algorithm {
    name: "adagrad",
    class_name: "Adagrad",
    summary: "step sizes from the sum of all squared gradients",
    formula: "G = G + g^2; p = p - eta g / sqrt(G + eps)",
    source: "Duchi et al. 2011, JMLR 12:2121",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    fixed(number("initial_accumulator_value", 0.1, Domain::AtLeast(0.0), "first value of the accumulator")),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("in"), Value::Text("out")],
        "epsilon inside the root (Keras) or outside (torch)",
    ),
    number(
        "learning_rate_decay",
        0.0,
        Domain::AtLeast(0.0),
        "eta_t = eta / (1 + (t - 1) decay), as in torch",
    ),
];
const INITIAL: usize = index(HYPERS, "initial_accumulator_value");
const EPSILON: usize = index(HYPERS, "epsilon");
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const RATE_DECAY: usize = index(HYPERS, "learning_rate_decay");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| {
        step.learning_rate /= 1.0 + (step.t - 1) as f64 * step.values.number(RATE_DECAY);
        Plain::new(Root::new(step), step)
    }))
}

/// The gradient over the root of the accumulator.
#[derive(Clone, Copy)]
struct Root {
    inside: f32,
    outside: f32,
}

impl Root {
    fn new(step: &Step<'_>) -> Self {
        let epsilon = step.values.number(EPSILON) as f32;
        let (inside, outside) =
            if step.values.is(EPSILON_MODE, "in") { (epsilon, 0.0) } else { (0.0, epsilon) };
        Root { inside, outside }
    }
}

impl Direction<1> for Root {
    const SLOTS: [Slot; 1] = [full("accumulator").starting_at(INITIAL)];
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [sum]: &mut [F32<V>; 1]) {
        *sum += g * g;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, [sum]: &[F32<V>; 1]) -> F32<V> {
        div_or_zero(g, sqrt(*sum + self.inside) + self.outside)
    }
}
