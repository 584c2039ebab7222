//! MARS (Yuan et al. 2024, arXiv 2411.10438): AdamW or Lion on a gradient with reduced variance.
//!
//! `c = g + gamma beta_1 / (1 - beta_1) (g - g_old)`, where `g_old` is the previous gradient;
//! `c = c / max(norm(c), 1)`; and the step of AdamW or Lion on `c`. Arrays with fewer than two axes
//! follow AdamW.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Needs, Value, Values, beta_1, beta_2, choice, decay_rate, epsilon, flag, hypers,
    learning_rate, number,
};
use crate::kernel::{Kernel, one_pass, reduce_first};
use crate::optim::adam::{Adam, quotient};
use crate::rule::{Decay, Direction, Entry, Formula, LayerScalars, Plain, ReduceFirst, Slot, Step, full};
use crate::simd::{Lanes, sign};

pub(crate) const MARS: Algorithm = Algorithm {
    name: "mars",
    class_name: "Mars",
    summary: "AdamW or Lion on a gradient with reduced variance",
    formula,
    source: "Yuan et al. 2024, arXiv 2411.10438",
    hypers: HYPERS,
    route: Some(Route {
        rule: "adamw",
        which: "arrays with fewer than two axes, unless optimize_1d is set",
        takes: |values, _, shape| shape.len() < 2 && !values.flag(OPTIMIZE_1D),
        decay: Some(WEIGHT_DECAY_1D),
        rate: Some(LEARNING_RATE_1D_FACTOR),
        formula: formula_1d,
        make: make_1d,
    }),
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.003),
    BETA_1 = beta_1(0.95),
    BETA_2 = beta_2(0.99).needs(SECOND_MOMENT),
    GAMMA = number(0.025, Domain::AtLeast(0.0), "strength of the variance reduction"),
    EPSILON = epsilon(1e-8).needs(QUOTIENT),
    FORM = choice(
        &[Value::Text("adamw"), Value::Text("lion")],
        "rule that is applied to the corrected gradient",
    ),
    CORRECT_FIRST_STEP = flag(true, "correct the first gradient too, with 0 for the previous one"),
    OPTIMIZE_1D = flag(false, "arrays with fewer than two axes follow MARS too, else AdamW"),
    LEARNING_RATE_1D_FACTOR = number(
        1.0,
        Domain::AtLeast(0.0),
        "factor of the learning rate of AdamW",
    )
    .needs(ROUTES),
    BETA_1_1D = decay_rate(0.9, "decay rate of the first moment of AdamW").needs(ROUTES),
    BETA_2_1D = decay_rate(0.95, "decay rate of the second moment of AdamW").needs(ROUTES),
    WEIGHT_DECAY_1D = number(0.1, Domain::AtLeast(0.0), "weight decay of AdamW").needs(ROUTES),
}

const ADAMW: Condition = Condition::Is("form", Value::Text("adamw"));
const ROUTED: Condition = Condition::Is("optimize_1d", Value::Bool(false));
const SECOND_MOMENT: Needs = &[&[ADAMW]];
const QUOTIENT: Needs = &[&[ADAMW, ROUTED]];
const ROUTES: Needs = &[&[ROUTED]];

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    let strength = "gamma beta_1 / (1 - beta_1)";
    f.line(if v.flag(CORRECT_FIRST_STEP) {
        format!("c = g + {strength} (g - g_old); g_old = g")
    } else {
        format!("c = g + if(t == 1, 0, {strength}) (g - g_old); g_old = g")
    });
    f.line("c = c / max(norm(c), 1)");
    f.line("m = beta_1 m + (1 - beta_1) c");
    if v.is(FORM, "lion") {
        f.line("u = sign(m)");
    } else {
        f.line("v = beta_2 v + (1 - beta_2) c^2");
        f.line(format!("u = {}", quotient(false, "m", "v", "")));
    }
    f.descend();
}

/// AdamW, for arrays with fewer than two axes.
fn formula_1d(f: &mut Formula<'_>) {
    f.couple();
    f.line("rate = learning_rate_1d_factor learning_rate");
    f.line("m = beta_1_1d m + (1 - beta_1_1d) g");
    f.line("v = beta_2_1d v + (1 - beta_2_1d) g^2");
    f.line("u = m / (1 - beta_1_1d^t) / (sqrt(v / (1 - beta_2_1d^t)) + epsilon)");
    f.descend_at("p - rate u", "rate", "u");
}

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(if values.is(FORM, "lion") {
        reduce_first::<Mars<true>, 2, 1>(Mars::new)
    } else {
        reduce_first::<Mars<false>, 3, 1>(Mars::new)
    })
}

fn make_1d(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let adam = corrected(step, v.number(BETA_1_1D), v.number(BETA_2_1D));
        let rate = step.learning_rate * v.number(LEARNING_RATE_1D_FACTOR);
        let decay = Decay::of(step, step.decay_or(v.number(WEIGHT_DECAY_1D)), rate, false);
        Plain::new(adam, step).with_rate(rate).with_decay(decay)
    }))
}

fn corrected(step: &mut Step<'_>, beta_1: f64, beta_2: f64) -> Adam {
    let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
    Adam::new(beta_1, beta_2, step.values.number(EPSILON), 0.0).corrected(c1, c2, false)
}

#[derive(Clone, Copy)]
struct Mars<const LION: bool> {
    adam: Adam,
    /// Factor of the change of the gradient, and of the whole.
    change: f32,
    scale: f32,
    rate: f32,
    decay: Decay,
}

impl<const LION: bool> Mars<LION> {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let beta = v.number(BETA_1);
        let corrects = step.t > 1 || v.flag(CORRECT_FIRST_STEP);
        Mars {
            adam: corrected(step, beta, v.number(BETA_2)),
            change: if corrects { (v.number(GAMMA) * beta / (1.0 - beta)) as f32 } else { 0.0 },
            scale: 0.0,
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
        }
    }

    #[inline(always)]
    fn corrected<L: Lanes>(&self, p: L, g: L, previous: L) -> L {
        let g = self.decay.gradient(p, g);
        g + (g - previous) * self.change
    }
}

/// MARS with one of the following rules; the previous gradient is the last state.
macro_rules! measured {
    ($lion:literal, $n:literal, $slots:expr) => {
        impl ReduceFirst<$n, 1> for Mars<$lion> {
            const SLOTS: [Slot; $n] = $slots;
            const REDUCES_STATE: bool = true;
            const AS_STORED: bool = false;

            #[inline(always)]
            fn lean(&self, decays: bool) -> Option<Self> {
                Some(Mars { adam: self.adam.lean()?, decay: self.decay.lean(decays, Entry::Step)?, ..*self })
            }

            #[inline(always)]
            fn reduce<L: Lanes>(&self, p: L, g: L, s: &[L; $n]) -> [(L, L); 1] {
                let c = self.corrected(p, g, s[$n - 1]);
                [(c, c)]
            }

            fn with_sums(self, [square]: [f64; 1], _: &LayerScalars) -> Self {
                let norm = square.sqrt();
                let scale = if norm <= 1.0 { 1.0 } else { 1.0 / norm };
                Mars { scale: scale as f32, ..self }
            }

            #[inline(always)]
            fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; $n]) {
                let c = self.corrected(p, g, s[$n - 1]) * self.scale;
                s[0] = s[0] * self.adam.beta_1 + c * self.adam.one_minus_beta_1;
                if !$lion {
                    s[1] = s[1] * self.adam.beta_2 + (c * c) * self.adam.one_minus_beta_2;
                }
                s[$n - 1] = self.decay.gradient(p, g);
            }

            #[inline(always)]
            fn apply<L: Lanes>(&self, p: L, g: L, _: &[L; $n], s: &[L; $n]) -> L {
                let u = if $lion { sign(s[0]) } else { self.adam.direction(g, &[s[0], s[1]]) };
                self.decay.step(p, u * self.rate)
            }
        }
    };
}

measured!(false, 3, [Adam::SLOTS[0], Adam::SLOTS[1], full("gradient")]);
measured!(true, 2, [Adam::SLOTS[0], full("gradient")]);
