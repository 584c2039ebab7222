//! Hyperparameters: tables of names, defaults, ranges and meanings, and the values of one run.

use crate::error::{Error, Kind as ErrorKind, Result, nearest};

/// The value of a hyperparameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Not set.
    None,
    /// A switch.
    Bool(bool),
    /// A number.
    Number(f64),
    /// An integer, of a hyperparameter that is one.
    Integer(i64),
    /// One of the names that the table lists.
    Text(&'static str),
    /// Lower and upper limit.
    Pair(f64, f64),
}

impl Value {
    /// The number, integers included.
    fn number(self) -> Option<f64> {
        match self {
            Value::Number(x) => Some(x),
            Value::Integer(x) => Some(x as f64),
            _ => None,
        }
    }

    /// The integer; every legal one is >= 0.
    fn integer(self) -> Option<u64> {
        match self {
            Value::Integer(x) => u64::try_from(x).ok(),
            _ => None,
        }
    }
}

/// Which values are legal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// A finite number >= the limit.
    AtLeast(f64),
    /// A finite number > the limit.
    Above(f64),
    /// A finite number <= 0.
    AtMostZero,
    /// A number in `[0, 1)`.
    Unit,
    /// A number in `[0, 1)`, or None.
    UnitOrNone,
    /// A number in `[0, 1]`.
    UnitClosed,
    /// A number in `(0, 1)`.
    OpenUnit,
    /// A finite number > 0, or None.
    PositiveOrNone,
    /// A finite number >= 0, or None.
    NonNegativeOrNone,
    /// An integer >= the limit.
    Integer(u32),
    /// An integer >= the limit, or None.
    IntegerOrNone(u32),
    /// True or False.
    Flag,
    /// One of the listed values.
    Choice(&'static [Value]),
    /// Two numbers `0 <= low <= high`, or None.
    PairOrNone,
    /// What another domain allows, or one of the listed values.
    Or(&'static Domain, &'static [Value]),
}

impl Domain {
    /// The values that are legal by name.
    pub fn listed(self) -> &'static [Value] {
        match self {
            Domain::Choice(values) | Domain::Or(_, values) => values,
            _ => &[],
        }
    }

    /// Whether the numbers among the legal values are integers, which reach 2^63 - 1.
    pub fn is_integer(self) -> bool {
        matches!(self, Domain::Integer(_) | Domain::IntegerOrNone(_))
    }

    fn contains(self, value: Value) -> bool {
        match (self, value) {
            (Domain::AtLeast(low), Value::Number(x)) => x >= low && x.is_finite(),
            (Domain::Above(low), Value::Number(x)) => x > low && x.is_finite(),
            (Domain::AtMostZero, Value::Number(x)) => x <= 0.0 && x.is_finite(),
            (Domain::Unit | Domain::UnitOrNone, Value::Number(x)) => (0.0..1.0).contains(&x),
            (Domain::UnitClosed, Value::Number(x)) => (0.0..=1.0).contains(&x),
            (Domain::OpenUnit, Value::Number(x)) => 0.0 < x && x < 1.0,
            (Domain::PositiveOrNone, Value::Number(x)) => x > 0.0 && x.is_finite(),
            (Domain::NonNegativeOrNone, Value::Number(x)) => x >= 0.0 && x.is_finite(),
            (Domain::Integer(low) | Domain::IntegerOrNone(low), Value::Integer(x)) => x >= i64::from(low),
            (
                Domain::PositiveOrNone
                | Domain::NonNegativeOrNone
                | Domain::UnitOrNone
                | Domain::IntegerOrNone(_)
                | Domain::PairOrNone,
                Value::None,
            )
            | (Domain::Flag, Value::Bool(_)) => true,
            (Domain::Choice(values), value) => values.contains(&value),
            (Domain::PairOrNone, Value::Pair(low, high)) => 0.0 <= low && low <= high && high.is_finite(),
            (Domain::Or(other, values), value) => values.contains(&value) || other.contains(value),
            _ => false,
        }
    }
}

/// One row of a table of hyperparameters.
#[derive(Clone, Copy, Debug)]
pub struct Hyper {
    /// Name, as in Python.
    pub name: &'static str,
    /// Value where none is given.
    pub default: Value,
    /// Legal values.
    pub domain: Domain,
    /// Whether it may change between steps.
    pub moves: bool,
    /// Whether it may differ between parameters.
    pub per_parameter: bool,
    /// Meaning, one line.
    pub doc: &'static str,
    /// The wrapper that sets it, where it is no argument of every class.
    pub wrapper: Option<&'static str>,
}

/// A number that may change between steps and differ between parameters.
pub const fn number(name: &'static str, default: f64, domain: Domain, doc: &'static str) -> Hyper {
    let default = Value::Number(default);
    Hyper { name, default, domain, moves: true, per_parameter: true, doc, wrapper: None }
}

/// Marks a hyperparameter as one for all parameters.
pub const fn common(hyper: Hyper) -> Hyper {
    Hyper { per_parameter: false, ..hyper }
}

/// An integer of at least `low` that is fixed at construction.
pub const fn integer(name: &'static str, default: i64, low: u32, doc: &'static str) -> Hyper {
    let (default, domain) = (Value::Integer(default), Domain::Integer(low));
    Hyper { name, default, domain, moves: false, per_parameter: false, doc, wrapper: None }
}

/// A choice that is fixed at construction; the first value is the default.
pub const fn choice(name: &'static str, values: &'static [Value], doc: &'static str) -> Hyper {
    let (default, domain) = (values[0], Domain::Choice(values));
    Hyper { name, default, domain, moves: false, per_parameter: false, doc, wrapper: None }
}

/// A switch that is fixed at construction.
pub const fn flag(name: &'static str, default: bool, doc: &'static str) -> Hyper {
    let default = Value::Bool(default);
    Hyper { name, default, domain: Domain::Flag, moves: false, per_parameter: false, doc, wrapper: None }
}

/// A hyperparameter that is None by default.
pub const fn optional(name: &'static str, domain: Domain, doc: &'static str) -> Hyper {
    let default = Value::None;
    Hyper { name, default, domain, moves: true, per_parameter: true, doc, wrapper: None }
}

/// The learning rate, first in every algorithm's table.
pub const fn learning_rate(default: f64) -> Hyper {
    number("learning_rate", default, Domain::AtLeast(0.0), "step size, eta")
}

/// Marks a hyperparameter as fixed at construction.
pub const fn fixed(hyper: Hyper) -> Hyper {
    Hyper { moves: false, per_parameter: false, ..hyper }
}

/// The position of `name`; a table without it does not compile where this is a constant.
pub const fn index(table: &[Hyper], name: &str) -> usize {
    let mut i = 0;
    while !same(table[i].name, name) {
        i += 1;
    }
    i
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

const NONFINITE: &[Value] =
    &[Value::Text("auto"), Value::Text("propagate"), Value::Text("raise"), Value::Text("skip")];
const STATE_DTYPE: &[Value] = &[Value::Text("float32"), Value::Text("bfloat16"), Value::Text("float8")];
const MODES: &[Value] = &[
    Value::Text("decoupled"),
    Value::Text("update"),
    Value::Text("l2"),
    Value::Text("after"),
    Value::Text("fixed"),
    Value::Text("corrected"),
    Value::Text("schedule"),
    Value::Text("cautious"),
];

/// What every algorithm understands. Order: as in Keras, then the library's own.
pub const SHARED: &[Hyper] = &[
    optional("weight_decay", Domain::NonNegativeOrNone, "weight decay, lambda"),
    common(optional("clipnorm", Domain::PositiveOrNone, "largest L2 norm of each gradient")),
    common(optional("clipvalue", Domain::PositiveOrNone, "largest magnitude of each gradient element")),
    common(optional("global_clipnorm", Domain::PositiveOrNone, "largest L2 norm of all gradients together")),
    flag("use_ema", false, "keep an exponential moving average of the parameters"),
    common(number("ema_momentum", 0.99, Domain::UnitClosed, "decay rate of the average")),
    fixed(optional(
        "ema_overwrite_frequency",
        Domain::IntegerOrNone(1),
        "updates between overwriting the parameters with their average",
    )),
    common(optional(
        "loss_scale_factor",
        Domain::PositiveOrNone,
        "factor of the loss; gradients are divided by it",
    )),
    fixed(optional(
        "gradient_accumulation_steps",
        Domain::IntegerOrNone(2),
        "calls whose gradients are averaged into one update",
    )),
    choice("weight_decay_mode", MODES, "where weight decay enters"),
    choice("ema_every", &[Value::Text("update"), Value::Text("call")], "when the average is refreshed"),
    flag("maximize", false, "ascend instead of descend"),
    choice("nonfinite", NONFINITE, "what a NaN or infinite gradient does"),
    choice("state_dtype", STATE_DTYPE, "storage of the moments"),
    choice(
        "state_rounding",
        &[Value::Text("stochastic"), Value::Text("nearest")],
        "rounding of moments narrower than float32",
    ),
    integer("seed", 0, 0, "seed of stochastic rounding"),
    common(number(
        "clip_epsilon",
        0.0,
        Domain::AtLeast(0.0),
        "added to the norm where a norm clip divides by it",
    )),
    choice(
        "gradient_centralization",
        &[Value::Bool(false), Value::Bool(true), Value::Text("conv_only")],
        "subtract the mean over all axes but the first, of gradients with two axes or more, or with four",
    ),
    choice(
        "ema_form",
        &[Value::Text("exponential"), Value::Text("uniform")],
        "weights of the average: they fade, or all are equal (SWA)",
    ),
    integer("ema_start", 0, 0, "updates before the average starts"),
    of("Lookahead", optional("sync_period", Domain::IntegerOrNone(1), "updates between synchronisations")),
    of("Lookahead", number("slow_step_size", 0.5, Domain::UnitClosed, "step of the slow weights, alpha")),
    of(
        "Lookahead",
        choice(
            "slow_start",
            &[Value::Text("build"), Value::Text("first_sync")],
            "when the slow weights are copied",
        ),
    ),
    of("Lookahead", integer("sync_phase", 0, 0, "update, from 1, of the first synchronisation")),
    of(
        "Lookahead",
        choice(
            "pullback_momentum",
            &[Value::Text("none"), Value::Text("reset"), Value::Text("pullback")],
            "what a synchronisation does to the momentum",
        ),
    ),
    of(
        "Larc",
        optional("larc_coefficient", Domain::PositiveOrNone, "trust coefficient of the gradient's own rate"),
    ),
    of("Larc", flag("larc_clip", true, "limit that rate to the learning rate")),
    of("Larc", number("larc_epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of its denominator")),
];

/// Marks a hyperparameter that a wrapper sets, fixed at construction.
const fn of(wrapper: &'static str, hyper: Hyper) -> Hyper {
    Hyper { wrapper: Some(wrapper), ..fixed(hyper) }
}

/// A hyperparameter that has an effect only where another one is set.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Its name.
    pub name: &'static str,
    /// What gives it an effect: any one of these.
    pub any: &'static [Condition],
}

/// A condition on one hyperparameter.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// It is not None, False or 0.
    On(&'static str),
    /// It has this value.
    Is(&'static str, Value),
}

/// Makes a row of a table of [`Needs`].
pub const fn needs(name: &'static str, any: &'static [Condition]) -> Needs {
    Needs { name, any }
}

const AVERAGES: &[Condition] = &[Condition::On("use_ema")];
const NARROW: &[Condition] = &[
    Condition::Is("state_dtype", Value::Text("bfloat16")),
    Condition::Is("state_dtype", Value::Text("float8")),
];
const SYNCHRONISES: &[Condition] = &[Condition::On("sync_period")];
const SCALES: &[Condition] = &[Condition::On("larc_coefficient")];

/// What the hyperparameters of [`SHARED`] need.
const SHARED_NEEDS: &[Needs] = &[
    needs("ema_momentum", AVERAGES),
    needs("ema_momentum", &[Condition::Is("ema_form", Value::Text("exponential"))]),
    needs("ema_overwrite_frequency", AVERAGES),
    needs("ema_every", AVERAGES),
    needs("ema_form", AVERAGES),
    needs("ema_start", AVERAGES),
    needs("state_rounding", NARROW),
    needs("clip_epsilon", &[Condition::On("clipnorm"), Condition::On("global_clipnorm")]),
    needs("slow_step_size", SYNCHRONISES),
    needs("slow_start", SYNCHRONISES),
    needs("sync_phase", SYNCHRONISES),
    needs("pullback_momentum", SYNCHRONISES),
    needs("larc_clip", SCALES),
    needs("larc_epsilon", SCALES),
];

/// Positions in the shared part of [`Values`].
pub mod shared {
    use super::{SHARED, index};
    /// `weight_decay`
    pub const WEIGHT_DECAY: usize = index(SHARED, "weight_decay");
    /// `clipnorm`
    pub const CLIPNORM: usize = index(SHARED, "clipnorm");
    /// `clipvalue`
    pub const CLIPVALUE: usize = index(SHARED, "clipvalue");
    /// `global_clipnorm`
    pub const GLOBAL_CLIPNORM: usize = index(SHARED, "global_clipnorm");
    /// `use_ema`
    pub const USE_EMA: usize = index(SHARED, "use_ema");
    /// `ema_momentum`
    pub const EMA_MOMENTUM: usize = index(SHARED, "ema_momentum");
    /// `ema_overwrite_frequency`
    pub const EMA_OVERWRITE: usize = index(SHARED, "ema_overwrite_frequency");
    /// `loss_scale_factor`
    pub const LOSS_SCALE: usize = index(SHARED, "loss_scale_factor");
    /// `gradient_accumulation_steps`
    pub const ACCUMULATION: usize = index(SHARED, "gradient_accumulation_steps");
    /// `weight_decay_mode`
    pub const MODE: usize = index(SHARED, "weight_decay_mode");
    /// `ema_every`
    pub const EMA_EVERY: usize = index(SHARED, "ema_every");
    /// `maximize`
    pub const MAXIMIZE: usize = index(SHARED, "maximize");
    /// `nonfinite`
    pub const NONFINITE: usize = index(SHARED, "nonfinite");
    /// `state_dtype`
    pub const STATE_DTYPE: usize = index(SHARED, "state_dtype");
    /// `state_rounding`
    pub const STATE_ROUNDING: usize = index(SHARED, "state_rounding");
    /// `seed`
    pub const SEED: usize = index(SHARED, "seed");
    /// `clip_epsilon`
    pub const CLIP_EPSILON: usize = index(SHARED, "clip_epsilon");
    /// `gradient_centralization`
    pub const CENTRALIZATION: usize = index(SHARED, "gradient_centralization");
    /// `ema_form`
    pub const EMA_FORM: usize = index(SHARED, "ema_form");
    /// `ema_start`
    pub const EMA_START: usize = index(SHARED, "ema_start");
    /// `sync_period`
    pub const SYNC_PERIOD: usize = index(SHARED, "sync_period");
    /// `slow_step_size`
    pub const SLOW_STEP: usize = index(SHARED, "slow_step_size");
    /// `slow_start`
    pub const SLOW_START: usize = index(SHARED, "slow_start");
    /// `sync_phase`
    pub const SYNC_PHASE: usize = index(SHARED, "sync_phase");
    /// `pullback_momentum`
    pub const PULLBACK: usize = index(SHARED, "pullback_momentum");
    /// `larc_coefficient`
    pub const LARC: usize = index(SHARED, "larc_coefficient");
    /// `larc_clip`
    pub const LARC_CLIP: usize = index(SHARED, "larc_clip");
    /// `larc_epsilon`
    pub const LARC_EPSILON: usize = index(SHARED, "larc_epsilon");
}

/// The values of an algorithm's own hyperparameters, then of the shared ones.
#[derive(Clone, Debug)]
pub struct Values {
    own: &'static [Hyper],
    needs: &'static [Needs],
    /// Defaults of shared hyperparameters that differ from the shared ones.
    differ: &'static [(&'static str, Value)],
    values: Vec<Value>,
}

impl Values {
    /// The defaults of a table, and those of the shared hyperparameters that differ from theirs.
    pub fn defaults(
        own: &'static [Hyper],
        needs: &'static [Needs],
        differ: &'static [(&'static str, Value)],
    ) -> Self {
        let mut values = Values { own, needs, differ, values: Vec::new() };
        values.values = own.iter().chain(SHARED).map(|hyper| values.default_of(hyper)).collect();
        values
    }

    fn default_of(&self, hyper: &Hyper) -> Value {
        let other = self.differ.iter().find(|(name, _)| *name == hyper.name);
        other.map_or(hyper.default, |(_, value)| *value)
    }

    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::On(name) => {
                let off = [Value::None, Value::Bool(false), Value::Number(0.0), Value::Integer(0)];
                self.get(name).is_ok_and(|value| !off.contains(&value))
            }
            Condition::Is(name, wanted) => self.get(name).is_ok_and(|value| value == wanted),
        }
    }

    /// The hyperparameters that are not at their defaults and have no effect, since what they need
    /// is not set.
    fn unmet(&self) -> impl Iterator<Item = &'static Needs> {
        self.needs.iter().chain(SHARED_NEEDS).filter(|row| {
            self.find(row.name).is_ok_and(|(i, hyper)| self.values[i] != self.default_of(hyper))
                && !row.any.iter().any(|&condition| self.holds(condition))
        })
    }

    /// An error if one of these hyperparameters, or any where there is no list, has no effect.
    pub fn check_effects(&self, names: Option<&[&str]>) -> Result<()> {
        let wanted = |row: &&Needs| names.is_none_or(|names| names.contains(&row.name));
        match self.unmet().find(wanted) {
            Some(row) => Err(self.without_effect(row)),
            None => Ok(()),
        }
    }

    /// Gives every hyperparameter that has no effect its default. Returns their names.
    pub fn drop_without_effect(&mut self) -> Vec<&'static str> {
        let mut dropped = Vec::new();
        loop {
            let first = self.unmet().next().map(|row| self.find(row.name));
            let Some(Ok((i, hyper))) = first else { break };
            self.values[i] = self.default_of(hyper);
            dropped.push(hyper.name);
        }
        dropped
    }

    fn without_effect(&self, row: &Needs) -> Error {
        let wanted: Vec<String> = row
            .any
            .iter()
            .map(|condition| match *condition {
                Condition::Is(name, value) => format!("{name}={value}"),
                Condition::On(name) => match self.find(name).map(|(_, hyper)| hyper.domain) {
                    Ok(Domain::Flag) => format!("{name}=True"),
                    Ok(Domain::Unit) => format!("{name} > 0"),
                    _ => name.to_string(),
                },
            })
            .collect();
        let name = row.name;
        let shown = |value: Result<Value>| value.map_or_else(|_| String::new(), |value| value.to_string());
        let (value, default) =
            (shown(self.get(name)), shown(self.find(name).map(|(_, hyper)| self.default_of(hyper))));
        Error::new(
            ErrorKind::Hyperparameter,
            format!(
                "{name}={value} has no effect without {}; set that too, or leave {name} at {default}",
                wanted.join(" or ")
            ),
        )
    }

    /// The row of `name` and its position.
    pub fn find(&self, name: &str) -> Result<(usize, &'static Hyper)> {
        let mut rows = self.own.iter().chain(SHARED);
        rows.position(|h| h.name == name)
            .map(|i| (i, self.own.get(i).unwrap_or_else(|| &SHARED[i - self.own.len()])))
            .ok_or_else(|| {
                let hint = nearest(name, self.own.iter().chain(SHARED).map(|h| h.name));
                Error::new(ErrorKind::Hyperparameter, format!("unknown hyperparameter '{name}'{hint}"))
            })
    }

    /// Sets `name` after checking the value against the table.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let (i, hyper) = self.find(name)?;
        self.values[i] = hyper.check(value)?;
        Ok(())
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Result<Value> {
        Ok(self.values[self.find(name)?.0])
    }

    /// The number at a position of the algorithm's own table; 0 where it is no number.
    pub fn number(&self, own: usize) -> f64 {
        self.values[own].number().unwrap_or(0.0)
    }

    /// The integer at a position of the algorithm's own table; 0 where it is no integer.
    pub fn integer(&self, own: usize) -> u64 {
        self.values[own].integer().unwrap_or(0)
    }

    /// The value at a position of the algorithm's own table.
    pub fn own(&self, own: usize) -> Value {
        self.values[own]
    }

    /// The pair at a position of the algorithm's own table.
    pub fn pair(&self, own: usize) -> Option<(f64, f64)> {
        match self.values[own] {
            Value::Pair(low, high) => Some((low, high)),
            _ => None,
        }
    }

    /// Whether the choice at a position of the algorithm's own table is `text`.
    pub fn is(&self, own: usize, text: &str) -> bool {
        self.values[own] == Value::Text(text_of(text, self.values[own]))
    }

    /// Whether the switch at a position of the algorithm's own table is on.
    pub fn flag(&self, own: usize) -> bool {
        self.values[own] == Value::Bool(true)
    }

    /// The value at a position of [`SHARED`].
    pub fn shared(&self, position: usize) -> Value {
        self.values[self.own.len() + position]
    }

    /// The number at a position of [`SHARED`], if it is set.
    pub fn shared_number(&self, position: usize) -> Option<f64> {
        self.shared(position).number()
    }

    /// The integer at a position of [`SHARED`], if it is set.
    pub fn shared_integer(&self, position: usize) -> Option<u64> {
        self.shared(position).integer()
    }

    /// The name at a position of [`SHARED`].
    pub fn shared_text(&self, position: usize) -> &'static str {
        match self.shared(position) {
            Value::Text(x) => x,
            _ => "",
        }
    }

    /// What no single row can say: combinations that are refused.
    pub fn check(&self) -> Result<()> {
        use shared::{CLIPNORM, CLIPVALUE, GLOBAL_CLIPNORM};
        let clips: Vec<&str> = [CLIPNORM, CLIPVALUE, GLOBAL_CLIPNORM]
            .into_iter()
            .filter(|&i| self.shared(i) != Value::None)
            .map(|i| SHARED[i].name)
            .collect();
        if clips.len() > 1 {
            return Err(Error::new(
                ErrorKind::Hyperparameter,
                format!(
                    "{} are set together: set at most one of clipnorm, clipvalue and global_clipnorm",
                    clips.join(" and ")
                ),
            ));
        }
        if self.shared_text(shared::PULLBACK) == "pullback"
            && self.shared_text(shared::STATE_DTYPE) != "float32"
        {
            return Err(Error::new(
                ErrorKind::Hyperparameter,
                "pullback_momentum='pullback' interpolates the momentum, which needs state_dtype='float32'",
            ));
        }
        Ok(())
    }
}

/// The static name equal to `text` if `value` holds it.
fn text_of(text: &str, value: Value) -> &'static str {
    match value {
        Value::Text(held) if held == text => held,
        _ => "",
    }
}

impl Hyper {
    /// The value, or an error that names the rule, the value and the remedy. A whole number becomes
    /// an integer where one is wanted.
    pub fn check(&self, value: Value) -> Result<Value> {
        let value = match value {
            // 2^63 is the least number that an i64 cannot hold.
            Value::Number(x)
                if self.domain.is_integer() && x.fract() == 0.0 && x.abs() < 9_223_372_036_854_775_808.0 =>
            {
                Value::Integer(x as i64)
            }
            other => other,
        };
        let ok = self.domain.contains(value);
        if ok { Ok(value) } else { Err(self.refuse(&value.to_string())) }
    }

    /// The error for a value that is not legal, as the user wrote it.
    pub fn refuse(&self, given: &str) -> Error {
        Error::new(ErrorKind::Hyperparameter, format!("{} must be {}; got {given}", self.name, self.domain))
    }

    /// The error for an integer that is too large, as the user wrote it.
    pub fn refuse_size(&self, given: &str) -> Error {
        let wanted = format!("{} must be {}, at most 2**63 - 1", self.name, self.domain);
        Error::new(ErrorKind::Hyperparameter, format!("{wanted}; got {given}"))
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Number(x) => write!(f, "{x}"),
            Value::Integer(x) => write!(f, "{x}"),
            Value::Text(x) => write!(f, "'{x}'"),
            Value::Pair(low, high) => write!(f, "({low}, {high})"),
        }
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Domain::AtLeast(low) => write!(f, "a finite number >= {low}"),
            Domain::Above(low) => write!(f, "a finite number > {low}"),
            Domain::AtMostZero => f.write_str("a finite number <= 0"),
            Domain::Unit => f.write_str("a number in the range [0, 1)"),
            Domain::UnitOrNone => f.write_str("a number in the range [0, 1), or None"),
            Domain::UnitClosed => f.write_str("a number in the range [0, 1]"),
            Domain::OpenUnit => f.write_str("a number in the range (0, 1)"),
            Domain::PositiveOrNone => f.write_str("a finite number > 0, or None"),
            Domain::NonNegativeOrNone => f.write_str("a finite number >= 0, or None"),
            Domain::Integer(low) => write!(f, "an integer >= {low}"),
            Domain::IntegerOrNone(low) => write!(f, "an integer >= {low}, or None"),
            Domain::Flag => f.write_str("True or False"),
            Domain::Choice(values) => {
                let names: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "one of {}", names.join(", "))
            }
            Domain::PairOrNone => f.write_str("a pair (low, high) with 0 <= low <= high, or None"),
            Domain::Or(other, values) => {
                other.fmt(f)?;
                values.iter().try_for_each(|value| write!(f, ", or {value}"))
            }
        }
    }
}
