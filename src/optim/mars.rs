//! MARS (arXiv 2411.10438): AdamW or Lion on a gradient whose variance is reduced.
//!
//! `c = g + gamma b1 / (1 - b1) (g - g_previous)`, `c = c / max(1, |c|)` for each tensor, and then
//! AdamW's or Lion's step on `c`. Tensors of less than two axes follow AdamW.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Hyper, Needs, Value, Values, choice, flag, index, learning_rate, needs, number,
};
use crate::kernel::{Kernel, one_pass, reduce_first};
use crate::optim::adam::Adam;
use crate::rule::Decay;
use crate::rule::{Direction, LayerScalars, Plain, ReduceFirst, Slot, Step, full};
use crate::simd::{F32, sign};
use fearless_simd::Simd;

pub(crate) const MARS: Algorithm = Algorithm {
    name: "mars",
    class_name: "Mars",
    summary: "AdamW or Lion on a gradient with reduced variance",
    formula: "c = g + gamma b1 / (1 - b1) (g - g_previous), at most of norm 1; AdamW on c",
    source: "Yuan et al. 2024, arXiv 2411.10438",
    hypers: HYPERS,
    needs: NEEDS,
    route: Some(Route {
        rule: "adamw",
        takes: |values, _, shape| shape.len() < 2 && !values.flag(OPTIMIZE_1D),
        decay: Some(DECAY_1D),
        rate: Some(RATE_1D),
        make: make_1d,
    }),
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.003),
    number("beta_1", 0.95, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.99, Domain::Unit, "decay rate of the second moment"),
    number("gamma", 0.025, Domain::AtLeast(0.0), "strength of the correction"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice("form", &[Value::Text("adamw"), Value::Text("lion")], "the rule that follows"),
    flag("correct_first_step", true, "take the gradient before the first as zero, else as the first"),
    flag("optimize_1d", false, "tensors of less than two axes follow MARS too, else AdamW"),
    number("learning_rate_1d_factor", 1.0, Domain::AtLeast(0.0), "factor of that AdamW's learning rate"),
    number("beta_1_1d", 0.9, Domain::Unit, "decay rate of its first moment"),
    number("beta_2_1d", 0.95, Domain::Unit, "decay rate of its second moment"),
    number("weight_decay_1d", 0.1, Domain::AtLeast(0.0), "its weight decay"),
];

const NEEDS: &[Needs] = &[
    needs("learning_rate_1d_factor", ROUTES),
    needs("beta_1_1d", ROUTES),
    needs("beta_2_1d", ROUTES),
    needs("weight_decay_1d", ROUTES),
];

const ROUTES: &[Condition] = &[Condition::Is("optimize_1d", Value::Bool(false))];
const BETA_1: usize = index(HYPERS, "beta_1");
const BETA_2: usize = index(HYPERS, "beta_2");
const GAMMA: usize = index(HYPERS, "gamma");
const EPSILON: usize = index(HYPERS, "epsilon");
const FORM: usize = index(HYPERS, "form");
const FIRST: usize = index(HYPERS, "correct_first_step");
const OPTIMIZE_1D: usize = index(HYPERS, "optimize_1d");
const RATE_1D: usize = index(HYPERS, "learning_rate_1d_factor");
const BETA_1_1D: usize = index(HYPERS, "beta_1_1d");
const BETA_2_1D: usize = index(HYPERS, "beta_2_1d");
const DECAY_1D: usize = index(HYPERS, "weight_decay_1d");

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
        let rate = step.learning_rate * v.number(RATE_1D);
        let decay = Decay::of(step, step.decay_or(v.number(DECAY_1D)), rate, false);
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
        let corrects = step.t > 1 || v.flag(FIRST);
        Mars {
            adam: corrected(step, beta, v.number(BETA_2)),
            change: if corrects { (v.number(GAMMA) * beta / (1.0 - beta)) as f32 } else { 0.0 },
            scale: 0.0,
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
        }
    }

    #[inline(always)]
    fn corrected<V: Simd>(&self, p: F32<V>, g: F32<V>, previous: F32<V>) -> F32<V> {
        let g = self.decay.gradient(p, g);
        g + (g - previous) * self.change
    }
}

/// MARS with one of the rules that follow; the previous gradient is the last state.
macro_rules! measured {
    ($lion:literal, $n:literal, $slots:expr) => {
        impl ReduceFirst<$n, 1> for Mars<$lion> {
            const SLOTS: [Slot; $n] = $slots;
            const REDUCES_STATE: bool = true;
            const AS_STORED: bool = false;

            #[inline(always)]
            fn reduce<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; $n]) -> [(F32<V>, F32<V>); 1] {
                let c = self.corrected(p, g, s[$n - 1]);
                [(c, c)]
            }

            fn with_sums(self, [square]: [f64; 1], _: &LayerScalars) -> Self {
                let norm = square.sqrt();
                let scale = if norm <= 1.0 { 1.0 } else { 1.0 / norm };
                Mars { scale: scale as f32, ..self }
            }

            #[inline(always)]
            fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; $n]) {
                let c = self.corrected(p, g, s[$n - 1]) * self.scale;
                s[0] = s[0] * self.adam.beta_1 + c * self.adam.take_1;
                if !$lion {
                    s[1] = s[1] * self.adam.beta_2 + (c * c) * self.adam.take_2;
                }
                s[$n - 1] = self.decay.gradient(p, g);
            }

            #[inline(always)]
            fn apply<V: Simd>(&self, p: F32<V>, g: F32<V>, _: &[F32<V>; $n], s: &[F32<V>; $n]) -> F32<V> {
                let u = if $lion { sign(s[0]) } else { self.adam.direction(g, &[s[0], s[1]]) };
                self.decay.step(p, u * self.rate)
            }
        }
    };
}

measured!(false, 3, [Adam::SLOTS[0], Adam::SLOTS[1], full("gradient")]);
measured!(true, 2, [Adam::SLOTS[0], full("gradient")]);
