//! Nadam: Adam with Nesterov's look-ahead, in the three forms that share the name.
//!
//! With `c = 1 - b^t` and `mu_t = b1 (1 - 0.96^(t psi) / 2)`, `Pi_t = mu_1 ... mu_t`:
//!
//! * `dozat`: `n = mu_{t+1} m / (1 - Pi_t mu_{t+1}) + (1 - mu_t) g / (1 - Pi_t)`;
//! * `ruder` (NAdamW): `n = (b1 m + (1 - b1) g) / c1`;
//! * `optax`: `n = b1 m / (1 - b1^(t+1)) + (1 - b1) g / c1`;
//!
//! and `p = p - eta n / (sqrt(v / c2) + eps)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Hyper, Needs, Value, Values, choice, index, learning_rate, needs, number,
};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Plain, Scalar, Slot, Start, Step};
use crate::simd::{F32, div_or_zero, sqrt};
use fearless_simd::Simd;

pub(crate) const NADAM: Algorithm = Algorithm {
    name: "nadam",
    class_name: "Nadam",
    summary: "Adam with Nesterov's look-ahead",
    formula: "p = p - eta (b1 m / (1 - b1^(t+1)) + (1 - b1) g / c1) / (sqrt(v / c2) + eps)",
    source: "Dozat 2016, ICLR workshop",
    hypers: HYPERS,
    needs: NEEDS,
    scalars: &[Scalar { name: "momentum_product", initial: Start::At(1.0) }],
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "form",
        &[Value::Text("dozat"), Value::Text("ruder"), Value::Text("optax")],
        "whose look-ahead: with a momentum schedule, without one (NAdamW), or of the next step",
    ),
    number("momentum_decay", 0.004, Domain::AtLeast(0.0), "psi of the momentum schedule; 1 in Keras"),
];

const NEEDS: &[Needs] = &[needs("momentum_decay", &[Condition::Is("form", Value::Text("dozat"))])];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const FORM: usize = index(HYPERS, "form");
const PSI: usize = index(HYPERS, "momentum_decay");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| Plain::new(Nadam::new(step), step)))
}

/// Adam's moments, and the factors of momentum and gradient in the step.
#[derive(Clone, Copy)]
struct Nadam {
    adam: Adam,
    momentum: f32,
    gradient: f32,
}

impl Nadam {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let beta = v.number(BETA_1);
        let (c1, c2) = (step.correction(beta), step.correction(v.number(BETA_2)));
        let (momentum, gradient) = if v.is(FORM, "dozat") {
            let mu = |t: u64| beta * (1.0 - 0.5 * libm::pow(0.96, t as f64 * v.number(PSI)));
            let (now, next) = (mu(step.t), mu(step.t + 1));
            step.scalars[0] *= now;
            let product = step.scalars[0];
            (next / (1.0 - product * next), (1.0 - now) / (1.0 - product))
        } else if v.is(FORM, "optax") {
            (beta / (1.0 - beta * step.pow(beta)), (1.0 - beta) / c1)
        } else {
            (beta / c1, (1.0 - beta) / c1)
        };
        let adam = Adam::new(beta, v.number(BETA_2), v.number(EPSILON), 0.0).corrected(1.0, c2, false);
        Nadam { adam, momentum: momentum as f32, gradient: gradient as f32 }
    }
}

impl Direction<2> for Nadam {
    const SLOTS: [Slot; 2] = Adam::SLOTS;
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; 2]) {
        self.adam.advance(g, s);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, [m, v]: &[F32<V>; 2]) -> F32<V> {
        div_or_zero(*m * self.momentum + g * self.gradient, sqrt(*v * self.adam.second) + self.adam.epsilon)
    }
}
