//! Lion (Chen et al. 2023, arXiv 2302.06675): `p = p - learning_rate sign(beta_1 m + (1 - beta_1) g)`;
//! `m = beta_2 m + (1 - beta_2) g`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Value, Values, decay_rate, hypers, learning_rate};
use crate::kernel::{Kernel, one_pass, reduce_first};
use crate::rule::{
    Decay, Entry, Formula, LayerScalars, OnePass, ReduceFirst, Slot, Step,
    cautious::{self, Caution},
    momentum,
};
use crate::simd::{Lanes, agreeing, nonzero, signed};

pub(crate) const LION: Algorithm = Algorithm {
    name: "lion",
    class_name: "Lion",
    summary: "the sign of an interpolated momentum",
    formula,
    source: "Chen et al. 2023, arXiv 2302.06675",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = decay_rate(0.9, "weight of the momentum in the direction"),
    BETA_2 = decay_rate(0.99, "decay rate of the momentum"),
    CAUTIOUS = cautious::SWITCH,
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("u = sign(beta_1 m + (1 - beta_1) g)");
    f.line("m = beta_2 m + (1 - beta_2) g");
    cautious::formula(f, f.values.own(CAUTIOUS));
    f.descend();
}

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(if values.own(CAUTIOUS) == Value::Bool(false) {
        one_pass::<_, 1>(Lion::new)
    } else {
        reduce_first::<_, 1, 1>(|step| Cautious(Lion::new(step), Caution::new(step, CAUTIOUS)))
    })
}

#[derive(Clone, Copy)]
struct Lion {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    rate: f32,
    decay: Decay,
}

impl Lion {
    fn new(step: &mut Step<'_>) -> Self {
        let (beta_1, beta_2) = (step.values.number(BETA_1), step.values.number(BETA_2));
        let decay = Decay::new(step, false);
        Lion {
            beta_1: beta_1 as f32,
            one_minus_beta_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            one_minus_beta_2: (1.0 - beta_2) as f32,
            rate: step.learning_rate as f32,
            decay,
        }
    }
}

impl Lion {
    /// What has the sign of the step.
    #[inline(always)]
    fn average<L: Lanes>(&self, g: L, m: L) -> L {
        m * self.beta_1 + g * self.one_minus_beta_1
    }
    #[inline(always)]
    fn next<L: Lanes>(&self, g: L, m: L) -> L {
        m * self.beta_2 + g * self.one_minus_beta_2
    }
}

impl OnePass<1> for Lion {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Lion { decay: self.decay.lean(decays, Entry::Step)?, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [m]: &mut [L; 1], store: impl Fn(L) -> L) -> L {
        let g = self.decay.gradient(p, g);
        let step = signed(self.average(g, *m), self.rate);
        *m = store(self.next(g, *m));
        self.decay.step(p, step)
    }
}

/// Lion, only for the elements whose direction agrees with the gradient.
#[derive(Clone, Copy)]
struct Cautious(Lion, Caution);

impl ReduceFirst<1, 1> for Cautious {
    const SLOTS: [Slot; 1] = <Lion as OnePass<1>>::SLOTS;
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Cautious(self.0.lean(decays)?, self.1))
    }
    const REDUCES_STATE: bool = true;
    const AS_STORED: bool = false;
    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, g: L, [m]: &[L; 1]) -> [(L, L); 1] {
        let g = self.0.decay.gradient(p, g);
        let kept = nonzero(agreeing(self.0.average(g, *m), g));
        [(kept, kept)]
    }
    fn with_sums(self, [kept]: [f64; 1], layer: &LayerScalars) -> Self {
        let rate = (f64::from(self.0.rate) * self.1.scale(kept, layer.len)) as f32;
        Cautious(Lion { rate, ..self.0 }, self.1)
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, [m]: &mut [L; 1]) {
        *m = self.0.next(self.0.decay.gradient(p, g), *m);
    }
    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, g: L, [old]: &[L; 1], _: &[L; 1]) -> L {
        let g = self.0.decay.gradient(p, g);
        self.0.decay.step(p, signed(agreeing(self.0.average(g, *old), g), self.0.rate))
    }
}
