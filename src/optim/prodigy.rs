//! Prodigy (Mishchenko and Defazio 2023, arXiv 2306.06101): Adam whose learning rate is an estimate of
//! the distance to the solution.
//!
//! With the initial parameters `p_0`, `rate = d learning_rate`, and sums over the elements of all
//! arrays:
//!
//! ```text
//! m = beta_1 m + d (1 - beta_1) g
//! v = beta_2 v + d^2 (1 - beta_2) g^2
//! s = beta_3 s + d / initial_distance rate g
//! n = beta_3 n + d / initial_distance rate total(g (p_0 - p))
//! d = max(d, distance_coefficient n / total(abs(s)))
//! p = p - rate m / (sqrt(v) + d epsilon)
//! ```
//!
//! Nothing moves before the first gradient that is not zero.

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{
    Domain, Value, Values, beta_1, beta_2, epsilon, flag, hypers, learning_rate, number, optional,
};
use crate::kernel::{Kernel, state_first};
use crate::rule::{
    Between, Decay, Entry, Epsilon, Formula, LayerScalars, Scalar, Scalars, Scope, Slot, Start, StateFirst,
    Step, full, moment, momentum, square,
};
use crate::simd::{Lanes, abs, splat, sqrt};

pub(crate) const PRODIGY: Algorithm = Algorithm {
    name: "prodigy",
    class_name: "Prodigy",
    summary: "Adam that estimates its own learning rate",
    formula,
    source: "Mishchenko and Defazio 2023, arXiv 2306.06101",
    hypers: HYPERS,
    scalars: &[
        Scalar { name: "distance", initial: Start::Hyper(INITIAL_DISTANCE) },
        Scalar { name: "largest_distance", initial: Start::Hyper(INITIAL_DISTANCE) },
        Scalar { name: "numerator", initial: Start::At(0.0) },
    ],
    scope: Scope::All,
    make,
    ..Algorithm::BASE
};

// There is one estimate for all parameters, so its hyperparameters are the same for all of them.
hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(1.0),
    BETA_1 = beta_1(0.9),
    BETA_2 = beta_2(0.999).for_all(),
    EPSILON = epsilon(1e-8),
    BETA_3 = optional(
        Domain::UnitOrNone,
        "decay rate of the sums of the distance estimate; None is sqrt(beta_2)",
    )
    .for_all(),
    INITIAL_DISTANCE = number(1e-6, Domain::Above(0.0), "initial estimate of the distance").fixed(),
    DISTANCE_COEFFICIENT = number(1.0, Domain::AtLeast(0.0), "factor of the estimate").for_all(),
    GROWTH_RATE = optional(Domain::PositiveOrNone, "largest growth of the distance in an update").for_all(),
    BIAS_CORRECTION = flag(false, "correct the bias of the moments in the learning rate"),
    SAFEGUARD_WARMUP = flag(false, "leave the learning rate out of the denominator of the estimate"),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let beta_3 = if v.own(BETA_3) == Value::None { "sqrt(beta_2)" } else { "beta_3" };
    f.couple();
    f.line("p_0 = if(t == 1, p, p_0); d = if(t == 1, initial_distance, d)");
    let correction = if v.flag(BIAS_CORRECTION) { " sqrt(1 - beta_2^t) / (1 - beta_1^t)" } else { "" };
    f.line(format!("rate = d learning_rate{correction}"));
    f.line("m = beta_1 m + d (1 - beta_1) g");
    f.line("v = beta_2 v + d^2 (1 - beta_2) g^2");
    let weight = if v.flag(SAFEGUARD_WARMUP) { "d" } else { "rate" };
    f.line(format!("s = {beta_3} s + d / initial_distance {weight} g"));
    f.line(format!("n = {beta_3} n + d / initial_distance rate total(g (p_0 - p))"));
    let estimate = match v.number(DISTANCE_COEFFICIENT) {
        1.0 => "n / total(abs(s))",
        _ => "distance_coefficient n / total(abs(s))",
    };
    if v.own(GROWTH_RATE) == Value::None {
        f.line(format!("d = max(d, {estimate})"));
    } else {
        f.line(format!("e = {estimate}"));
        f.line("e_max = if(t == 1, initial_distance, e_max); e_max = max(e_max, e)");
        f.line("d = min(growth_rate if(d == initial_distance, max(d, e), d), e_max)");
    }
    f.line("u = m / (sqrt(v) + d epsilon)");
    f.descend_at("p - rate u", "rate", "u");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(state_first::<_, 4, 2>(Prodigy::new))
}

#[derive(Clone, Copy)]
struct Prodigy {
    beta_1: f32,
    gradient_1: f32,
    beta_2: f32,
    gradient_2: f32,
    beta_3: f32,
    gradient_3: f32,
    rate: f32,
    epsilon: Epsilon,
    decay: Decay,
    /// The settings of the estimate: factor of the sum, decay rate, first value, limits.
    weight: f64,
    numerator_beta: f64,
    first: f64,
    coefficient: f64,
    growth: f64,
    small: f64,
    estimates: bool,
}

impl Prodigy {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(BETA_1), v.number(BETA_2));
        let beta_3 = if v.own(BETA_3) == Value::None { beta_2.sqrt() } else { v.number(BETA_3) };
        let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
        let (d, first) = (step.scalars[0], v.number(INITIAL_DISTANCE));
        let correction = if v.flag(BIAS_CORRECTION) { c2.sqrt() / c1 } else { 1.0 };
        // There is one estimate for all parameters, so it uses the rate without the overrides of a group.
        let (own, base) = (d * step.learning_rate * correction, d * step.base_rate * correction);
        let along = d / first * if v.flag(SAFEGUARD_WARMUP) { d } else { base };
        Prodigy {
            beta_1: beta_1 as f32,
            gradient_1: (d * (1.0 - beta_1)) as f32,
            beta_2: beta_2 as f32,
            gradient_2: (d * d * (1.0 - beta_2)) as f32,
            beta_3: beta_3 as f32,
            gradient_3: along as f32,
            rate: own as f32,
            epsilon: Epsilon::new(0.0),
            decay: Decay::at(step, own, false),
            weight: d / first * base,
            numerator_beta: beta_3,
            first,
            coefficient: v.number(DISTANCE_COEFFICIENT),
            growth: if v.own(GROWTH_RATE) == Value::None { f64::INFINITY } else { v.number(GROWTH_RATE) },
            small: v.number(EPSILON),
            estimates: step.base_rate > 0.0,
        }
    }

    /// The scalars with the new estimate of the distance.
    fn estimated(&self, [product, size]: [f64; 2], [mut d, mut largest, mut numerator]: Scalars) -> Scalars {
        if size != 0.0 && self.estimates {
            numerator = self.numerator_beta * numerator + self.weight * product;
            let estimate = self.coefficient * numerator / size;
            if d == self.first {
                d = d.max(estimate);
            }
            largest = largest.max(estimate);
            d = largest.min(d * self.growth);
        }
        [d, largest, numerator]
    }
}

impl StateFirst<4, 2> for Prodigy {
    const SLOTS: [Slot; 4] =
        [momentum(), square("velocity"), moment("distance"), full("start").starting_as_parameter()];
    const USES_GRADIENT: bool = false;
    const BETWEEN: Between = Between::Sum;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Prodigy { decay: self.decay.lean(decays, Entry::Step)?, ..*self })
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, [m, v, s, _]: &mut [L; 4]) {
        let g = self.decay.gradient(p, g);
        *m = *m * self.beta_1 + g * self.gradient_1;
        *v = *v * self.beta_2 + (g * g) * self.gradient_2;
        *s = *s * self.beta_3 + g * self.gradient_3;
    }

    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, _: L, [m, v, ..]: &[L; 4]) -> L {
        self.epsilon.quotient(*m, sqrt(*v))
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, g: L, [_, _, s, start]: &[L; 4], _: L) -> [(L, L); 2] {
        [(self.decay.gradient(p, g), *start - p), (abs(*s), splat(p, 1.0))]
    }

    fn with_sums(self, sums: [f64; 2], layer: &LayerScalars) -> Self {
        if sums[1] == 0.0 {
            // No gradient so far: nothing moves.
            return Prodigy { rate: 0.0, decay: Decay::NONE, ..self };
        }
        let [distance, ..] = self.estimated(sums, layer.scalars);
        Prodigy { epsilon: Epsilon::new(distance * self.small), ..self }
    }

    fn next_scalars(&self, sums: [f64; 2], layer: &mut LayerScalars) {
        layer.scalars = self.estimated(sums, layer.scalars);
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, u: L) -> L {
        self.decay.step(p, u * self.rate)
    }
}
