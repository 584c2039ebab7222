//! CAME (Luo et al. 2023, arXiv 2307.02047): Adafactor with a momentum that is divided by the root of its
//! instability, the second moment of the difference between update and momentum.
//!
//! ```text
//! row = beta_2 row + (1 - beta_2) row_mean(g^2 + epsilon_1)
//! column = beta_2 column + (1 - beta_2) column_mean(g^2 + epsilon_1)
//! u = g / sqrt(row column / column_mean(row))
//! u = u / max(1, sqrt(mean(u^2)) / clip_threshold)
//! m = beta_1 m + (1 - beta_1) u
//! d = (u - m)^2 + epsilon_2
//! row_d = beta_3 row_d + (1 - beta_3) row_mean(d)
//! column_d = beta_3 column_d + (1 - beta_3) column_mean(d)
//! p = p - learning_rate m / sqrt(row_d column_d / column_mean(row_d))
//! ```
//!
//! Arrays without rows and columns keep the second moment itself and move by `learning_rate m`.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{Domain, Values, beta_2, decay_rate, hypers, integer, learning_rate, number};
use crate::kernel::{Kernel, reduce_first};
use crate::rule::{
    Decay, Entry, Factoring, Formula, LayerScalars, ReduceFirst, Slot, Step, factored, momentum, square,
};
use crate::simd::{Lanes, div_or_zero, sqrt};

pub(crate) const CAME: Algorithm = Algorithm {
    name: "came",
    class_name: "Came",
    summary: "Adafactor with momentum, which takes smaller steps where its updates are unstable",
    formula,
    source: "Luo et al. 2023, arXiv 2307.02047",
    hypers: HYPERS,
    route: Some(Route {
        rule: "came",
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
    LEARNING_RATE = learning_rate(0.0002),
    BETA_1 = decay_rate(0.9, "decay rate of the momentum"),
    BETA_2 = beta_2(0.999),
    BETA_3 = decay_rate(0.9999, "decay rate of the instability"),
    EPSILON_1 = number(1e-30, Domain::AtLeast(0.0), "added to the squared gradient"),
    EPSILON_2 = number(1e-16, Domain::AtLeast(0.0), "added to the squared difference of update and momentum"),
    CLIP_THRESHOLD = number(1.0, Domain::Above(0.0), "largest root mean square of an update"),
    MIN_DIM_SIZE_TO_FACTOR = integer(0, 0, "shortest axis that is factored"),
}

fn is_whole(values: &Values, _: &str, shape: &[usize]) -> bool {
    match shape {
        [.., rows, columns] => ((*rows).min(*columns) as u64) < values.integer(MIN_DIM_SIZE_TO_FACTOR),
        _ => true,
    }
}

fn formula(f: &mut Formula<'_>) {
    f.couple();
    f.line("row = beta_2 row + (1 - beta_2) row_mean(g^2 + epsilon_1)");
    f.line("column = beta_2 column + (1 - beta_2) column_mean(g^2 + epsilon_1)");
    f.line("u = g / sqrt(row column / column_mean(row))");
    f.line("u = u / max(1, sqrt(mean(u^2)) / clip_threshold)");
    f.line("m = beta_1 m + (1 - beta_1) u");
    f.line("d = (u - m)^2 + epsilon_2");
    f.line("row_d = beta_3 row_d + (1 - beta_3) row_mean(d)");
    f.line("column_d = beta_3 column_d + (1 - beta_3) column_mean(d)");
    f.line("u = m / sqrt(row_d column_d / column_mean(row_d))");
    f.descend();
}

fn formula_whole(f: &mut Formula<'_>) {
    f.couple();
    f.line("v = beta_2 v + (1 - beta_2) (g^2 + epsilon_1)");
    f.line("u = g / sqrt(v)");
    f.line("u = u / max(1, sqrt(mean(u^2)) / clip_threshold)");
    f.line("m = beta_1 m + (1 - beta_1) u");
    f.descend_at("p - learning_rate m", "learning_rate", "m");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(reduce_first::<Came<true>, 3, 1>(Came::new))
}

fn make_whole(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(reduce_first::<Came<false>, 2, 1>(Came::new))
}

#[derive(Clone, Copy)]
struct Came<const FACTORED: bool> {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    epsilon_1: f32,
    moments: [Factoring; 2],
    threshold: f64,
    /// The factor that limits the root mean square of the update.
    clip: f32,
    rate: f32,
    decay: Decay,
}

impl<const FACTORED: bool> Came<FACTORED> {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let moment = |beta: usize, epsilon: usize| Factoring {
            beta: v.number(beta),
            one_minus_beta: 1.0 - v.number(beta),
            added: v.number(epsilon),
            least: 0.0,
        };
        Came {
            beta_1: v.number(BETA_1) as f32,
            one_minus_beta_1: (1.0 - v.number(BETA_1)) as f32,
            beta_2: v.number(BETA_2) as f32,
            one_minus_beta_2: (1.0 - v.number(BETA_2)) as f32,
            epsilon_1: v.number(EPSILON_1) as f32,
            moments: [moment(BETA_2, EPSILON_1), moment(BETA_3, EPSILON_2)],
            threshold: v.number(CLIP_THRESHOLD),
            clip: 1.0,
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
        }
    }

    /// The update before it is clipped; `v` is the second moment, or one over its root where it is factored.
    #[inline(always)]
    fn update<L: Lanes>(&self, g: L, v: L) -> L {
        if FACTORED { g * v } else { div_or_zero(g, sqrt(v)) }
    }

    #[inline(always)]
    fn momentum<L: Lanes>(&self, m: L, u: L) -> L {
        m * self.beta_1 + u * self.one_minus_beta_1
    }

    #[inline(always)]
    fn velocity<L: Lanes>(&self, v: L, g: L) -> L {
        v * self.beta_2 + (g * g + self.epsilon_1) * self.one_minus_beta_2
    }

    fn clipped(self, sum: f64, len: usize) -> Self {
        let rms = (sum / len.max(1) as f64).sqrt();
        Came { clip: (1.0 / (rms / self.threshold).max(1.0)) as f32, ..self }
    }
}

impl ReduceFirst<3, 1> for Came<true> {
    const SLOTS: [Slot; 3] = [
        momentum(),
        factored("row", "column"),
        factored("instability_row", "instability_column").after_sums(),
    ];
    const REDUCES_STATE: bool = true;
    const AS_STORED: bool = false;
    const ROOT_READS_STATE: bool = true;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Came { decay: self.decay.lean(decays, Entry::Step)?, ..*self })
    }

    #[inline(always)]
    fn root<L: Lanes>(&self, slot: usize, p: L, g: L, [m, v, _]: &[L; 3]) -> L {
        let g = self.decay.gradient(p, g);
        if slot == 1 {
            return g;
        }
        let u = self.update(g, *v) * self.clip;
        u - self.momentum(*m, u)
    }

    fn factored(&self, slot: usize) -> Factoring {
        self.moments[slot - 1]
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, g: L, [_, v, _]: &[L; 3]) -> [(L, L); 1] {
        let u = self.update(self.decay.gradient(p, g), *v);
        [(u, u)]
    }

    fn with_sums(self, [sum]: [f64; 1], layer: &LayerScalars) -> Self {
        self.clipped(sum, layer.len)
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, [m, v, _]: &mut [L; 3]) {
        *m = self.momentum(*m, self.update(self.decay.gradient(p, g), *v) * self.clip);
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, _: L, _: &[L; 3], [m, _, s]: &[L; 3]) -> L {
        self.decay.step(p, *m * *s * self.rate)
    }
}

impl ReduceFirst<2, 1> for Came<false> {
    const SLOTS: [Slot; 2] = [momentum(), square("velocity")];
    const REDUCES_STATE: bool = true;
    const AS_STORED: bool = false;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Came { decay: self.decay.lean(decays, Entry::Step)?, ..*self })
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, p: L, g: L, [_, v]: &[L; 2]) -> [(L, L); 1] {
        let g = self.decay.gradient(p, g);
        let u = self.update(g, self.velocity(*v, g));
        [(u, u)]
    }

    fn with_sums(self, [sum]: [f64; 1], layer: &LayerScalars) -> Self {
        self.clipped(sum, layer.len)
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, [m, v]: &mut [L; 2]) {
        let g = self.decay.gradient(p, g);
        *v = self.velocity(*v, g);
        *m = self.momentum(*m, self.update(g, *v) * self.clip);
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, _: L, _: &[L; 2], [m, _]: &[L; 2]) -> L {
        self.decay.step(p, *m * self.rate)
    }
}
