//! Errors, whose messages name the tensor, the rule, the value and the remedy.

use std::fmt;

/// The kind of an [`Error`]; the Python layer maps each to an exception class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A dtype or type that is not supported.
    DType,
    /// Not C-contiguous, or misaligned.
    Layout,
    /// A parameter that cannot be written to.
    ReadOnly,
    /// A shape that differs from the parameter's.
    Shape,
    /// Missing, unknown or too few parameters or gradients.
    ParameterSet,
    /// Memory that would be written twice.
    Alias,
    /// A second step while one is running.
    ConcurrentStep,
    /// NaN or infinity where it is not allowed.
    NonFinite,
    /// A hyperparameter out of range, or unknown.
    Hyperparameter,
    /// A state that does not belong to this optimizer.
    StateMismatch,
    /// Used before `build`.
    NotBuilt,
    /// Memory that cannot be allocated.
    Memory,
    /// A counter that has reached its limit.
    Overflow,
    /// A defect of this library.
    Internal,
}

/// An error with its kind and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind of error.
    pub kind: Kind,
    /// A message that says what happened, where, and what to do.
    pub message: String,
}

/// The result of every fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// `", did you mean 'x'?"` for the known name nearest to `name`, or nothing if none is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(d, candidate)| *d <= candidate.len().max(name.len()) / 2)
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean '{candidate}'?"))
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_a_near_name_only() {
        assert_eq!(nearest("beta1", ["beta_1", "epsilon"]), "; did you mean 'beta_1'?");
        assert_eq!(nearest("zzzzzz", ["beta_1", "epsilon"]), "");
    }
}
