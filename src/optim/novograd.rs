//! NovoGrad (arXiv 1905.11286): the gradient over a moving norm of its tensor.
//!
//! ```text
//! v = b2 v + (1 - b2) |g|^2, or |g|^2 while v is 0        d = g / (sqrt(v) + eps) + lambda p
//! m = b1 m + d, or b1 m + (1 - b1) d                      p = p - eta m
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, flag, index, learning_rate, number};
use crate::kernel::{Kernel, reduce_first};
use crate::powers::narrow;
use crate::rule::Decay;
use crate::rule::{LayerScalars, ReduceFirst, Scalar, Scope, Slot, Start, Step, momentum};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const NOVOGRAD: Algorithm = Algorithm {
    name: "novograd",
    class_name: "NovoGrad",
    summary: "momentum of gradients normalised layer by layer",
    formula: "m = b1 m + g / (sqrt(v) + eps) + lambda p; p = p - eta m; v = b2 v + (1 - b2) |g|^2",
    source: "Ginsburg et al. 2019, arXiv 1905.11286",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    scalars: &[Scalar { name: "velocity", initial: Start::At(0.0) }],
    scope: Scope::Parameter,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.95, Domain::Unit, "decay rate of the momentum"),
    number("beta_2", 0.98, Domain::Unit, "decay rate of the squared norm"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    flag("gradient_averaging", false, "the momentum takes (1 - beta_1) d, else d"),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const EPSILON: usize = index(HYPERS, "epsilon");
const AVERAGING: usize = index(HYPERS, "gradient_averaging");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(reduce_first::<_, 1, 1>(NovoGrad::new))
}

#[derive(Clone, Copy)]
struct NovoGrad {
    beta: f32,
    take: f32,
    rate: f32,
    beta_2: f64,
    epsilon: f64,
    /// Factor of the gradient: one over its moving norm.
    scale: f32,
    decay: Decay,
}

impl NovoGrad {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let beta = v.number(BETA_1);
        NovoGrad {
            beta: beta as f32,
            take: if v.flag(AVERAGING) { (1.0 - beta) as f32 } else { 1.0 },
            rate: step.learning_rate as f32,
            beta_2: v.number(BETA_2),
            epsilon: v.number(EPSILON),
            scale: 0.0,
            decay: Decay::new(step, false),
        }
    }

    /// The moving square of the gradient's norm.
    fn velocity(&self, square: f64, layer: &LayerScalars) -> f64 {
        let old = layer.scalars[0];
        if old == 0.0 { square } else { self.beta_2 * old + (1.0 - self.beta_2) * square }
    }
}

impl ReduceFirst<1, 1> for NovoGrad {
    const SLOTS: [Slot; 1] = [momentum()];
    const AS_STORED: bool = false;

    #[inline(always)]
    fn reduce<V: Simd>(&self, _: F32<V>, g: F32<V>, _: &[F32<V>; 1]) -> [(F32<V>, F32<V>); 1] {
        [(g, g)]
    }

    fn with_sums(self, [square]: [f64; 1], layer: &LayerScalars) -> Self {
        let denominator = self.velocity(square, layer).sqrt() + self.epsilon;
        let scale = if denominator == 0.0 { 0.0 } else { 1.0 / denominator };
        NovoGrad { scale: narrow(scale), ..self }
    }

    fn next_scalars(&self, [square]: [f64; 1], layer: &mut LayerScalars) {
        layer.scalars[0] = self.velocity(square, layer);
    }

    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, [m]: &mut [F32<V>; 1]) {
        *m = *m * self.beta + self.decay.gradient(p, g * self.scale) * self.take;
    }

    #[inline(always)]
    fn apply<V: Simd>(&self, p: F32<V>, _: F32<V>, _: &[F32<V>; 1], [m]: &[F32<V>; 1]) -> F32<V> {
        self.decay.step(p, *m * self.rate)
    }
}
