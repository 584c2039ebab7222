//! Tables of hyperparameters: their rows, and the macro that makes a table.

use super::domain::{Domain, Value};
use crate::error::{Error, Kind, Result};

/// One row of a table of hyperparameters.
#[derive(Clone, Copy, Debug)]
pub struct Hyper {
    /// Name, as in Python.
    pub name: &'static str,
    /// Default value.
    pub default: Value,
    /// Legal values.
    pub domain: Domain,
    /// Whether it may change between steps.
    pub dynamic: bool,
    /// Whether it may differ between parameters.
    pub per_parameter: bool,
    /// Meaning, in one line.
    pub doc: &'static str,
    /// The wrapper that sets it, for a hyperparameter that is not an argument of every class.
    pub wrapper: Option<&'static str>,
    /// What messages call it, if it has another name in that wrapper.
    pub called: Option<&'static str>,
    /// The conditions under which it has an effect.
    pub needs: Needs,
}

/// Conditions on other hyperparameters: at least one of each list must hold.
pub type Needs = &'static [&'static [Condition]];

/// A condition on one hyperparameter.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// It is not None, False or 0.
    On(&'static str),
    /// It has this value.
    Is(&'static str, Value),
}

const fn row(default: Value, domain: Domain, doc: &'static str) -> Hyper {
    Hyper {
        name: "",
        default,
        domain,
        dynamic: false,
        per_parameter: false,
        doc,
        wrapper: None,
        called: None,
        needs: &[],
    }
}

/// A number that may change between steps and differ between parameters.
pub(crate) const fn number(default: f64, domain: Domain, doc: &'static str) -> Hyper {
    Hyper { dynamic: true, per_parameter: true, ..row(Value::Number(default), domain, doc) }
}

/// A number that is None by default; otherwise as [`number`].
pub(crate) const fn optional(domain: Domain, doc: &'static str) -> Hyper {
    Hyper { dynamic: true, per_parameter: true, ..row(Value::None, domain, doc) }
}

/// An integer of at least `low` that is fixed at construction.
pub(crate) const fn integer(default: i64, low: u32, doc: &'static str) -> Hyper {
    row(Value::Integer(default), Domain::Integer(low), doc)
}

/// A choice that is fixed at construction; the first value is the default.
pub(crate) const fn choice(values: &'static [Value], doc: &'static str) -> Hyper {
    row(values[0], Domain::Choice(values), doc)
}

/// A switch that is fixed at construction.
pub(crate) const fn flag(default: bool, doc: &'static str) -> Hyper {
    row(Value::Bool(default), Domain::Flag, doc)
}

/// The learning rate, first in the table of every algorithm.
pub(crate) const fn learning_rate(default: f64) -> Hyper {
    number(default, Domain::AtLeast(0.0), "step size")
}

/// A decay rate of a moving average.
pub(crate) const fn decay_rate(default: f64, doc: &'static str) -> Hyper {
    number(default, Domain::Unit, doc)
}

/// The decay rate of the first moment.
pub(crate) const fn beta_1(default: f64) -> Hyper {
    decay_rate(default, "decay rate of the first moment")
}

/// The decay rate of the second moment.
pub(crate) const fn beta_2(default: f64) -> Hyper {
    decay_rate(default, "decay rate of the second moment")
}

/// The constant of a denominator.
pub(crate) const fn epsilon(default: f64) -> Hyper {
    number(default, Domain::AtLeast(0.0), "small constant of the denominator")
}

impl Hyper {
    /// The row, fixed at construction.
    pub(crate) const fn fixed(self) -> Hyper {
        Hyper { dynamic: false, per_parameter: false, ..self }
    }

    /// The row, with one value for all parameters.
    pub(crate) const fn for_all(self) -> Hyper {
        Hyper { per_parameter: false, ..self }
    }

    /// The row, which has an effect only if these conditions hold.
    pub(crate) const fn needs(self, needs: Needs) -> Hyper {
        Hyper { needs, ..self }
    }

    /// The row of a hyperparameter that a wrapper sets; fixed at construction.
    pub(crate) const fn of(self, wrapper: &'static str) -> Hyper {
        Hyper { wrapper: Some(wrapper), ..self.fixed() }
    }

    /// The row of a hyperparameter that has another name in its wrapper.
    pub(crate) const fn called(self, name: &'static str) -> Hyper {
        Hyper { called: Some(name), ..self }
    }

    /// The name in messages.
    pub fn shown(&self) -> &'static str {
        self.called.unwrap_or(self.name)
    }

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
        Error::new(Kind::Hyperparameter, format!("{} must be {}; got {given}", self.shown(), self.domain))
    }

    /// The error for an integer that is too large, as the user wrote it.
    pub fn refuse_size(&self, given: &str) -> Error {
        let wanted = format!("{} must be {}, at most 2**63 - 1", self.shown(), self.domain);
        Error::new(Kind::Hyperparameter, format!("{wanted}; got {given}"))
    }
}

/// The letters of a name in lower case.
pub(crate) const fn lower_case<const N: usize>(name: &str) -> [u8; N] {
    let mut letters = [0; N];
    let mut i = 0;
    while i < N {
        letters[i] = name.as_bytes()[i].to_ascii_lowercase();
        i += 1;
    }
    letters
}

/// ASCII letters as text.
pub(crate) const fn text(letters: &[u8]) -> &str {
    match std::str::from_utf8(letters) {
        Ok(text) => text,
        Err(_) => panic!("names are ASCII"),
    }
}

/// Makes a table of hyperparameters, and a constant with the position of each.
///
/// `hypers! { HYPERS; LEARNING_RATE = learning_rate(0.001), BETA_1 = beta_1(0.9) }` makes `HYPERS`, whose
/// rows are called `learning_rate` and `beta_1`, and the positions `LEARNING_RATE` and `BETA_1`.
macro_rules! hypers {
    ($vis:vis $table:ident; $($name:ident = $row:expr),+ $(,)?) => {
        /// The hyperparameters, in the order of the arguments in Python.
        $vis const $table: &[$crate::hyper::table::Hyper] = &[$($crate::hyper::table::Hyper {
            name: {
                const NAME: &str = stringify!($name);
                const LETTERS: [u8; NAME.len()] = $crate::hyper::table::lower_case(NAME);
                $crate::hyper::table::text(&LETTERS)
            },
            ..$row
        }),+];
        $crate::hyper::table::hypers!(@positions $vis (0) $($name)+);
    };
    (@positions $vis:vis ($at:expr) $first:ident $($rest:ident)*) => {
        #[doc = concat!("Position of ", stringify!($first), " in its table.")]
        #[allow(dead_code, reason = "a rule may use only some of its hyperparameters by position")]
        $vis const $first: usize = $at;
        $crate::hyper::table::hypers!(@positions $vis ($at + 1) $($rest)*);
    };
    (@positions $vis:vis ($at:expr)) => {};
}
pub(crate) use hypers;

#[cfg(test)]
mod tests {
    use super::*;

    hypers! {
        TABLE;
        LEARNING_RATE = learning_rate(0.1),
        BETA_1 = beta_1(0.9),
        FORM_2D = choice(&[Value::Text("a"), Value::Text("b")], "a form").needs(&[&[Condition::On("beta_1")]]),
    }

    #[test]
    fn names_and_positions_come_from_one_word() {
        let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names, ["learning_rate", "beta_1", "form_2d"]);
        assert_eq!((LEARNING_RATE, BETA_1, FORM_2D), (0, 1, 2));
    }

    #[test]
    fn what_may_change_and_differ() {
        assert!(TABLE[BETA_1].dynamic && TABLE[BETA_1].per_parameter);
        assert!(!TABLE[FORM_2D].dynamic && !TABLE[FORM_2D].per_parameter);
        let row = TABLE[BETA_1].for_all();
        assert!(row.dynamic && !row.per_parameter);
    }
}
