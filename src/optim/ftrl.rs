//! FTRL-proximal (McMahan et al. 2013), in double precision: its large terms cancel.
//!
//! `n' = n + g^2`; `s = (n'^k - n^k) / eta`, `k` minus the `learning_rate_power`;
//! `z = z + g + 2 shrinkage p - s p`; `p = (clip(z, -l1, l1) - z) / ((n'^k + beta) / eta + 2 l2)`. A
//! learning rate of 0 leaves everything alone.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Values, fixed, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{OnePass, Slot, Step, full};
use crate::simd::{F32, F64};
use fearless_simd::Simd;

pub(crate) const FTRL: Algorithm = Algorithm {
    name: "ftrl",
    class_name: "Ftrl",
    summary: "follow the regularised leader: sparse weights for linear models",
    formula: "z = z + g - (sqrt(n') - sqrt(n)) p / eta; p = (clip(z, -l1, l1) - z) / (sqrt(n') / eta + 2 l2)",
    source: "McMahan et al. 2013, KDD",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("learning_rate_power", -0.5, Domain::AtMostZero, "power of the accumulator"),
    fixed(number("initial_accumulator_value", 0.1, Domain::AtLeast(0.0), "first value of the accumulator")),
    number("l1_regularization_strength", 0.0, Domain::AtLeast(0.0), "l1: makes weights zero"),
    number("l2_regularization_strength", 0.0, Domain::AtLeast(0.0), "l2: makes weights small"),
    number("l2_shrinkage_regularization_strength", 0.0, Domain::AtLeast(0.0), "l2 of the present weights"),
    number("beta", 0.0, Domain::AtLeast(0.0), "added to the power of the accumulator"),
];
const POWER: usize = index(HYPERS, "learning_rate_power");
const INITIAL: usize = index(HYPERS, "initial_accumulator_value");
const L1: usize = index(HYPERS, "l1_regularization_strength");
const L2: usize = index(HYPERS, "l2_regularization_strength");
const SHRINKAGE: usize = index(HYPERS, "l2_shrinkage_regularization_strength");
const BETA: usize = index(HYPERS, "beta");

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(Ftrl::new))
}

#[derive(Clone, Copy)]
struct Ftrl {
    power: f64,
    l1: f64,
    shrinkage: f64,
    per_rate: f64,
    /// What the denominator has beside the accumulator.
    beside: f64,
    decay: Decay,
}

impl Ftrl {
    fn new(step: &mut Step<'_>) -> Self {
        let (v, per_rate) = (step.values, 1.0 / step.learning_rate);
        Ftrl {
            power: -v.number(POWER),
            l1: v.number(L1),
            shrinkage: 2.0 * v.number(SHRINKAGE),
            per_rate,
            beside: 2.0 * v.number(L2) + v.number(BETA) * per_rate,
            decay: Decay::new(step, false),
        }
    }
}

impl OnePass<2> for Ftrl {
    const SLOTS: [Slot; 2] = [full("accumulator").starting_at(INITIAL), full("linear")];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [n, z]: &mut [F32<V>; 2],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        if self.per_rate == f64::INFINITY {
            return p;
        }
        let (at, g) = (F64::new(self.decay.before(p)), F64::new(self.decay.gradient(p, g)));
        let old = F64::new(*n).pow(self.power);
        *n = keep((F64::new(*n) + g * g).rounded());
        let new = F64::new(*n).pow(self.power);
        let wide = F64::new(*z) + (g + at * self.shrinkage) - (new - old) * self.per_rate * at;
        *z = keep(wide.rounded());
        let target = (wide.clamp(self.l1) - wide).div_or(new * self.per_rate + self.beside, at);
        self.decay.replace(p, target.rounded(), (at - target).rounded())
    }
}
