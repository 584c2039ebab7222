//! Adadelta (arXiv 1212.5701).
//!
//! `v = rho v + (1 - rho) g^2`; `d = g sqrt(x + eps) / sqrt(v + eps)`, with the average `x` of the
//! earlier `d^2`; `x = rho x + (1 - rho) d^2`; `p = p - eta d`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{OnePass, Slot, Step, square};
use crate::simd::{F32, div_or_zero, sqrt};
use fearless_simd::Simd;

pub(crate) const ADADELTA: Algorithm = Algorithm {
    name: "adadelta",
    class_name: "Adadelta",
    summary: "steps in the units of the parameters, from averages of squared gradients and steps",
    formula: "d = g sqrt(x + eps) / sqrt(v + eps); x = rho x + (1 - rho) d^2; p = p - eta d",
    source: "Zeiler 2012, arXiv 1212.5701",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(1.0),
    number("rho", 0.95, Domain::Unit, "decay rate of both averages"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant under both roots"),
];
const RHO: usize = index(HYPERS, "rho");
const EPSILON: usize = index(HYPERS, "epsilon");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(Adadelta::new))
}

#[derive(Clone, Copy)]
struct Adadelta {
    rho: f32,
    take: f32,
    epsilon: f32,
    rate: f32,
    decay: Decay,
}

impl Adadelta {
    fn new(step: &mut Step<'_>) -> Self {
        let rho = step.values.number(RHO);
        Adadelta {
            rho: rho as f32,
            take: (1.0 - rho) as f32,
            epsilon: step.values.number(EPSILON) as f32,
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
        }
    }
}

impl OnePass<2> for Adadelta {
    const SLOTS: [Slot; 2] = [square("velocity"), square("velocity_step")];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [v, x]: &mut [F32<V>; 2],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.decay.gradient(p, g);
        *v = keep(*v * self.rho + (g * g) * self.take);
        let d = div_or_zero(g * sqrt(*x + self.epsilon), sqrt(*v + self.epsilon));
        *x = keep(*x * self.rho + (d * d) * self.take);
        self.decay.step(p, d * self.rate)
    }
}
