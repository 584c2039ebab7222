//! Nadam (Dozat 2016, ICLR workshop): Adam with Nesterov's momentum, in the three forms that share the
//! name.
//!
//! With Adam's moments, `mu = beta_1 (1 - 0.96^(t momentum_decay) / 2)`, `mu_next` the same for
//! `t + 1`, and `product` the product of all `mu` so far:
//!
//! * `dozat`: `n = mu_next m / (1 - product mu_next) + (1 - mu) g / (1 - product)`;
//! * `ruder` (NAdamW): `n = (beta_1 m + (1 - beta_1) g) / (1 - beta_1^t)`;
//! * `optax`: `n = beta_1 m / (1 - beta_1^(t + 1)) + (1 - beta_1) g / (1 - beta_1^t)`;
//!
//! and `p = p - learning_rate n / (sqrt(v / (1 - beta_2^t)) + epsilon)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Value, Values, beta_1, beta_2, choice, epsilon, hypers, learning_rate, number,
};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::{Adam, MOMENTS};
use crate::rule::{Direction, Formula, Plain, Scalar, Slot, Start, Step};
use crate::simd::{Lanes, sqrt};

pub(crate) const NADAM: Algorithm = Algorithm {
    name: "nadam",
    class_name: "Nadam",
    summary: "Adam with Nesterov's look-ahead",
    formula,
    source: "Dozat 2016, ICLR workshop",
    hypers: HYPERS,
    scalars: &[Scalar { name: "momentum_product", initial: Start::At(1.0) }],
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-7),
    FORM = choice(
        &[Value::Text("dozat"), Value::Text("ruder"), Value::Text("optax")],
        "Nesterov's momentum with a schedule (Dozat), without one (NAdamW), or of the next update (optax)",
    ),
    MOMENTUM_DECAY = number(
        0.004,
        Domain::AtLeast(0.0),
        "exponent of the momentum schedule; 1 in Keras",
    )
    .needs(&[&[Condition::Is("form", Value::Text("dozat"))]]),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line(MOMENTS);
    let ahead = if f.values.is(FORM, "dozat") {
        f.line("mu = beta_1 (1 - 0.96^(t momentum_decay) / 2)");
        f.line("mu_next = beta_1 (1 - 0.96^((t + 1) momentum_decay) / 2)");
        f.line("product = if(t == 1, 1, product) mu");
        "mu_next m / (1 - product mu_next) + (1 - mu) g / (1 - product)"
    } else if f.values.is(FORM, "optax") {
        "beta_1 m / (1 - beta_1^(t + 1)) + (1 - beta_1) g / (1 - beta_1^t)"
    } else {
        "(beta_1 m + (1 - beta_1) g) / (1 - beta_1^t)"
    };
    f.line(format!("n = {ahead}"));
    f.line("u = n / (sqrt(v / (1 - beta_2^t)) + epsilon)");
    f.descend();
}

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
            let mu = |t: u64| beta * (1.0 - 0.5 * libm::pow(0.96, t as f64 * v.number(MOMENTUM_DECAY)));
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
    fn lean(&self) -> Option<Self> {
        Some(Nadam { adam: self.adam.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; 2]) {
        self.adam.advance(g, s);
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, [m, v]: &[L; 2]) -> L {
        self.adam.epsilon.quotient(*m * self.momentum + g * self.gradient, sqrt(*v * self.adam.second))
    }
}
