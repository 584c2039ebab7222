//! Adan (Xie et al. 2022, arXiv 2208.06677): Adam with Nesterov's momentum, from the change of the
//! gradient.
//!
//! ```text
//! d = if(t == 1, 0, g - g_old)
//! m = beta_1 m + (1 - beta_1) g
//! n = beta_2 n + (1 - beta_2) d
//! v = beta_3 v + (1 - beta_3) (g + beta_2 d)^2
//! u = (m / (1 - beta_1^t) + beta_2 n / (1 - beta_2^t)) / (sqrt(v / (1 - beta_3^t)) + epsilon)
//! p = (p - learning_rate u) / (1 + learning_rate weight_decay)
//! ```

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Value, Values, beta_1, choice, decay_rate, epsilon, hypers, learning_rate, shared};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{
    Decay, Direction, Entry, Epsilon, Formula, Plain, Slot, Step, full, moment, momentum, square,
};
use crate::simd::{Lanes, splat, sqrt};

pub(crate) const ADAN: Algorithm = Algorithm {
    name: "adan",
    class_name: "Adan",
    summary: "adaptive Nesterov momentum, from the change of the gradient",
    formula,
    source: "Xie et al. 2022, arXiv 2208.06677",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.98),
    BETA_2 = decay_rate(
        0.92,
        "decay rate of the moment of the gradient's change, and the weight of that moment",
    ),
    BETA_3 = decay_rate(0.99, "decay rate of the second moment"),
    EPSILON = epsilon(1e-8),
    FORM = choice(
        &[Value::Text("proximal"), Value::Text("decoupled")],
        "decoupled weight decay divides by 1 + learning_rate weight_decay (paper), or is subtracted",
    ),
}
const BETAS: [usize; 3] = [BETA_1, BETA_2, BETA_3];

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("d = if(t == 1, 0, g - g_old); g_old = g");
    f.line("m = beta_1 m + (1 - beta_1) g");
    f.line("n = beta_2 n + (1 - beta_2) d");
    f.line("v = beta_3 v + (1 - beta_3) (g + beta_2 d)^2");
    f.line("u = (m / (1 - beta_1^t) + beta_2 n / (1 - beta_2^t)) / (sqrt(v / (1 - beta_3^t)) + epsilon)");
    if is_proximal(f.values) && f.decays() {
        f.line("p = (p - learning_rate u) / (1 + learning_rate weight_decay)");
    } else {
        f.descend();
    }
}

/// Whether weight decay is a proximal step.
fn is_proximal(values: &Values) -> bool {
    values.shared_text(shared::WEIGHT_DECAY_MODE) == "decoupled" && values.is(FORM, "proximal")
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 4>(|step| {
        let rule = Plain::new(Adan::new(step), step);
        if is_proximal(step.values) { rule.with_decay(Decay::new(step, false).proximal()) } else { rule }
    }))
}

#[derive(Clone, Copy)]
struct Adan {
    betas: [f32; 3],
    one_minus_betas: [f32; 3],
    /// Factors of the moments in the direction.
    out: [f32; 3],
    epsilon: Epsilon,
    first: bool,
}

impl Adan {
    fn new(step: &mut Step<'_>) -> Self {
        let betas = BETAS.map(|i| step.values.number(i));
        let [c1, c2, c3] = betas.map(|beta| step.correction(beta));
        Adan {
            betas: betas.map(|beta| beta as f32),
            one_minus_betas: betas.map(|beta| (1.0 - beta) as f32),
            out: [1.0 / c1, betas[1] / c2, 1.0 / c3].map(|x| x as f32),
            epsilon: Epsilon::new(step.values.number(EPSILON)),
            first: step.t == 1,
        }
    }
}

impl Direction<4> for Adan {
    const SLOTS: [Slot; 4] =
        [momentum(), moment("momentum_difference"), square("velocity"), full("gradient")];
    const DECAY: Entry = Entry::Proximal;
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Adan { epsilon: self.epsilon.lean()?, first: (!self.first).then_some(false)?, ..*self })
    }
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [m, n, v, previous]: &mut [L; 4]) {
        let change = if self.first { splat(g, 0.0) } else { g - *previous };
        let ahead = g + change * self.betas[1];
        *m = *m * self.betas[0] + g * self.one_minus_betas[0];
        *n = *n * self.betas[1] + change * self.one_minus_betas[1];
        *v = *v * self.betas[2] + (ahead * ahead) * self.one_minus_betas[2];
        *previous = g;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, _: L, [m, n, v, _]: &[L; 4]) -> L {
        self.epsilon.quotient(*m * self.out[0] + *n * self.out[1], sqrt(*v * self.out[2]))
    }
}
