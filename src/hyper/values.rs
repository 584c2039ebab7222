//! The values of the hyperparameters of one run.

use super::domain::{Domain, Value};
use super::shared::{self, SHARED};
use super::table::{Condition, Hyper};
use crate::error::{Error, Kind, Result, nearest};

/// The values of an algorithm's own hyperparameters, then of the shared ones.
#[derive(Clone, Debug)]
pub struct Values {
    own: &'static [Hyper],
    /// Defaults of shared hyperparameters that differ from the shared ones.
    differ: &'static [(&'static str, Value)],
    values: Vec<Value>,
}

impl Values {
    /// The defaults of a table, and those of the shared hyperparameters that differ from theirs.
    pub fn defaults(own: &'static [Hyper], differ: &'static [(&'static str, Value)]) -> Self {
        let mut values = Values { own, differ, values: Vec::new() };
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

    /// The hyperparameters that differ from their defaults and have no effect, with the list of conditions
    /// none of which holds.
    fn without_effect(&self) -> impl Iterator<Item = (usize, &'static Hyper, &'static [Condition])> {
        self.own.iter().chain(SHARED).enumerate().filter_map(|(i, hyper)| {
            if self.values[i] == self.default_of(hyper) {
                return None;
            }
            let holds = |any: &&&[Condition]| any.iter().any(|&condition| self.holds(condition));
            let unmet = hyper.needs.iter().find(|any| !holds(any))?;
            Some((i, hyper, *unmet))
        })
    }

    /// An error if one of these hyperparameters, or any without a list of names, has no effect.
    pub fn check_effects(&self, names: Option<&[&str]>) -> Result<()> {
        let asked = |hyper: &Hyper| names.is_none_or(|names| names.contains(&hyper.name));
        match self.without_effect().find(|(_, hyper, _)| asked(hyper)) {
            Some((i, hyper, unmet)) => Err(self.refuse_without_effect(i, hyper, unmet)),
            None => Ok(()),
        }
    }

    /// Sets every hyperparameter that has no effect to its default. Returns their names.
    pub fn drop_without_effect(&mut self) -> Vec<&'static str> {
        let mut dropped = Vec::new();
        loop {
            let first = self.without_effect().next();
            let Some((i, hyper, _)) = first else { break };
            self.values[i] = self.default_of(hyper);
            dropped.push(hyper.name);
        }
        dropped
    }

    fn refuse_without_effect(&self, position: usize, hyper: &Hyper, unmet: &[Condition]) -> Error {
        let wanted: Vec<String> = unmet
            .iter()
            .map(|condition| match *condition {
                Condition::Is(name, value) => format!("{name}={value}"),
                Condition::On(name) => {
                    match self.find(name).map(|(_, hyper)| (hyper.domain, hyper.shown())) {
                        Ok((Domain::Flag, name)) => format!("{name}=True"),
                        Ok((Domain::Unit, name)) => format!("{name} > 0"),
                        Ok((_, name)) => name.to_string(),
                        Err(_) => name.to_string(),
                    }
                }
            })
            .collect();
        let (name, value, default) = (hyper.shown(), self.values[position], self.default_of(hyper));
        Error::new(
            Kind::Hyperparameter,
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
                Error::new(Kind::Hyperparameter, format!("unknown hyperparameter '{name}'{hint}"))
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

    /// The number at a position of the algorithm's own table; 0 if it is not a number.
    pub fn number(&self, own: usize) -> f64 {
        self.values[own].number().unwrap_or(0.0)
    }

    /// The integer at a position of the algorithm's own table; 0 if it is not an integer.
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

    /// Checks combinations of hyperparameters, which the rows of the table cannot describe.
    pub fn check(&self) -> Result<()> {
        use shared::{CLIPNORM, CLIPVALUE, GLOBAL_CLIPNORM};
        let clips: Vec<&str> = [CLIPNORM, CLIPVALUE, GLOBAL_CLIPNORM]
            .into_iter()
            .filter(|&i| self.shared(i) != Value::None)
            .map(|i| SHARED[i].name)
            .collect();
        if clips.len() > 1 {
            return Err(Error::new(
                Kind::Hyperparameter,
                format!(
                    "{} are set together: set at most one of clipnorm, clipvalue and global_clipnorm",
                    clips.join(" and ")
                ),
            ));
        }
        if self.shared_text(shared::PULLBACK_MOMENTUM) == "pullback"
            && self.shared_text(shared::STATE_DTYPE) != "float32"
        {
            return Err(Error::new(
                Kind::Hyperparameter,
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
