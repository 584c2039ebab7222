//! ADOPT (arXiv 2411.02853): the second moment of the earlier gradients alone, before the momentum.
//!
//! First `v = g^2` and nothing else. Then, `k` the `clip_exponent`, `n = clip(g / max(sqrt(v), eps),
//! (t - 1)^k)`; `m = b1 m + (1 - b1) n`; `p = p - eta m`; `v = b2 v + (1 - b2) g^2`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Plain, Slot, Step, momentum, square};
use crate::simd::{F32, clamp, div_or_zero, maximum, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const ADOPT: Algorithm = Algorithm {
    name: "adopt",
    class_name: "Adopt",
    summary: "Adam that converges with any beta_2: normalised by earlier gradients, then averaged",
    formula: "m = b1 m + (1 - b1) clip(g / max(sqrt(v), eps)); p = p - eta m; then v",
    source: "Taniguchi et al. 2024, arXiv 2411.02853",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the momentum"),
    number("beta_2", 0.9999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-6, Domain::AtLeast(0.0), "least denominator"),
    Hyper {
        domain: Domain::NonNegativeOrNone,
        ..number("clip_exponent", 0.25, Domain::Unit, "the n-th step is clipped to n**clip_exponent")
    },
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const EXPONENT: usize = index(HYPERS, "clip_exponent");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let rule = Adopt::new(step);
        if rule.first { Plain::state_only(rule, step) } else { Plain::new(rule, step) }
    }))
}

#[derive(Clone, Copy)]
struct Adopt {
    beta_1: f32,
    take_1: f32,
    beta_2: f32,
    take_2: f32,
    epsilon: f32,
    limit: f32,
    first: bool,
}

impl Adopt {
    fn new(step: &Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let limit = match v.own(EXPONENT) {
            Value::Number(k) => libm::pow((step.t - 1) as f64, k) as f32,
            _ => f32::INFINITY,
        };
        let (take_1, take_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
        let (beta_1, beta_2, epsilon) = (beta_1 as f32, beta_2 as f32, v.number(EPSILON) as f32);
        Adopt { beta_1, take_1, beta_2, take_2, epsilon, limit, first: step.t == 1 }
    }
}

impl Direction<2> for Adopt {
    const SLOTS: [Slot; 2] = [momentum(), square("velocity")];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m, v]: &mut [F32<V>; 2]) {
        if self.first {
            *v = g * g;
            return;
        }
        let n = div_or_zero(g, maximum(splat(g, self.epsilon), sqrt(*v)));
        *m = *m * self.beta_1 + clamp(n, -self.limit, self.limit) * self.take_1;
        *v = *v * self.beta_2 + (g * g) * self.take_2;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m, _]: &[F32<V>; 2]) -> F32<V> {
        *m
    }
}
