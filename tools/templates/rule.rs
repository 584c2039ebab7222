//! NewRule (SOURCE): `m = b m + (1 - b) g`; `p = p - eta m`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Plain, Slot, momentum};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const NEW_RULE: Algorithm = Algorithm {
    name: "new_rule",
    class_name: "NewRule",
    summary: "SUMMARY",
    formula: "m = b m + (1 - b) g; p = p - eta m",
    source: "SOURCE",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] =
    &[learning_rate(0.01), number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment")];
const BETA_1: usize = index(HYPERS, "beta_1");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| {
        let beta = step.values.number(BETA_1);
        Plain::new(NewRule { beta: beta as f32, one_minus_beta: (1.0 - beta) as f32 }, step)
    }))
}

#[derive(Clone, Copy)]
struct NewRule {
    beta: f32,
    one_minus_beta: f32,
}

impl Direction<1> for NewRule {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [m]: &mut [F32<V>; 1]) {
        *m = *m * self.beta + g * self.one_minus_beta;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, _: F32<V>, [m]: &[F32<V>; 1]) -> F32<V> {
        *m
    }
}
