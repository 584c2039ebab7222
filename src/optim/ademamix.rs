//! AdEMAMix (Pagliardini et al. 2024, arXiv 2409.03137): Adam with a second, much longer moving average
//! of the gradient.
//!
//! ```text
//! m = beta_1 m + (1 - beta_1) g
//! m_slow = beta_3 m_slow + (1 - beta_3) g
//! v = beta_2 v + (1 - beta_2) g^2
//! p = p - learning_rate (m / (1 - beta_1^t) + alpha m_slow) / (sqrt(v / (1 - beta_2^t)) + epsilon)
//! ```
//!
//! During a warm-up `alpha` grows linearly, and so does the half-life of `beta_3`, from that of
//! `beta_1`.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Value, Values, beta_2, decay_rate, epsilon, hypers, learning_rate, number, optional,
};
use crate::kernel::{Kernel, one_pass};
use crate::optim::adam::Adam;
use crate::rule::{Direction, Formula, Plain, Slot, Step, moment, momentum, square};
use crate::simd::{Lanes, sqrt};

pub(crate) const ADEMAMIX: Algorithm = Algorithm {
    name: "ademamix",
    class_name: "AdEMAMix",
    summary: "Adam with a fast and a slow average of the gradient",
    formula,
    source: "Pagliardini et al. 2024, arXiv 2409.03137",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = decay_rate(0.9, "decay rate of the fast moving average"),
    BETA_2 = beta_2(0.999),
    BETA_3 = decay_rate(0.9999, "decay rate of the slow moving average"),
    ALPHA = number(5.0, Domain::AtLeast(0.0), "weight of the slow moving average"),
    EPSILON = epsilon(1e-8),
    ALPHA_WARMUP_STEPS = optional(Domain::IntegerOrNone(1), "updates until alpha is reached").fixed(),
    BETA_3_WARMUP_STEPS = optional(Domain::IntegerOrNone(1), "updates until beta_3 is reached").fixed(),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    f.line("m = beta_1 m + (1 - beta_1) g");
    let mut slow = "beta_3";
    if v.own(BETA_3_WARMUP_STEPS) != Value::None {
        f.line("s = min(1, t / beta_3_warmup_steps)");
        f.line("h_1 = log(0.5) / log(beta_1 + 1e-8) - 1; h_3 = log(0.5) / log(beta_3 + 1e-8) - 1");
        f.line("b = if(s == 1, beta_3, 0.5^(1 / ((1 - s) h_1 + s h_3 + 1)))");
        slow = "b";
    }
    f.line(format!("m_slow = {slow} m_slow + (1 - {slow}) g"));
    f.line("v = beta_2 v + (1 - beta_2) g^2");
    let alpha = match v.own(ALPHA_WARMUP_STEPS) {
        Value::None => "alpha",
        _ => "alpha min(1, t / alpha_warmup_steps)",
    };
    f.line(format!("u = (m / (1 - beta_1^t) + {alpha} m_slow) / (sqrt(v / (1 - beta_2^t)) + epsilon)"));
    f.descend();
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 3>(|step| Plain::new(Mix::new(step), step)))
}

/// How far a warm-up has come; 1 where there is none.
fn along(step: &Step<'_>, steps: usize) -> f64 {
    (step.t as f64 / step.values.number(steps).max(1.0)).min(1.0)
}

/// The decay rate on its way from `first` to `last`, by half-lives.
fn warmed(along: f64, first: f64, last: f64) -> f64 {
    if along == 1.0 {
        return last;
    }
    let half_life = |beta: f64| libm::log(0.5) / libm::log(beta + 1e-8) - 1.0;
    libm::pow(0.5, 1.0 / ((1.0 - along) * half_life(first) + along * half_life(last) + 1.0))
}

#[derive(Clone, Copy)]
struct Mix {
    adam: Adam,
    beta_3: f32,
    one_minus_beta_3: f32,
    alpha: f32,
}

impl Mix {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
        let adam = Adam::new(beta_1, beta_2, v.number(EPSILON), 0.0).corrected(c1, c2, false);
        let beta_3 = warmed(along(step, BETA_3_WARMUP_STEPS), beta_1, v.number(BETA_3));
        let alpha = v.number(ALPHA) * along(step, ALPHA_WARMUP_STEPS);
        Mix { adam, beta_3: beta_3 as f32, one_minus_beta_3: (1.0 - beta_3) as f32, alpha: alpha as f32 }
    }
}

impl Direction<3> for Mix {
    const SLOTS: [Slot; 3] = [momentum(), moment("momentum_slow"), square("velocity")];
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Mix { adam: self.adam.lean()?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, slow, v]: &mut [L; 3]) {
        self.adam.moments(g, m, v);
        *slow = *slow * self.beta_3 + g * self.one_minus_beta_3;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, slow, v]: &[L; 3]) -> L {
        let root = sqrt(*v * self.adam.second);
        self.adam.epsilon.quotient(*m * self.adam.first + *slow * self.alpha, root)
    }
}
