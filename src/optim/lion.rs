//! Lion (arXiv 2302.06675): `u = sign(b1 m + (1 - b1) g)`; `p = p - eta u`; `m = b2 m + (1 - b2) g`.

use crate::engine::stepper::{Stepper, one_pass};
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, index, learning_rate, number};
use crate::registry::Algorithm;
use crate::rule::{Decay, Elementwise, Slot, Step, moment};
use crate::simd::{F32, sign};
use fearless_simd::Simd;

pub(crate) const LION: Algorithm = Algorithm {
    name: "lion",
    class_name: "Lion",
    summary: "the sign of an interpolated momentum",
    formula: "p = p - eta sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g",
    source: "Chen et al. 2023, arXiv 2302.06675",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "weight of the momentum in the direction"),
    number("beta_2", 0.99, Domain::Unit, "decay rate of the momentum"),
];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");

fn make(_: &Values) -> Result<Box<dyn Stepper>> {
    Ok(one_pass::<_, 1>(Lion::new))
}

#[derive(Clone, Copy)]
struct Lion {
    beta_1: f32,
    take_1: f32,
    beta_2: f32,
    take_2: f32,
    rate: f32,
    decay: Decay,
}

impl Lion {
    fn new(step: &mut Step<'_>) -> Self {
        let (beta_1, beta_2) = (step.values.number(BETA_1), step.values.number(BETA_2));
        let decay = Decay::new(step, false);
        Lion {
            beta_1: beta_1 as f32,
            take_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            take_2: (1.0 - beta_2) as f32,
            rate: step.learning_rate as f32,
            decay,
        }
    }
}

impl Elementwise<1> for Lion {
    const SLOTS: [Slot; 1] = [moment("momentum")];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [m]: &mut [F32<V>; 1],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.decay.gradient(p, g);
        let u = sign(*m * self.beta_1 + g * self.take_1);
        *m = keep(*m * self.beta_2 + g * self.take_2);
        self.decay.step(p, u * self.rate)
    }
}
