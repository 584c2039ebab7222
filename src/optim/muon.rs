//! Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrices are made
//! orthogonal by a Newton-Schulz iteration.
//!
//! ```text
//! m = momentum m + g
//! u = g + momentum m
//! p = p - learning_rate rms_rate sqrt(max(rows(p), columns(p))) orthogonal(u)
//! ```
//!
//! Arrays that are not matrices, and embeddings, follow AdamW.

use crate::algorithm::{Algorithm, Route};
use crate::error::Result;
use crate::hyper::{
    Condition, Domain, Value, Values, choice, decay_rate, flag, hypers, integer, learning_rate, number,
};
use crate::kernel::{Kernel, one_pass, state_first};
use crate::matrix::Matrix;
use crate::optim::adam::Adam;
use crate::rule::{Between, Decay, Entry, Formula, LayerScalars, Plain, Slot, StateFirst, Step, momentum};
use crate::simd::Lanes;

pub(crate) const MUON: Algorithm = Algorithm {
    name: "muon",
    class_name: "Muon",
    summary: "momentum with orthogonal matrices; AdamW for everything else",
    formula,
    source: "Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv 2502.16982",
    hypers: HYPERS,
    defaults: &[("weight_decay", Value::Number(0.004))],
    matrix: true,
    route: Some(Route {
        rule: "adamw",
        which: "arrays that are not matrices, and embeddings",
        takes: is_no_matrix,
        decay: Some(ADAM_WEIGHT_DECAY),
        rate: Some(ADAM_LR_RATIO),
        formula: formula_adamw,
        make: make_adamw,
    }),
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    ADAM_BETA_1 = decay_rate(0.9, "decay rate of the first moment of AdamW"),
    ADAM_BETA_2 = decay_rate(0.999, "decay rate of the second moment of AdamW"),
    ADAM_WEIGHT_DECAY = number(0.004, Domain::AtLeast(0.0), "weight decay of AdamW"),
    EPSILON = number(1e-7, Domain::AtLeast(0.0), "small constant of the denominator of AdamW"),
    ADAM_LR_RATIO = number(1.0, Domain::AtLeast(0.0), "factor of the learning rate of AdamW"),
    MOMENTUM = decay_rate(0.95, "decay rate of the momentum"),
    NS_STEPS = integer(5, 1, "steps of the Newton-Schulz iteration"),
    NESTEROV = flag(true, "use Nesterov's momentum"),
    EXCLUDE_EMBEDDINGS = flag(true, "matrices with 'embedding' in their names follow AdamW"),
    RMS_RATE = number(
        0.2,
        Domain::AtLeast(0.0),
        "root mean square of a step, divided by the learning rate",
    )
    .needs(&[&[Condition::Is("scale", Value::Text("match_rms"))]]),
    FORM = choice(
        &[Value::Text("sum"), Value::Text("ema"), Value::Text("debiased")],
        "the momentum is a sum of gradients (Keras), their average (torch), or a corrected average (optax)",
    ),
    SCALE = choice(
        &[Value::Text("match_rms"), Value::Text("original"), Value::Text("columns"), Value::Text("none")],
        "factor of the step: rms_rate sqrt(max(rows, columns)), sqrt(max(1, rows / columns)), \
         sqrt(max(1, columns / rows)), or 1",
    ),
    COEFFICIENTS = choice(
        &[Value::Text("keller"), Value::Text("quintic"), Value::Text("polar_express")],
        "coefficients of the iteration; the last row of a list is repeated",
    ),
}

const KELLER: &[[f32; 3]] = &[[3.4445, -4.7750, 2.0315]];
const QUINTIC: &[[f32; 3]] = &[
    [4.0848, -6.8946, 2.9270],
    [3.9505, -6.3029, 2.6377],
    [3.7418, -5.5913, 2.3037],
    [2.8769, -3.1427, 1.2046],
    [2.8366, -3.0525, 1.2012],
];
/// Amsel et al. 2025, arXiv 2505.16932, with a margin of 1e-2.
const POLAR_EXPRESS: &[[f32; 3]] = &[
    [8.237_312, -23.157_747, 16.680_568],
    [4.082_442, -2.893_047_8, 0.525_284_9],
    [3.926_348, -2.854_746_8, 0.531_802_26],
    [3.298_218_7, -2.424_542, 0.486_320_08],
    [2.297_037, -1.636_625_6, 0.400_262_83],
    [1.876_380_6, -1.234_789_6, 0.358_918_88],
    [1.856_442_3, -1.213_245, 0.356_800_35],
    [1.874_999_4, -1.249_998_8, 0.374_999_4],
];

fn is_no_matrix(values: &Values, name: &str, shape: &[usize]) -> bool {
    shape.len() != 2 || values.flag(EXCLUDE_EMBEDDINGS) && name.to_lowercase().contains("embedding")
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    let sums = v.is(FORM, "sum");
    let gradient = if sums { "g" } else { "(1 - momentum) g" };
    f.couple();
    f.line(format!("m = momentum m + {gradient}"));
    f.line(match (v.flag(NESTEROV), v.is(FORM, "debiased")) {
        (true, false) => format!("u = {gradient} + momentum m"),
        (true, true) => {
            format!("u = {gradient} / (1 - momentum^t) + momentum m / (1 - momentum^(t + 1))")
        }
        (false, false) => "u = m".to_string(),
        (false, true) => "u = m / (1 - momentum^t)".to_string(),
    });
    f.line(match v.own(SCALE) {
        Value::Text("match_rms") => "u = rms_rate sqrt(max(rows(p), columns(p))) orthogonal(u)",
        Value::Text("original") => "u = sqrt(max(1, rows(p) / columns(p))) orthogonal(u)",
        Value::Text("columns") => "u = sqrt(max(1, columns(p) / rows(p))) orthogonal(u)",
        _ => "u = orthogonal(u)",
    });
    f.descend();
}

/// AdamW, for arrays that are not matrices, and for embeddings.
fn formula_adamw(f: &mut Formula<'_>) {
    f.couple();
    f.line("m = adam_beta_1 m + (1 - adam_beta_1) g");
    f.line("v = adam_beta_2 v + (1 - adam_beta_2) g^2");
    f.line("u = sqrt(1 - adam_beta_2^t) / (1 - adam_beta_1^t) m / (sqrt(v) + epsilon)");
    f.descend_at("p - adam_lr_ratio learning_rate u", "learning_rate", "u");
}

fn make(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(state_first::<_, 1, 0>(Muon::new))
}

fn make_adamw(_: &Values) -> Result<Box<dyn Kernel>> {
    Ok(one_pass::<_, 2>(|step| {
        let v = step.values;
        let (beta_1, beta_2) = (v.number(ADAM_BETA_1), v.number(ADAM_BETA_2));
        let (c1, c2) = (step.correction(beta_1), step.correction(beta_2));
        let adam = Adam::new(beta_1, beta_2, v.number(EPSILON), 0.0).corrected(c1, c2, true);
        // As in Keras, the ratio does not apply to the decay.
        let decay = Decay::of(step, step.decay_or(v.number(ADAM_WEIGHT_DECAY)), step.learning_rate, false);
        let rate = step.learning_rate * v.number(ADAM_LR_RATIO);
        Plain::new(adam, step).with_rate(rate).with_decay(decay)
    }))
}

/// The rule of matrices: settings of the momentum, the step and the iteration.
#[derive(Clone, Copy)]
struct Muon {
    momentum: f32,
    weight: f32,
    /// Factors of momentum and gradient in the direction.
    along: f32,
    gradient: f32,
    rate: f32,
    decay: Decay,
    rms_rate: f64,
    scale: &'static str,
    coefficients: &'static [[f32; 3]],
    steps: usize,
}

impl Muon {
    fn new(step: &mut Step<'_>) -> Self {
        let v = step.values;
        let mu = v.number(MOMENTUM);
        let (sums, debiased) = (v.is(FORM, "sum"), v.is(FORM, "debiased"));
        let weight = if sums { 1.0 } else { 1.0 - mu };
        let now = if debiased { 1.0 / step.correction(mu) } else { 1.0 };
        let next = if debiased { 1.0 / (1.0 - mu * step.pow(mu)) } else { 1.0 };
        let (along, gradient) = if v.flag(NESTEROV) { (mu * next, weight * now) } else { (now, 0.0) };
        let text = |position| match v.own(position) {
            Value::Text(name) => name,
            _ => "",
        };
        Muon {
            momentum: mu as f32,
            weight: weight as f32,
            along: along as f32,
            gradient: gradient as f32,
            rate: step.learning_rate as f32,
            decay: Decay::new(step, false),
            rms_rate: v.number(RMS_RATE),
            scale: text(SCALE),
            coefficients: match text(COEFFICIENTS) {
                "quintic" => QUINTIC,
                "polar_express" => POLAR_EXPRESS,
                _ => KELLER,
            },
            steps: v.integer(NS_STEPS) as usize,
        }
    }
}

impl StateFirst<1, 0> for Muon {
    const SLOTS: [Slot; 1] = [momentum()];
    const USES_GRADIENT: bool = true;
    const BETWEEN: Between = Between::Transform;

    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        Some(Muon { decay: self.decay.lean(decays, Entry::Step)?, ..*self })
    }

    #[inline(always)]
    fn advance<L: Lanes>(&self, p: L, g: L, [b]: &mut [L; 1]) {
        *b = *b * self.momentum + self.decay.gradient(p, g) * self.weight;
    }

    #[inline(always)]
    fn direction<L: Lanes>(&self, p: L, g: L, [b]: &[L; 1]) -> L {
        self.decay.gradient(p, g) * self.gradient + *b * self.along
    }

    #[inline(always)]
    fn reduce<L: Lanes>(&self, _: L, _: L, _: &[L; 1], _: L) -> [(L, L); 0] {
        []
    }

    fn with_sums(self, _: [f64; 0], _: &LayerScalars) -> Self {
        self
    }

    #[inline(always)]
    fn apply<L: Lanes>(&self, p: L, u: L) -> L {
        self.decay.step(p, u * self.rate)
    }

    fn transform(&self, matrix: &mut Matrix<'_>) {
        let (rows, columns) = (matrix.rows as f64, matrix.columns as f64);
        let scale = match self.scale {
            "match_rms" => self.rms_rate * rows.max(columns).sqrt(),
            "original" => (rows / columns).max(1.0).sqrt(),
            "columns" => (columns / rows).max(1.0).sqrt(),
            _ => 1.0,
        };
        let last = self.coefficients.len() - 1;
        let steps: Vec<[f32; 3]> = (0..self.steps).map(|i| self.coefficients[i.min(last)]).collect();
        matrix.orthogonalise(&steps, scale);
    }
}
