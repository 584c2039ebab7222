//! Values of hyperparameters, and domains of legal values.

/// The value of a hyperparameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Not set.
    None,
    /// A switch.
    Bool(bool),
    /// A number.
    Number(f64),
    /// An integer.
    Integer(i64),
    /// One of the names that the table lists.
    Text(&'static str),
    /// Lower and upper limit.
    Pair(f64, f64),
}

impl Value {
    /// The number, integers included.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Value::Number(x) => Some(x),
            Value::Integer(x) => Some(x as f64),
            _ => None,
        }
    }

    /// The integer. Legal integers are >= 0.
    pub(super) fn integer(self) -> Option<u64> {
        match self {
            Value::Integer(x) => u64::try_from(x).ok(),
            _ => None,
        }
    }
}

/// The set of legal values.
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
    /// A value of another domain, or one of the listed values.
    Or(&'static Domain, &'static [Value]),
}

impl Domain {
    /// The listed values.
    pub fn listed(self) -> &'static [Value] {
        match self {
            Domain::Choice(values) | Domain::Or(_, values) => values,
            _ => &[],
        }
    }

    /// Whether the legal numbers are integers, of at most 2^63 - 1.
    pub fn is_integer(self) -> bool {
        matches!(self, Domain::Integer(_) | Domain::IntegerOrNone(_))
    }

    pub(super) fn contains(self, value: Value) -> bool {
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
