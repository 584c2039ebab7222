//! Adafactor (Shazeer and Stern 2018, arXiv 1804.04235): Adam whose second moment is stored as its row
//! and column means.
//!
//! ```text
//! w = t^beta_2_decay
//! row = (1 - w) row + w row_mean(g^2)        column = (1 - w) column + w column_mean(g^2)
//! v = row column / column_mean(row)          u = g / sqrt(v)
//! u = u / max(1, sqrt(mean(u^2)) / clip_threshold)
//! p = p - max(epsilon_2, sqrt(mean(p^2))) min(learning_rate, 1 / sqrt(t)) u
//! ```
//!
//! Arrays without rows and columns keep the second moment itself.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Value, Values, choice, decay_rate, flag, hypers, integer, learning_rate, number,
};
use crate::kernel::{Kernel, reduce_first};
use crate::rule::{
    Decay, Entry, Factoring, Formula, LayerScalars, ReduceFirst, Slot, Step, factored, momentum, square,
};
use crate::simd::{F64, Lanes, div_or_zero, maximum, splat, sqrt};

pub(crate) const ADAFACTOR: Algorithm = Algorithm {
    name: "adafactor",
    class_name: "Adafactor",
    summary: "adaptive steps with a second moment of rows and columns only",
    formula,
    source: "Shazeer and Stern 2018, arXiv 1804.04235",
    hypers: HYPERS,
    route: Some(Route {
        rule: "adafactor",
        which: "arrays with fewer than two axes, or with a short one of the last two",
        takes: is_whole,
        decay: None,
        rate: None,
        formula: formula_whole,
        make: make_whole,
    }),
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_2_DECAY = number(-0.8, Domain::AtMostZero, "exponent of t in the weight of a new square"),
    EPSILON_1 = number(1e-30, Domain::AtLeast(0.0), "small constant of the second moment"),
    EPSILON_2 = number(
        0.001,
        Domain::AtLeast(0.0),
        "smallest size of the parameter that a step is relative to",
    )
    .needs(&[&[Condition::On("scale_parameter")]]),
    CLIP_THRESHOLD = number(1.0, Domain::Above(0.0), "largest root mean square of the direction"),
    RELATIVE_STEP = flag(true, "limit the learning rate to 1 / sqrt(t)"),
    SCALE_PARAMETER = flag(true, "make steps proportional to the root mean square of the parameter"),
    EPSILON_MODE = choice(
        &[Value::Text("clamp"), Value::Text("add")],
        "epsilon_1 is a lower limit of the second moment (torch), or is added to each square (Keras)",
    ),
    BETA_1 = decay_rate(0.0, "decay rate of a momentum of the steps; with 0 there is none").fixed(),
    MIN_DIM_SIZE_TO_FACTOR = integer(0, 0, "shortest axis that is factored"),
}

/// Whether the second moment of a tensor is kept whole.
fn is_whole(values: &Values, _: &str, shape: &[usize]) -> bool {
    match shape {
        [.., rows, columns] => ((*rows).min(*columns) as u64) < values.integer(MIN_DIM_SIZE_TO_FACTOR),
        _ => true,
    }
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let (square, least) = squares(v);
    f.couple();
    f.line("w = t^beta_2_decay");
    f.line(format!("row = (1 - w) row + w row_mean({square})"));
    f.line(format!("column = (1 - w) column + w column_mean({square})"));
    f.line(match least {
        true => "v = row column / max(column_mean(row), epsilon_1)",
        false => "v = row column / column_mean(row)",
    });
    step(f, least);
}

fn formula_whole(f: &mut Formula<'_>) {
    let (square, least) = squares(f.values);
    f.couple();
    f.line("w = t^beta_2_decay");
    f.line(format!("v = (1 - w) v + w {}", if least { square.to_string() } else { format!("({square})") }));
    step(f, least);
}

/// The square of the gradient in a formula, and whether epsilon_1 limits the second moment.
fn squares(v: &Values) -> (&'static str, bool) {
    match (v.number(EPSILON_1) == 0.0, v.is(EPSILON_MODE, "add")) {
        (true, _) => ("g^2", false),
        (false, true) => ("g^2 + epsilon_1", false),
        (false, false) => ("g^2", true),
    }
}

/// The step from the second moment `v`, in a formula.
fn step(f: &mut Formula<'_>, least: bool) {
    let v = f.values;
    f.line(if least { "u = g / sqrt(max(v, epsilon_1^2))" } else { "u = g / sqrt(v)" });
    f.line("u = u / max(1, sqrt(mean(u^2)) / clip_threshold)");
    let rate = if v.flag(RELATIVE_STEP) { "min(learning_rate, 1 / sqrt(t))" } else { "learning_rate" };
    f.line(match v.flag(SCALE_PARAMETER) {
        true => format!("alpha = max(epsilon_2, sqrt(mean(p^2))) {rate}"),
        false => format!("alpha = {rate}"),
    });
    let rate = if f.inside().is_some() { "alpha" } else { "learning_rate" };
    if v.number(BETA_1) == 0.0 {
        f.descend_at("p - alpha u", rate, "u");
    } else {
        f.line("m = beta_1 m + (1 - beta_1) alpha u");
        f.descend_at("p - m", rate, "m");
    }
}

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(if values.number(BETA_1) == 0.0 {
        reduce_first::<Adafactor<true, false>, 1, 2>(Adafactor::new)
    } else {
        reduce_first::<Adafactor<true, true>, 2, 2>(Adafactor::new)
    })
}

fn make_whole(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(if values.number(BETA_1) == 0.0 {
        reduce_first::<Adafactor<false, false>, 1, 2>(Adafactor::new)
    } else {
        reduce_first::<Adafactor<false, true>, 2, 2>(Adafactor::new)
    })
}

#[derive(Clone, Copy)]
struct Adafactor<const FACTORED: bool, const MOMENTUM: bool> {
    factoring: Factoring,
    beta_2: f32,
    one_minus_beta_2: f32,
    added: f32,
    /// The least second moment.
    least: f32,
    beta_1: f32,
    one_minus_beta_1: f32,
    scale: f32,
    rate: f64,
    smallest: f64,
    threshold: f64,
    scales: bool,
    decay: Decay,
    coupled: f64,
}

impl<const FACTORED: bool, const MOMENTUM: bool> Adafactor<FACTORED, MOMENTUM> {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let share = libm::pow(step.t as f64, v.number(BETA_2_DECAY));
        let (added, least) =
            if v.is(EPSILON_MODE, "add") { (v.number(EPSILON_1), 0.0) } else { (0.0, v.number(EPSILON_1)) };
        let limit = if v.flag(RELATIVE_STEP) { 1.0 / (step.t as f64).sqrt() } else { f64::INFINITY };
        Adafactor {
            factoring: Factoring { beta: 1.0 - share, one_minus_beta: share, added, least },
            beta_2: (1.0 - share) as f32,
            one_minus_beta_2: share as f32,
            added: added as f32,
            least: (least * least) as f32,
            beta_1: v.number(BETA_1) as f32,
            one_minus_beta_1: (1.0 - v.number(BETA_1)) as f32,
            scale: 0.0,
            rate: step.learning_rate.min(limit),
            smallest: v.number(EPSILON_2),
            threshold: v.number(CLIP_THRESHOLD),
            scales: v.flag(SCALE_PARAMETER),
            decay: Decay::new(step, true),
            coupled: step.coupled(),
        }
    }

    /// The gradient with the coupled decay.
    #[inline(always)]
    fn gradient<L: Lanes>(&self, p: L, g: L) -> L {
        if !FACTORED {
            self.decay.gradient(p, g)
        } else if self.coupled == 0.0 {
            g
        } else {
            // In double precision: the two may cancel.
            (F64::new(g) + F64::new(p) * self.coupled).rounded()
        }
    }

    /// The new second moment of a tensor that keeps it whole.
    #[inline(always)]
    fn velocity<L: Lanes>(&self, p: L, g: L, v: L) -> L {
        let g = self.gradient(p, g);
        v * self.beta_2 + (g * g + self.added) * self.one_minus_beta_2
    }

    /// The direction; `v` is the second moment, or one over its root where it is factored.
    #[inline(always)]
    fn direction<L: Lanes>(&self, p: L, g: L, v: L) -> L {
        let g = self.gradient(p, g);
        if FACTORED { g * v } else { div_or_zero(g, sqrt(maximum(splat(v, self.least), v))) }
    }

    fn with_norms(self, [weight, update]: [f64; 2], len: usize) -> Self {
        let rms = |sum: f64| (sum / len.max(1) as f64).sqrt();
        let alpha = if self.scales { self.rate * rms(weight).max(self.smallest) } else { self.rate };
        let clip = (rms(update) / self.threshold).max(1.0);
        Adafactor { scale: (alpha / clip) as f32, decay: self.decay.scaled(alpha), ..self }
    }
}

/// The rule for one way of keeping the second moment, with or without momentum. `$v` is the position of
/// the second moment, `$m` that of the momentum.
macro_rules! adafactor {
    ($factored:literal, $momentum:literal, $n:literal, $slots:expr, $v:literal, $m:literal) => {
        impl ReduceFirst<$n, 2> for Adafactor<$factored, $momentum> {
            const SLOTS: [Slot; $n] = $slots;
            const REDUCES_STATE: bool = true;
            const AS_STORED: bool = false;

            #[inline(always)]
            fn lean(&self, decays: bool) -> Option<Self> {
                let decay = self.decay.lean(decays, Entry::Step)?;
                Some(Adafactor { coupled: (self.coupled == 0.0).then_some(0.0)?, decay, ..*self })
            }

            #[inline(always)]
            fn root<L: Lanes>(&self, _: usize, p: L, g: L, _: &[L; $n]) -> L {
                self.gradient(p, g)
            }

            fn factored(&self, _: usize) -> Factoring {
                self.factoring
            }

            #[inline(always)]
            fn reduce<L: Lanes>(&self, p: L, g: L, s: &[L; $n]) -> [(L, L); 2] {
                let v = if $factored { s[$v] } else { self.velocity(p, g, s[$v]) };
                let u = self.direction(p, g, v);
                [(p, p), (u, u)]
            }

            fn with_sums(self, sums: [f64; 2], layer: &LayerScalars) -> Self {
                self.with_norms(sums, layer.len)
            }

            #[inline(always)]
            fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; $n]) {
                if !$factored {
                    s[$v] = self.velocity(p, g, s[$v]);
                }
                if $momentum {
                    s[$m] = s[$m] * self.beta_1
                        + self.direction(p, g, s[$v]) * self.scale * self.one_minus_beta_1;
                }
            }

            #[inline(always)]
            fn apply<L: Lanes>(&self, p: L, g: L, _: &[L; $n], s: &[L; $n]) -> L {
                let step = if $momentum { s[$m] } else { self.direction(p, g, s[$v]) * self.scale };
                self.decay.step(p, self.decay.direction(p, step))
            }
        }
    };
}

adafactor!(true, false, 1, [factored("row", "column")], 0, 0);
adafactor!(true, true, 2, [momentum(), factored("row", "column")], 1, 0);
adafactor!(false, false, 1, [square("velocity")], 0, 0);
adafactor!(false, true, 2, [square("velocity"), momentum()], 0, 1);
