//! Values of hyperparameters as Python objects, and back.

use crate::hyper::{Hyper, Value};
use crate::py::errors::raise;
use crate::py::structure::brief;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A value as a Python object.
pub(super) fn to_python<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(x) => x.into_pyobject(py)?.to_owned().into_any(),
        Value::Number(x) => x.into_pyobject(py)?.into_any(),
        Value::Integer(x) => x.into_pyobject(py)?.into_any(),
        Value::Text(x) => x.into_pyobject(py)?.into_any(),
        Value::Pair(low, high) => (low, high).into_pyobject(py)?.into_any(),
    })
}

/// A Python integer, if an integer is needed; the inner error is for one with more than 64 bits.
fn integer(hyper: &Hyper, object: &Bound<'_, PyAny>) -> Option<Result<i64, ()>> {
    if !hyper.domain.is_integer() {
        return None;
    }
    match object.extract::<i64>() {
        Ok(x) => Some(Ok(x)),
        Err(e) if e.is_instance_of::<PyOverflowError>(object.py()) => Some(Err(())),
        Err(_) => None,
    }
}

/// A Python object as a value of `hyper`.
pub(super) fn from_python(hyper: &Hyper, object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let given = || {
        let text = brief(object);
        let is_number = || object.extract::<String>().is_ok_and(|text| text.trim().parse::<f64>().is_ok());
        if object.is_instance_of::<PyString>() && hyper.domain.listed().is_empty() {
            let remedy = if is_number() { "; write it without quotation marks" } else { "" };
            format!("the string {text}{remedy}")
        } else if hyper.name == "learning_rate" && !(object.is_none() || object.extract::<f64>().is_ok()) {
            format!("{text}. Parameters go to build(params), not to the constructor")
        } else {
            text
        }
    };
    let refuse = || Err(raise(object.py(), &hyper.refuse(&given())));
    let value = if object.is_none() {
        Value::None
    } else if let Ok(x) = object.extract::<bool>() {
        Value::Bool(x)
    } else if let Ok(text) = object.extract::<String>() {
        let known = hyper.domain.listed();
        match known.iter().find(|v| matches!(v, Value::Text(x) if *x == text)) {
            Some(value) => *value,
            None => return refuse(),
        }
    } else if let Ok((low, high)) = object.extract::<(f64, f64)>() {
        Value::Pair(low, high)
    } else if let Some(x) = integer(hyper, object) {
        Value::Integer(x.map_err(|()| raise(object.py(), &hyper.refuse_size(&given())))?)
    } else if let Ok(x) = object.extract::<f64>() {
        Value::Number(x)
    } else {
        return refuse();
    };
    hyper.check(value).or_else(|_| refuse())
}
