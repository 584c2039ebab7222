//! ADOPT (Taniguchi et al. 2024, arXiv 2411.02853): Adam whose second moment is that of the earlier
//! gradients only, and which divides by it before the momentum.
//!
//! The first update only sets `v = g^2`. Every later one:
//!
//! ```text
//! u = clip(g / max(sqrt(v), epsilon), -(t - 1)^clip_exponent, (t - 1)^clip_exponent)
//! m = beta_1 m + (1 - beta_1) u
//! v = beta_2 v + (1 - beta_2) g^2
//! p = p - learning_rate m
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, beta_2, decay_rate, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Epsilon, Formula, Plain, Slot, Step, momentum, square};
use crate::simd::{Lanes, clamp, maximum, splat, sqrt};

pub(crate) const ADOPT: Algorithm = Algorithm {
    name: "adopt",
    class_name: "Adopt",
    summary: "Adam that converges with any beta_2: normalized by earlier gradients, then averaged",
    formula,
    source: "Taniguchi et al. 2024, arXiv 2411.02853",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = decay_rate(0.9, "decay rate of the momentum"),
    BETA_2 = beta_2(0.9999),
    EPSILON = number(1e-6, Domain::AtLeast(0.0), "smallest denominator"),
    CLIP_EXPONENT = number(0.25, Domain::NonNegativeOrNone, "limit of update t is (t - 1)**clip_exponent"),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("u = g / max(sqrt(v), epsilon)");
    if f.values.own(CLIP_EXPONENT) != Value::None {
        f.line("u = clip(u, -(t - 1)^clip_exponent, (t - 1)^clip_exponent)");
    }
    f.line("m = if(t == 1, m, beta_1 m + (1 - beta_1) u)");
    f.line("v = if(t == 1, g^2, beta_2 v + (1 - beta_2) g^2)");
    f.descend_at("p - learning_rate m", "learning_rate", "m");
    f.only_if("t > 1");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let rule = Adopt::new(step);
        if rule.first { Plain::state_only(rule, step) } else { Plain::new(rule, step) }
    }))
}

#[derive(Clone, Copy)]
struct Adopt {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    epsilon: Epsilon,
    limit: f32,
    first: bool,
}

impl Adopt {
    fn new(step: &Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let limit = match v.own(CLIP_EXPONENT) {
            Value::Number(k) => libm::pow((step.t - 1) as f64, k) as f32,
            _ => f32::INFINITY,
        };
        let (one_minus_beta_1, one_minus_beta_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
        let (beta_1, beta_2, epsilon) = (beta_1 as f32, beta_2 as f32, Epsilon::new(v.number(EPSILON)));
        Adopt { beta_1, one_minus_beta_1, beta_2, one_minus_beta_2, epsilon, limit, first: step.t == 1 }
    }
}

impl Direction<2> for Adopt {
    const SLOTS: [Slot; 2] = [momentum(), square("velocity")];
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Adopt { epsilon: self.epsilon.lean()?, first: (!self.first).then_some(false)?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, v]: &mut [L; 2]) {
        if self.first {
            *v = g * g;
            return;
        }
        let n = self.epsilon.divide(g, maximum(splat(g, self.epsilon.value), sqrt(*v)));
        *m = *m * self.beta_1 + clamp(n, -self.limit, self.limit) * self.one_minus_beta_1;
        *v = *v * self.beta_2 + (g * g) * self.one_minus_beta_2;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, _]: &[L; 2]) -> L {
        *m
    }
}
