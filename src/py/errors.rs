//! Errors as Python exceptions: one class for each kind, defined in `lamb_rs._errors`.

use crate::error::{Error, Kind};
use pyo3::PyErrArguments;
use pyo3::exceptions::{PyMemoryError, PyOverflowError};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error.kind {
        Kind::DType => "DTypeError",
        Kind::Layout => "LayoutError",
        Kind::ReadOnly => "ReadOnlyError",
        Kind::Shape => "ShapeError",
        Kind::ParameterSet => "ParameterSetError",
        Kind::Alias => "AliasError",
        Kind::ConcurrentStep => "ConcurrentStepError",
        Kind::NonFinite => "NonFiniteError",
        Kind::Hyperparameter => "HyperparameterError",
        Kind::StateMismatch => "StateMismatchError",
        Kind::NotBuilt => "NotBuiltError",
        Kind::Memory => return PyMemoryError::new_err(error.message.clone()),
        Kind::Overflow => return PyOverflowError::new_err(error.message.clone()),
        Kind::Internal => "InternalError",
    };
    make(py, class, (error.message.clone(),))
}

/// The exception for a state that does not fit, with all differences.
pub(crate) fn mismatch(py: Python<'_>, summary: &str, differences: Vec<String>) -> PyErr {
    make(py, "StateMismatchError", (summary.to_string(), differences))
}

/// An exception of a class of `lamb_rs._errors`.
fn make<'py, A>(py: Python<'py>, class: &str, arguments: A) -> PyErr
where
    A: PyErrArguments + Send + Sync + 'static,
{
    let found = py.import("lamb_rs._errors").and_then(|module| module.getattr(class));
    match found.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
        Ok(class) => PyErr::from_type(class, arguments),
        Err(failed) => failed,
    }
}

/// An exception of the given kind.
pub(crate) fn error(py: Python<'_>, kind: Kind, message: impl Into<String>) -> PyErr {
    raise(py, &Error::new(kind, message))
}
