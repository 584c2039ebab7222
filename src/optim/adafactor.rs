//! Adafactor (arXiv 1804.04235): Adam whose second moment is kept as its row and column means.
//!
//! With `w = t^decay`, `r` and `c` the moments of rows and columns (of each matrix of the last two
//! axes), `r = (1 - w) r + w mean(g^2)`, `V = r c / mean(r)`:
//!
//! ```text
//! u = g / sqrt(V)    u = u / max(1, rms(u) / d)    alpha = max(eps2, rms(p)) rho    p = p - alpha u
//! ```
//!
//! Tensors without rows and columns keep the second moment itself.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Hyper, Needs, Value, Values, choice, fixed, flag, index, integer, learning_rate,
    needs, number,
};
use crate::kernel::{Kernel, reduce_first};
use crate::rule::Decay;
use crate::rule::{Factoring, LayerScalars, ReduceFirst, Slot, Step, factored, momentum, square};
use crate::simd::{F32, F64, div_or_zero, maximum, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const ADAFACTOR: Algorithm = Algorithm {
    name: "adafactor",
    class_name: "Adafactor",
    summary: "adaptive steps with a second moment of rows and columns only",
    formula: "u = g / sqrt(r c / mean(r)); p = p - max(eps2, rms(p)) rho u / max(1, rms(u) / d)",
    source: "Shazeer and Stern 2018, arXiv 1804.04235",
    hypers: HYPERS,
    needs: NEEDS,
    route: Some(Route { rule: "adafactor", takes: is_whole, decay: None, rate: None, make: make_whole }),
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_2_decay", -0.8, Domain::AtMostZero, "power of t in the second moment's new share"),
    number("epsilon_1", 1e-30, Domain::AtLeast(0.0), "small constant of the second moment"),
    number("epsilon_2", 0.001, Domain::AtLeast(0.0), "least size of a parameter in its step"),
    number("clip_threshold", 1.0, Domain::Above(0.0), "largest root mean square of a direction, d"),
    flag("relative_step", true, "the learning rate is at most 1 / sqrt(t)"),
    flag("scale_parameter", true, "steps in proportion to the size of the parameter"),
    choice(
        "epsilon_mode",
        &[Value::Text("clamp"), Value::Text("add")],
        "epsilon_1 limits the second moment (torch), or is added to each square (Keras)",
    ),
    fixed(number("beta_1", 0.0, Domain::Unit, "decay rate of a momentum of the steps; 0 keeps none")),
    integer("min_dim_size_to_factor", 0, 0, "least length of a factored axis"),
];

const NEEDS: &[Needs] = &[needs("epsilon_2", &[Condition::On("scale_parameter")])];
const POWER: usize = index(HYPERS, "beta_2_decay");
const EPSILON_1: usize = index(HYPERS, "epsilon_1");
const EPSILON_2: usize = index(HYPERS, "epsilon_2");
const THRESHOLD: usize = index(HYPERS, "clip_threshold");
const RELATIVE: usize = index(HYPERS, "relative_step");
const SCALE: usize = index(HYPERS, "scale_parameter");
const MODE: usize = index(HYPERS, "epsilon_mode");
const BETA_1: usize = index(HYPERS, "beta_1");
const LEAST: usize = index(HYPERS, "min_dim_size_to_factor");

/// Whether the second moment of a tensor is kept whole.
fn is_whole(values: &Values, _: &str, shape: &[usize]) -> bool {
    match shape {
        [.., rows, columns] => ((*rows).min(*columns) as u64) < values.integer(LEAST),
        _ => true,
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
    keep: f32,
    take: f32,
    added: f32,
    /// The least second moment.
    least: f32,
    beta: f32,
    take_1: f32,
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
        let take = libm::pow(step.t as f64, v.number(POWER));
        let (added, least) =
            if v.is(MODE, "add") { (v.number(EPSILON_1), 0.0) } else { (0.0, v.number(EPSILON_1)) };
        let limit = if v.flag(RELATIVE) { 1.0 / (step.t as f64).sqrt() } else { f64::INFINITY };
        Adafactor {
            factoring: Factoring { keep: 1.0 - take, take, added, least },
            keep: (1.0 - take) as f32,
            take: take as f32,
            added: added as f32,
            least: (least * least) as f32,
            beta: v.number(BETA_1) as f32,
            take_1: (1.0 - v.number(BETA_1)) as f32,
            scale: 0.0,
            rate: step.learning_rate.min(limit),
            smallest: v.number(EPSILON_2),
            threshold: v.number(THRESHOLD),
            scales: v.flag(SCALE),
            decay: Decay::new(step, true),
            coupled: step.coupled(),
        }
    }

    /// The gradient with the coupled decay.
    #[inline(always)]
    fn gradient<V: Simd>(&self, p: F32<V>, g: F32<V>) -> F32<V> {
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
    fn velocity<V: Simd>(&self, p: F32<V>, g: F32<V>, v: F32<V>) -> F32<V> {
        let g = self.gradient(p, g);
        v * self.keep + (g * g + self.added) * self.take
    }

    /// The direction; `v` is the second moment, or one over its root where it is factored.
    #[inline(always)]
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, v: F32<V>) -> F32<V> {
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
            fn root<V: Simd>(&self, _: usize, p: F32<V>, g: F32<V>, _: &[F32<V>; $n]) -> F32<V> {
                self.gradient(p, g)
            }

            fn factored(&self, _: usize) -> Factoring {
                self.factoring
            }

            #[inline(always)]
            fn reduce<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; $n]) -> [(F32<V>, F32<V>); 2] {
                let v = if $factored { s[$v] } else { self.velocity(p, g, s[$v]) };
                let u = self.direction(p, g, v);
                [(p, p), (u, u)]
            }

            fn with_sums(self, sums: [f64; 2], layer: &LayerScalars) -> Self {
                self.with_norms(sums, layer.len)
            }

            #[inline(always)]
            fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; $n]) {
                if !$factored {
                    s[$v] = self.velocity(p, g, s[$v]);
                }
                if $momentum {
                    s[$m] = s[$m] * self.beta + self.direction(p, g, s[$v]) * self.scale * self.take_1;
                }
            }

            #[inline(always)]
            fn apply<V: Simd>(&self, p: F32<V>, g: F32<V>, _: &[F32<V>; $n], s: &[F32<V>; $n]) -> F32<V> {
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
