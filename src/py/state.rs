//! The state as a dictionary of arrays, and back.

use crate::optimizer::{Entry, Optimizer, Rates};
use crate::py::arrays::is_plain;
use crate::py::errors::mismatch;
use crate::py::structure::shown;
use crate::{FORMAT_VERSION, Format, NUMERICS_VERSION};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashSet;

const COUNTERS: [&str; 3] = ["optimizer/iterations", "optimizer/calls", "optimizer/skipped_steps"];
const FIRST_RATE: &str = "optimizer/first_learning_rate";
const LARGEST_RATE: &str = "optimizer/largest_learning_rate";
const LAST_RATE: &str = "optimizer/last_learning_rate";
const ALGORITHM: &str = "optimizer/algorithm";
const FORMAT: &str = "optimizer/format_version";
const NUMERICS: &str = "optimizer/numerics_version";

/// Copies of every array, and the counters.
pub(crate) fn save<'py>(py: Python<'py>, optimizer: &Optimizer) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item(ALGORITHM, optimizer.algorithm().name)?;
    dict.set_item(FORMAT, FORMAT_VERSION)?;
    dict.set_item(NUMERICS, NUMERICS_VERSION)?;
    for (key, counter) in COUNTERS.iter().zip(optimizer.counters()) {
        dict.set_item(key, counter)?;
    }
    let rates = optimizer.rates();
    dict.set_item(FIRST_RATE, rates.first)?;
    dict.set_item(LARGEST_RATE, rates.largest)?;
    dict.set_item(LAST_RATE, rates.last)?;
    for (name, values) in optimizer.scalars() {
        dict.set_item(format!("optimizer/{name}"), PyArray1::from_vec(py, values))?;
    }
    for entry in optimizer.entries() {
        let bytes = optimizer.entry_bytes(&entry);
        let shape = &entry.shape;
        let array = match entry.format {
            None => PyArray1::from_slice(py, bytes).into_any(),
            Some(Format::Float32) => PyArray1::from_slice(py, bytemuck::cast_slice::<u8, f32>(bytes))
                .reshape(shape.clone())?
                .into_any(),
            Some(Format::Bfloat16) => PyArray1::from_slice(py, bytemuck::cast_slice::<u8, u16>(bytes))
                .reshape(shape.clone())?
                .into_any(),
            Some(_) => PyArray1::from_slice(py, bytes).reshape(shape.clone())?.into_any(),
        };
        dict.set_item(&entry.key, array)?;
    }
    Ok(dict)
}

/// Restores arrays and counters, after everything was checked: all differences in one error, with those
/// that were found already at the end.
pub(crate) fn load(
    optimizer: &mut Optimizer,
    dict: &Bound<'_, PyDict>,
    strict: bool,
    found: Vec<String>,
) -> PyResult<()> {
    let py = dict.py();
    let mut differences = Vec::new();
    let mut writes: Vec<(Entry, Vec<u8>)> = Vec::new();
    let mut known: HashSet<String> =
        [ALGORITHM, FORMAT, NUMERICS, FIRST_RATE, LARGEST_RATE, LAST_RATE].map(String::from).into();
    known.extend(COUNTERS.map(String::from));

    let algorithm = optimizer.algorithm().name;
    match dict.get_item(ALGORITHM)?.map(|x| shown(&x)) {
        Some(found) if found == algorithm => {}
        Some(found) => differences.push(format!("it is of '{found}', this optimizer is '{algorithm}'")),
        None => differences.push(format!("'{ALGORITHM}' is missing")),
    }
    for (key, ours) in [(FORMAT, FORMAT_VERSION), (NUMERICS, NUMERICS_VERSION)] {
        match dict.get_item(key)?.and_then(|x| x.extract::<u64>().ok()) {
            Some(found) if found == ours => {}
            Some(found) => differences.push(format!("'{key}' is {found}, this release has {ours}")),
            None => differences.push(format!("'{key}' is missing")),
        }
    }
    let mut counters = [0u64; 3];
    for (counter, key) in counters.iter_mut().zip(COUNTERS) {
        match dict.get_item(key)?.map(|x| x.extract::<u64>()) {
            Some(Ok(x)) if x <= i64::MAX as u64 => *counter = x,
            Some(_) => differences.push(format!("'{key}' is not a step count")),
            None => differences.push(format!("'{key}' is missing")),
        }
    }
    let mut rate = |key: &str, optional: bool| -> PyResult<Option<f64>> {
        let found = dict.get_item(key)?;
        let value = found.as_ref().and_then(|x| x.extract::<f64>().ok());
        match (&found, value) {
            (_, Some(x)) if x.is_finite() && x >= 0.0 => return Ok(Some(x)),
            (Some(x), None) if optional && x.is_none() => {}
            (None, _) => differences.push(format!("'{key}' is missing")),
            _ => differences.push(format!("'{key}' is not a learning rate")),
        }
        Ok(None)
    };
    let first = rate(FIRST_RATE, true)?;
    let largest = rate(LARGEST_RATE, false)?.unwrap_or(0.0);
    // The first files do not have this entry.
    let last = if dict.contains(LAST_RATE)? { rate(LAST_RATE, true)? } else { None };
    let mut scalars = Vec::new();
    for (position, (name, values)) in optimizer.scalars().into_iter().enumerate() {
        let key = format!("optimizer/{name}");
        match dict.get_item(&key)?.map(|x| x.extract::<Vec<f64>>()) {
            Some(Ok(found)) if found.len() == values.len() && found.iter().all(|x| x.is_finite()) => {
                scalars.push((position, found));
            }
            Some(_) => differences.push(format!("'{key}' must hold {} finite numbers", values.len())),
            None if strict => differences.push(format!("'{key}' is missing")),
            None => {}
        }
        known.insert(key);
    }
    for entry in optimizer.entries() {
        known.insert(entry.key.clone());
        let Some(object) = dict.get_item(&entry.key)? else {
            if strict {
                differences.push(format!("'{}' is missing", entry.key));
            }
            continue;
        };
        let wanted = entry.shape.clone();
        match bytes(&object, entry.format, &wanted) {
            Ok(bytes) => writes.push((entry, bytes)),
            Err(found) => {
                let dtype = dtype(entry.format);
                let wanted = in_tuple(&wanted);
                differences.push(format!("'{}' must be {dtype} of shape {wanted}, got {found}", entry.key));
            }
        }
    }
    if strict {
        for key in dict.keys() {
            let key = shown(&key);
            if !known.contains(&key) {
                differences.push(format!("'{key}' is unknown"));
            }
        }
    }
    differences.extend(found);
    if !differences.is_empty() {
        let summary = "the state does not fit this optimizer; nothing was changed:";
        return Err(mismatch(py, summary, differences));
    }
    for (entry, bytes) in writes {
        optimizer.write_entry(&entry, &bytes);
    }
    for (position, values) in scalars {
        optimizer.set_scalar(position, &values);
    }
    optimizer.set_counters(counters, Rates { first, largest, last });
    Ok(())
}

/// A shape as Python writes it.
fn in_tuple(shape: &[usize]) -> String {
    match shape {
        [only] => format!("({only},)"),
        sizes => format!("({})", sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn dtype(format: Option<Format>) -> &'static str {
    match format {
        Some(Format::Float32) => "float32",
        Some(Format::Bfloat16) => "uint16",
        _ => "uint8",
    }
}

/// The bytes of an array, or a text about its type and shape if these are not the expected ones.
fn bytes(object: &Bound<'_, PyAny>, format: Option<Format>, shape: &[usize]) -> Result<Vec<u8>, String> {
    let text = |name| crate::py::arrays::text(object, name);
    if !is_plain(object) {
        return Err(shown(object.get_type().as_any()));
    }
    let same =
        object.getattr("shape").and_then(|x| x.extract::<Vec<usize>>()).is_ok_and(|found| found == shape);
    if !same || text("dtype") != dtype(format) {
        return Err(format!("{} of shape {}", text("dtype"), text("shape")));
    }
    // In C order, for any strides.
    let bytes = object.call_method0("tobytes").and_then(|bytes| bytes.extract::<Vec<u8>>());
    bytes.map_err(|e| e.to_string())
}
