//! The rows of the table: every registered algorithm with its switches, storages and stages.

use lamb_rs::Value::{Bool, None as Unset, Number, Pair, Text};
use lamb_rs::hyper::{Domain, SHARED};
use lamb_rs::registry::{ALGORITHMS, Algorithm};
use lamb_rs::rule::Scope;
use lamb_rs::{Optimizer, Value};

pub(crate) type Settings = Vec<(&'static str, Value)>;

/// Gradients of a row: one format, or `float32` and none at all for a third of the tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    Float32,
    Bfloat16,
    Float16,
    Absent,
}

pub(crate) struct Row {
    pub(crate) algorithm: &'static Algorithm,
    pub(crate) dtype: &'static str,
    pub(crate) variant: String,
    /// Whether it runs over the large tensors.
    pub(crate) wide: bool,
    pub(crate) gradients: Format,
    pub(crate) settings: Settings,
}

const DTYPES: [&str; 3] = ["float32", "bfloat16", "float8"];

/// What another option needs to be legal, or to show anything.
const NEEDS: &[(&str, &str, &str, Value)] = &[("sgd", "dampening", "form", Text("lr_outside"))];

/// All stages around the rule at once, and what they leave out, once more.
const STAGES: &[(&str, Value)] = &[
    ("weight_decay", Number(0.02)),
    ("clipnorm", Number(0.5)),
    ("loss_scale_factor", Number(1000.0)),
    ("gradient_accumulation_steps", Number(3.0)),
    ("use_ema", Bool(true)),
    ("ema_momentum", Number(0.7)),
    ("ema_overwrite_frequency", Number(2.0)),
    ("ema_every", Text("call")),
];
const GLOBAL: &[(&str, Value)] = &[
    ("global_clipnorm", Number(1.0)),
    ("maximize", Bool(true)),
    ("use_ema", Bool(true)),
    ("gradient_accumulation_steps", Number(2.0)),
];

/// What wrappers and shapes add, at once.
const OUTER: &[(&str, Value)] = &[
    ("weight_decay", Number(0.02)),
    ("clipnorm", Number(0.5)),
    ("clip_epsilon", Number(1e-6)),
    ("gradient_centralization", Bool(true)),
    ("larc_coefficient", Number(0.02)),
    ("sync_period", Number(3.0)),
    ("pullback_momentum", Text("reset")),
    ("gradient_accumulation_steps", Number(2.0)),
    ("use_ema", Bool(true)),
    ("ema_form", Text("uniform")),
    ("ema_start", Number(2.0)),
];

/// Stages alone, with `float32` state.
const ALONE: &[(&str, &[(&str, Value)])] = &[
    ("clipnorm", &[("clipnorm", Number(0.5))]),
    ("clipvalue", &[("clipvalue", Number(0.01))]),
    ("global_clipnorm", &[("global_clipnorm", Number(1.0))]),
    (
        "ema",
        &[("use_ema", Bool(true)), ("ema_momentum", Number(0.9)), ("ema_overwrite_frequency", Number(3.0))],
    ),
    ("accumulate", &[("gradient_accumulation_steps", Number(3.0))]),
    ("loss_scale", &[("loss_scale_factor", Number(1000.0)), ("maximize", Bool(true))]),
    ("skip", &[("nonfinite", Text("skip"))]),
    ("centralized", &[("gradient_centralization", Bool(true))]),
    ("larc", &[("larc_coefficient", Number(0.02)), ("weight_decay", Number(0.01))]),
    ("pullback", &[("sync_period", Number(2.0)), ("pullback_momentum", Text("pullback"))]),
];

/// A value of an algorithm's own hyperparameter that takes another path than the default.
fn others(domain: Domain, default: Value) -> Vec<Value> {
    let zero = match default {
        Number(0.0) => Number(0.125),
        _ => Number(0.0),
    };
    match domain {
        Domain::Flag => vec![Bool(default != Bool(true))],
        Domain::Choice(values) => values.iter().copied().filter(|&value| value != default).collect(),
        Domain::PairOrNone => vec![Pair(0.5, 2.0)],
        Domain::Unit | Domain::UnitClosed => vec![zero],
        Domain::AtLeast(low) if low <= 0.0 => vec![zero],
        Domain::AtMostZero => vec![Number(-0.75)],
        Domain::NonNegativeOrNone if default != Unset => vec![Unset],
        Domain::Or(other, values) => [others(*other, default), values.to_vec()].concat(),
        Domain::UnitOrNone => vec![Number(0.5)],
        Domain::IntegerOrNone(low) => vec![Number(f64::from(low) + 4.0)],
        _ => Vec::new(),
    }
}

fn rows_of(algorithm: &'static Algorithm) -> Vec<Row> {
    // Where momentum is off by default the other variants would have no state to look at.
    let off = algorithm.hypers.iter().find(|h| h.name == "momentum" && h.default == Number(0.0));
    let base: Settings = off.map(|h| (h.name, Number(0.9))).into_iter().collect();
    let mut rows = Vec::new();
    let mut add = |variant: &str, dtype: &'static str, gradients: Format, own: &[(&'static str, Value)]| {
        let mut settings = own.to_vec();
        if !variant.ends_with("defaults") {
            settings.extend(base.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name)));
        }
        let (wide, variant) = (variant.starts_with("wide"), variant.to_string());
        rows.push(Row { algorithm, dtype, variant, wide, gradients, settings });
    };
    for dtype in DTYPES {
        add("defaults", dtype, Format::Float32, &[]);
        add("stages", dtype, Format::Bfloat16, STAGES);
        add("wide-defaults", dtype, Format::Float32, &[]);
        add("wide-stages", dtype, Format::Float16, GLOBAL);
        add("outer", dtype, Format::Float32, OUTER);
        for hyper in &algorithm.hypers[1..] {
            for value in others(hyper.domain, hyper.default) {
                let mut own: Settings = NEEDS
                    .iter()
                    .filter(|(of, name, ..)| (*of, *name) == (algorithm.name, hyper.name))
                    .map(|&(.., name, value)| (name, value))
                    .collect();
                if matches!(hyper.domain, Domain::Choice(_)) {
                    own.push(("weight_decay", Number(0.01)));
                }
                own.push((hyper.name, value));
                let shown = value.to_string().replace(['\'', ' '], "");
                add(&format!("{}={shown}", hyper.name), dtype, Format::Float32, &own);
            }
        }
    }
    for dtype in &DTYPES[1..] {
        add("nearest", dtype, Format::Float32, &[("state_rounding", Text("nearest"))]);
        add("seed", dtype, Format::Float16, &[("seed", Number(7.0))]);
    }
    for (variant, settings) in ALONE {
        add(variant, DTYPES[0], Format::Float32, settings);
    }
    add("bfloat16-gradients", DTYPES[0], Format::Bfloat16, &[]);
    add("float16-gradients", DTYPES[0], Format::Float16, &[]);
    add("absent-gradients", DTYPES[0], Format::Absent, &[("gradient_accumulation_steps", Number(2.0))]);
    add("absent-gradients", DTYPES[2], Format::Absent, &[]);
    for hyper in SHARED.iter().filter(|hyper| hyper.name == "weight_decay_mode") {
        if let Domain::Choice(modes) = hyper.domain {
            for &mode in modes {
                let own = [("weight_decay", Number(0.05)), (hyper.name, mode)];
                add(
                    &format!("decay={}", mode.to_string().replace('\'', "")),
                    DTYPES[0],
                    Format::Float32,
                    &own,
                );
            }
        }
    }
    rows
}

/// Every row, in the order of the table.
pub(crate) fn rows() -> Vec<Row> {
    // Products of matrices promise the same bits on one machine only.
    ALGORITHMS.iter().filter(|algorithm| !algorithm.matrix).flat_map(rows_of).collect()
}

impl Row {
    /// The row as it is in the table, after its hash.
    pub(crate) fn text(&self) -> String {
        let settings: Vec<String> =
            self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!(
            "{}/{}/{} {} {} {}",
            self.algorithm.name,
            self.dtype,
            self.variant,
            if self.wide { "wide" } else { "small" },
            format!("{:?}", self.gradients).to_lowercase(),
            settings.join("; ")
        )
        .trim_end()
        .to_string()
    }

    /// A new optimizer.
    pub(crate) fn optimizer(&self) -> Optimizer {
        let mut optimizer = Optimizer::new(self.algorithm.name).expect("it is registered");
        let settings = [("state_dtype", Text(self.dtype))].into_iter().chain(self.settings.iter().copied());
        optimizer.configure(settings).unwrap_or_else(|error| panic!("{}: {error}", self.text()));
        optimizer
    }

    /// Whether a tensor's bits depend on the other tensors, and on their order.
    pub(crate) fn is_global(&self) -> bool {
        self.algorithm.scope == Scope::All
            || self.settings.iter().any(|&(name, value)| name == "global_clipnorm" && value != Unset)
    }
}
