//! NewRule (SOURCE): `m = beta_1 m + (1 - beta_1) g`; `p = p - learning_rate m`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Values, beta_1, hypers, learning_rate};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Direction, Formula, Plain, Slot, momentum};
use crate::simd::Lanes;

pub(crate) const NEW_RULE: Algorithm = Algorithm {
    name: "new_rule",
    class_name: "NewRule",
    summary: "SUMMARY",
    formula,
    source: "SOURCE",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.01),
    BETA_1 = beta_1(0.9),
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("m = beta_1 m + (1 - beta_1) g");
    f.descend_at("p - learning_rate m", "learning_rate", "m");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 1>(|step| {
        let beta = step.values.number(BETA_1);
        Plain::new(NewRule { beta_1: beta as f32, one_minus_beta_1: (1.0 - beta) as f32 }, step)
    }))
}

#[derive(Clone, Copy)]
struct NewRule {
    beta_1: f32,
    one_minus_beta_1: f32,
}

impl Direction<1> for NewRule {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m]: &mut [L; 1]) {
        *m = *m * self.beta_1 + g * self.one_minus_beta_1;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m]: &[L; 1]) -> L {
        *m
    }
}
