//! FTRL-proximal (McMahan et al. 2013, KDD), in double precision, since its large terms cancel.
//!
//! ```text
//! s = n^(-learning_rate_power)
//! n = n + g^2
//! s_new = n^(-learning_rate_power)
//! z = z + g + 2 l2_shrinkage_regularization_strength p - (s_new - s) p / learning_rate
//! p = (clip(z, -l1, l1) - z) / ((s_new + beta) / learning_rate + 2 l2)
//! ```
//!
//! where `l1` and `l2` are the regularization strengths. A learning rate of 0 changes nothing.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Values, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Decay, Entry, Formula, OnePass, Slot, Step, full};
use crate::simd::{F64, Lanes};

pub(crate) const FTRL: Algorithm = Algorithm {
    name: "ftrl",
    class_name: "Ftrl",
    summary: "follow the regularized leader: sparse weights for linear models",
    formula,
    source: "McMahan et al. 2013, KDD",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    LEARNING_RATE_POWER = number(-0.5, Domain::AtMostZero, "exponent of the accumulator"),
    INITIAL_ACCUMULATOR_VALUE = number(0.1, Domain::AtLeast(0.0), "initial value of the accumulator").fixed(),
    L1_REGULARIZATION_STRENGTH = number(
        0.0,
        Domain::AtLeast(0.0),
        "strength of the L1 penalty, which makes weights zero",
    ),
    L2_REGULARIZATION_STRENGTH = number(
        0.0,
        Domain::AtLeast(0.0),
        "strength of the L2 penalty, which makes weights small",
    ),
    L2_SHRINKAGE_REGULARIZATION_STRENGTH = number(
        0.0,
        Domain::AtLeast(0.0),
        "strength of an L2 penalty of the current weights",
    ),
    BETA = number(0.0, Domain::AtLeast(0.0), "added to the power of the accumulator"),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let set = |position: usize, text: &'static str| if v.number(position) == 0.0 { "" } else { text };
    let power = |x: &str| match v.number(LEARNING_RATE_POWER) {
        -0.5 => format!("sqrt({x})"),
        _ => format!("{x}^(-learning_rate_power)"),
    };
    f.decay_first();
    f.couple();
    if v.number(INITIAL_ACCUMULATOR_VALUE) != 0.0 {
        f.line("n = if(t == 1, initial_accumulator_value, n)");
    }
    f.line(format!("s = {}; n = n + g^2; s_new = {}", power("n"), power("n")));
    let shrinkage = set(L2_SHRINKAGE_REGULARIZATION_STRENGTH, " + 2 l2_shrinkage_regularization_strength p");
    f.line(format!("z = z + g{shrinkage} - (s_new - s) p / learning_rate"));
    let beta = set(BETA, " + beta");
    let below = format!(
        "(s_new{beta}) / learning_rate{}",
        set(L2_REGULARIZATION_STRENGTH, " + 2 l2_regularization_strength")
    );
    let below = below.replace("(s_new)", "s_new");
    f.line(match v.number(L1_REGULARIZATION_STRENGTH) {
        0.0 => format!("x = -z / ({below})"),
        _ => {
            format!("x = (clip(z, -l1_regularization_strength, l1_regularization_strength) - z) / ({below})")
        }
    });
    f.descend_at("x", "learning_rate", "(p - x)");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(Ftrl::new))
}

#[derive(Clone, Copy)]
struct Ftrl {
    power: f64,
    l1: f64,
    shrinkage: f64,
    per_rate: f64,
    /// The terms of the denominator other than the accumulator.
    beside: f64,
    decay: Decay,
}

impl Ftrl {
    fn new(step: &mut Step<'_>) -> Self {
        let (v, per_rate) = (step.values, 1.0 / step.learning_rate);
        Ftrl {
            power: -v.number(LEARNING_RATE_POWER),
            l1: v.number(L1_REGULARIZATION_STRENGTH),
            shrinkage: 2.0 * v.number(L2_SHRINKAGE_REGULARIZATION_STRENGTH),
            per_rate,
            beside: 2.0 * v.number(L2_REGULARIZATION_STRENGTH) + v.number(BETA) * per_rate,
            decay: Decay::new(step, false),
        }
    }
}

impl OnePass<2> for Ftrl {
    const SLOTS: [Slot; 2] = [full("accumulator").starting_at(INITIAL_ACCUMULATOR_VALUE), full("linear")];
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        if decays && !self.decay.comes_first() || self.per_rate == f64::INFINITY {
            return None;
        }
        let (power, decay) = ((self.power == 0.5).then_some(0.5)?, self.decay.lean(decays, Entry::Step)?);
        Some(Ftrl { power, decay, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [n, z]: &mut [L; 2], store: impl Fn(L) -> L) -> L {
        if self.per_rate == f64::INFINITY {
            return p;
        }
        let (at, g) = (F64::new(self.decay.before(p)), F64::new(self.decay.gradient(p, g)));
        let old = F64::new(*n).pow(self.power);
        *n = store((F64::new(*n) + g * g).rounded());
        let new = F64::new(*n).pow(self.power);
        let wide = F64::new(*z) + (g + at * self.shrinkage) - (new - old) * self.per_rate * at;
        *z = store(wide.rounded());
        let target = (wide.clamp(self.l1) - wide).div_or(new * self.per_rate + self.beside, at);
        self.decay.replace(p, target.rounded(), (at - target).rounded())
    }
}
