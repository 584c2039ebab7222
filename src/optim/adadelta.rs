//! Adadelta (Zeiler 2012, arXiv 1212.5701): steps in the units of the parameters.
//!
//! ```text
//! v = rho v + (1 - rho) g^2
//! u = g sqrt(x + epsilon) / sqrt(v + epsilon)
//! x = rho x + (1 - rho) u^2
//! p = p - learning_rate u
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Values, decay_rate, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Decay, Entry, Epsilon, Formula, OnePass, Slot, Step, square};
use crate::simd::{Lanes, sqrt};

pub(crate) const ADADELTA: Algorithm = Algorithm {
    name: "adadelta",
    class_name: "Adadelta",
    summary: "steps in the units of the parameters, from averages of squared gradients and steps",
    formula,
    source: "Zeiler 2012, arXiv 1212.5701",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(1.0),
    RHO = decay_rate(0.95, "decay rate of both moving averages"),
    EPSILON = number(1e-7, Domain::AtLeast(0.0), "small constant inside both roots"),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("v = rho v + (1 - rho) g^2");
    f.line("u = g sqrt(x + epsilon) / sqrt(v + epsilon)");
    f.line("x = rho x + (1 - rho) u^2");
    f.descend();
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(Adadelta::new))
}

#[derive(Clone, Copy)]
struct Adadelta {
    rho: f32,
    one_minus_rho: f32,
    epsilon: Epsilon,
    rate: f32,
    decay: Decay,
}

impl Adadelta {
    fn new(step: &mut Step<'_>) -> Self {
        let rho = step.values.number(RHO);
        Adadelta {
            rho: rho as f32,
            one_minus_rho: (1.0 - rho) as f32,
            epsilon: Epsilon::new(step.values.number(EPSILON)),
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
        }
    }
}

impl OnePass<2> for Adadelta {
    const SLOTS: [Slot; 2] = [square("velocity"), square("velocity_step")];
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        let decay = self.decay.lean(decays, Entry::Step)?;
        Some(Adadelta { epsilon: self.epsilon.lean()?, decay, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [v, x]: &mut [L; 2], store: impl Fn(L) -> L) -> L {
        let g = self.decay.gradient(p, g);
        *v = store(*v * self.rho + (g * g) * self.one_minus_rho);
        let d = self.epsilon.divide(g * sqrt(*x + self.epsilon.value), sqrt(*v + self.epsilon.value));
        *x = store(*x * self.rho + (d * d) * self.one_minus_rho);
        self.decay.step(p, d * self.rate)
    }
}
