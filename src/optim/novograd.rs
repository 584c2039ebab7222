//! NovoGrad (Ginsburg et al. 2019, arXiv 1905.11286): momentum of the gradient divided by a moving norm
//! of its array.
//!
//! ```text
//! v = beta_2 v + (1 - beta_2) norm(g)^2, or norm(g)^2 while v is 0
//! d = g / (sqrt(v) + epsilon) + weight_decay p
//! m = beta_1 m + d
//! p = p - learning_rate m
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Value, Values, decay_rate, epsilon, flag, hypers, learning_rate};
use crate::kernel::{Kernel, reduce_first};
use crate::powers::narrow;
use crate::rule::{
    Decay, Entry, Formula, LayerScalars, ReduceFirst, Scalar, Scope, Slot, Start, Step, momentum,
};
use crate::simd::Lanes;

pub(crate) const NOVOGRAD: Algorithm = Algorithm {
    name: "novograd",
    class_name: "NovoGrad",
    summary: "momentum of gradients normalized layer by layer",
    formula,
    source: "Ginsburg et al. 2019, arXiv 1905.11286",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("l2"))],
    scalars: &[Scalar { name: "velocity", initial: Start::At(0.0) }],
    scope: Scope::Parameter,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = decay_rate(0.95, "decay rate of the momentum"),
    BETA_2 = decay_rate(0.98, "decay rate of the squared norm"),
    EPSILON = epsilon(1e-8),
    GRADIENT_AVERAGING = flag(false, "add (1 - beta_1) d to the momentum, else d"),
}

fn formula(f: &mut Formula<'_>) {
    f.line("v = if(v == 0, norm(g)^2, beta_2 v + (1 - beta_2) norm(g)^2)");
    let decay = f.coupled().map_or(String::new(), |name| format!(" + {name} p"));
    f.line(format!("d = g / (sqrt(v) + epsilon){decay}"));
    f.line(match f.values.flag(GRADIENT_AVERAGING) {
        true => "m = beta_1 m + (1 - beta_1) d",
        false => "m = beta_1 m + d",
    });
    f.descend_at("p - learning_rate m", "learning_rate", "m");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(reduce_first::<_, 1, 1>(NovoGrad::new))
}

#[derive(Clone, Copy)]
struct NovoGrad {
    beta: f32,
    weight: f32,
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
            weight: if v.flag(GRADIENT_AVERAGING) { (1.0 - beta) as f32 } else { 1.0 },
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
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(NovoGrad { decay: self.decay.lean(decays, Entry::Gradient)?, ..*self })
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, _: L, g: L, _: &[L; 1]) -> [(L, L); 1] {
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
    fn advance<L: Lanes>(&self, p: L, g: L, [m]: &mut [L; 1]) {
        *m = *m * self.beta + self.decay.gradient(p, g * self.scale) * self.weight;
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, _: L, _: &[L; 1], [m]: &[L; 1]) -> L {
        self.decay.step(p, *m * self.rate)
    }
}
