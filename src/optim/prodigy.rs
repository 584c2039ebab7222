//! Prodigy (arXiv 2306.06101): Adam whose learning rate grows with the distance travelled.
//!
//! With `r = d eta` (times `sqrt(c2) / c1` with bias correction) and sums over all tensors:
//!
//! ```text
//! m = b1 m + d (1 - b1) g       v = b2 v + d^2 (1 - b2) g^2       s = b3 s + (d / d0) r g
//! n = b3 n + (d / d0) r <g, p_0 - p>             d_hat = coefficient n / |s|_1
//! p = p - r (lambda p + m / (sqrt(v) + d eps))   with the new d in the denominator
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Hyper, Value, Values, common, fixed, flag, index, learning_rate, number, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::rule::Decay;
use crate::rule::{
    Between, LayerScalars, Scalar, Scalars, Scope, Slot, Start, StateFirst, Step, full, moment, momentum,
    square,
};
use crate::simd::{F32, abs, div_or_zero, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const PRODIGY: Algorithm = Algorithm {
    name: "prodigy",
    class_name: "Prodigy",
    summary: "Adam that estimates its own learning rate",
    formula: "p = p - d eta m / (sqrt(v) + d eps); d = max(d, n / |s|_1)",
    source: "Mishchenko and Defazio 2023, arXiv 2306.06101",
    hypers: HYPERS,
    scalars: &[
        Scalar { name: "distance", initial: Start::Hyper(D0) },
        Scalar { name: "largest_distance", initial: Start::Hyper(D0) },
        Scalar { name: "numerator", initial: Start::At(0.0) },
    ],
    scope: Scope::All,
    make,
    ..Algorithm::BASE
};

// Those of the estimate, which is one for all parameters, hold for all parameters.
const HYPERS: &[Hyper] = &[
    learning_rate(1.0),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    common(number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment")),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    common(optional("beta_3", Domain::UnitOrNone, "decay rate of the distance's sums; None is sqrt(beta_2)")),
    fixed(number("initial_distance", 1e-6, Domain::Above(0.0), "first estimate of the distance, d0")),
    common(number("distance_coefficient", 1.0, Domain::AtLeast(0.0), "factor of the estimate")),
    common(optional("growth_rate", Domain::PositiveOrNone, "largest growth of the distance in a step")),
    flag("bias_correction", false, "correct the moments in the learning rate"),
    flag("safeguard_warmup", false, "leave the learning rate out of the denominator of the estimate"),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const BETA_3: usize = index(HYPERS, "beta_3");
const D0: usize = index(HYPERS, "initial_distance");
const COEFFICIENT: usize = index(HYPERS, "distance_coefficient");
const GROWTH: usize = index(HYPERS, "growth_rate");
const CORRECTION: usize = index(HYPERS, "bias_correction");
const SAFEGUARD: usize = index(HYPERS, "safeguard_warmup");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(state_first::<_, 4, 2>(Prodigy::new))
}

#[derive(Clone, Copy)]
struct Prodigy {
    beta_1: f32,
    take_1: f32,
    beta_2: f32,
    take_2: f32,
    beta_3: f32,
    take_3: f32,
    rate: f32,
    epsilon: f32,
    decay: Decay,
    /// What the estimate needs: factor of the sum, decay rate, first value, limits.
    weight: f64,
    keep: f64,
    first: f64,
    coefficient: f64,
    growth: f64,
    small: f64,
    estimates: bool,
}

impl Prodigy {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let beta_3 = if v.own(BETA_3) == Value::None { beta_2.sqrt() } else { v.number(BETA_3) };
        let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
        let (d, first) = (step.scalars[0], v.number(D0));
        let correction = if v.flag(CORRECTION) { c2.sqrt() / c1 } else { 1.0 };
        // The estimate is one for all parameters: it takes the rate before what a group has.
        let (own, base) = (d * step.learning_rate * correction, d * step.base_rate * correction);
        let along = d / first * if v.flag(SAFEGUARD) { d } else { base };
        Prodigy {
            beta_1: beta_1 as f32,
            take_1: (d * (1.0 - beta_1)) as f32,
            beta_2: beta_2 as f32,
            take_2: (d * d * (1.0 - beta_2)) as f32,
            beta_3: beta_3 as f32,
            take_3: along as f32,
            rate: own as f32,
            epsilon: 0.0,
            decay: Decay::at(step, own, false),
            weight: d / first * base,
            keep: beta_3,
            first,
            coefficient: v.number(COEFFICIENT),
            growth: if v.own(GROWTH) == Value::None { f64::INFINITY } else { v.number(GROWTH) },
            small: v.number(EPSILON),
            estimates: step.base_rate > 0.0,
        }
    }

    /// The scalars with the new estimate of the distance.
    fn estimated(&self, [product, size]: [f64; 2], [mut d, mut largest, mut numerator]: Scalars) -> Scalars {
        if size != 0.0 && self.estimates {
            numerator = self.keep * numerator + self.weight * product;
            let estimate = self.coefficient * numerator / size;
            if d == self.first {
                d = d.max(estimate);
            }
            largest = largest.max(estimate);
            d = largest.min(d * self.growth);
        }
        [d, largest, numerator]
    }
}

impl StateFirst<4, 2> for Prodigy {
    const SLOTS: [Slot; 4] =
        [momentum(), square("velocity"), moment("distance"), full("start").starting_as_parameter()];
    const USES_GRADIENT: bool = false;
    const BETWEEN: Between = Between::Sum;

    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, [m, v, s, _]: &mut [F32<V>; 4]) {
        let g = self.decay.gradient(p, g);
        *m = *m * self.beta_1 + g * self.take_1;
        *v = *v * self.beta_2 + (g * g) * self.take_2;
        *s = *s * self.beta_3 + g * self.take_3;
    }

    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, _: F32<V>, [m, v, ..]: &[F32<V>; 4]) -> F32<V> {
        div_or_zero(*m, sqrt(*v) + self.epsilon)
    }

    #[inline(always)]
    fn reduce<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [_, _, s, start]: &[F32<V>; 4],
        _: F32<V>,
    ) -> [(F32<V>, F32<V>); 2] {
        [(self.decay.gradient(p, g), *start - p), (abs(*s), splat(p, 1.0))]
    }

    fn with_sums(self, sums: [f64; 2], layer: &LayerScalars) -> Self {
        if sums[1] == 0.0 {
            // No gradient so far: nothing moves.
            return Prodigy { rate: 0.0, decay: Decay::NONE, ..self };
        }
        let [distance, ..] = self.estimated(sums, layer.scalars);
        Prodigy { epsilon: (distance * self.small) as f32, ..self }
    }

    fn next_scalars(&self, sums: [f64; 2], layer: &mut LayerScalars) {
        layer.scalars = self.estimated(sums, layer.scalars);
    }

    #[inline(always)]
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V> {
        self.decay.step(p, u * self.rate)
    }
}
