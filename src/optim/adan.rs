//! Adan (arXiv 2208.06677): Nesterov's momentum from the change of the gradient.
//!
//! `d = g - g_previous`, first 0; `m = b1 m + (1 - b1) g`; `n = b2 n + (1 - b2) d`;
//! `v = b3 v + (1 - b3) (g + b2 d)^2`; `u = (m / c1 + b2 n / c2) / (sqrt(v / c3) + eps)`;
//! `p = (p - eta u) / (1 + eta lambda)`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, index, learning_rate, number, shared};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{Direction, Plain, Slot, Step, full, moment, momentum, square};
use crate::simd::{F32, div_or_zero, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const ADAN: Algorithm = Algorithm {
    name: "adan",
    class_name: "Adan",
    summary: "adaptive Nesterov momentum, from the change of the gradient",
    formula: "p = (p - eta (m / c1 + b2 n / c2) / (sqrt(v / c3) + eps)) / (1 + eta lambda)",
    source: "Xie et al. 2022, arXiv 2208.06677",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.98, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.92, Domain::Unit, "decay rate of the gradient's change, and its weight"),
    number("beta_3", 0.99, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "form",
        &[Value::Text("proximal"), Value::Text("decoupled")],
        "decoupled weight decay as a division by 1 + eta lambda (paper), or before the step",
    ),
];
const BETAS: [usize; 3] = [index(HYPERS, "beta_1"), index(HYPERS, "beta_2"), index(HYPERS, "beta_3")];
const EPSILON: usize = index(HYPERS, "epsilon");
const FORM: usize = index(HYPERS, "form");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 4>(|step| {
        let rule = Plain::new(Adan::new(step), step);
        let decoupled = step.values.shared_text(shared::MODE) == "decoupled";
        let proximal = decoupled && step.values.is(FORM, "proximal");
        if proximal { rule.with_decay(Decay::new(step, false).proximal()) } else { rule }
    }))
}

#[derive(Clone, Copy)]
struct Adan {
    keep: [f32; 3],
    take: [f32; 3],
    /// Factors of the moments in the direction.
    out: [f32; 3],
    epsilon: f32,
    first: bool,
}

impl Adan {
    fn new(step: &mut Step<'_>) -> Self {
        let betas = BETAS.map(|i| step.values.number(i));
        let [c1, c2, c3] = betas.map(|beta| step.correction(beta));
        Adan {
            keep: betas.map(|beta| beta as f32),
            take: betas.map(|beta| (1.0 - beta) as f32),
            out: [1.0 / c1, betas[1] / c2, 1.0 / c3].map(|x| x as f32),
            epsilon: step.values.number(EPSILON) as f32,
            first: step.t == 1,
        }
    }
}

impl Direction<4> for Adan {
    const SLOTS: [Slot; 4] =
        [momentum(), moment("momentum_difference"), square("velocity"), full("gradient")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, n, v, previous]: &mut [F32<V>; 4]) {
        let change = if self.first { splat(g, 0.0) } else { g - *previous };
        let ahead = g + change * self.keep[1];
        *m = *m * self.keep[0] + g * self.take[0];
        *n = *n * self.keep[1] + change * self.take[1];
        *v = *v * self.keep[2] + (ahead * ahead) * self.take[2];
        *previous = g;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, n, v, _]: &[F32<V>; 4]) -> F32<V> {
        div_or_zero(*m * self.out[0] + *n * self.out[1], sqrt(*v * self.out[2]) + self.epsilon)
    }
}
