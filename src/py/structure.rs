//! Structures of arrays: one array, a sequence or a mapping of structures.

use crate::error::Kind;
use crate::py::errors::error;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};
use std::collections::HashSet;

/// The shape of the structure that was bound, with its keys.
pub(crate) enum Node {
    Leaf,
    Sequence(Vec<Node>),
    Mapping(Vec<(Py<PyAny>, Node)>),
}

/// Names and leaves of a structure, in order.
type Leaves<'py> = Vec<(String, Bound<'py, PyAny>)>;

/// Takes a structure of parameters apart.
pub(crate) fn bind<'py>(params: &Bound<'py, PyAny>) -> PyResult<(Node, Leaves<'py>)> {
    let mut leaves = Vec::new();
    let node = walk(params, "", &mut leaves, 0)?;
    if leaves.is_empty() {
        return Err(error(
            params.py(),
            Kind::ParameterSet,
            "there are no parameters; pass at least one float32 array",
        ));
    }
    let mut seen = HashSet::new();
    for (name, _) in &leaves {
        if !seen.insert(name) {
            return Err(error(
                params.py(),
                Kind::ParameterSet,
                format!("two parameters are called '{name}'; give them different keys"),
            ));
        }
    }
    Ok((node, leaves))
}

fn walk<'py>(
    object: &Bound<'py, PyAny>,
    path: &str,
    leaves: &mut Leaves<'py>,
    depth: usize,
) -> PyResult<Node> {
    let py = object.py();
    if depth > 64 {
        return Err(error(
            py,
            Kind::ParameterSet,
            format!("the structure at '{path}' is more than 64 levels deep"),
        ));
    }
    let join = |key: &str| {
        if path.is_empty() { key.to_string() } else { format!("{path}/{key}") }
    };
    if let Some(items) = sequence(object) {
        let nodes: PyResult<Vec<Node>> = items
            .iter()
            .enumerate()
            .map(|(i, item)| walk(item, &join(&i.to_string()), leaves, depth + 1))
            .collect();
        return Ok(Node::Sequence(nodes?));
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let mut nodes = Vec::new();
        for key in mapping.keys()?.iter() {
            let name = key.str()?.to_string();
            if !(key.is_instance_of::<PyString>() || key.extract::<i64>().is_ok()) || name.contains('/') {
                return Err(error(
                    py,
                    Kind::ParameterSet,
                    format!(
                        "key {} under '{path}' must be a string without '/'; nested mappings make such names",
                        key.repr()?
                    ),
                ));
            }
            let node = walk(&mapping.get_item(&key)?, &join(&name), leaves, depth + 1)?;
            nodes.push((key.unbind(), node));
        }
        return Ok(Node::Mapping(nodes));
    }
    let name = if path.is_empty() { "0" } else { path };
    leaves.push((name.to_string(), object.clone()));
    Ok(Node::Leaf)
}

/// The items of a list or tuple.
fn sequence<'py>(object: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(list) = object.cast::<PyList>() {
        Some(list.iter().collect())
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        Some(tuple.iter().collect())
    } else {
        None
    }
}

/// Hands over the leaves of an object of the bound structure, in the bound order.
pub(crate) fn follow<'py>(
    node: &Node,
    object: &Bound<'py, PyAny>,
    what: &str,
    take: &mut dyn FnMut(Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    match node {
        Node::Leaf => take(object.clone())?,
        Node::Sequence(nodes) => {
            if let Ok(list) = object.cast::<PyList>() {
                if list.len() == nodes.len() {
                    return nodes
                        .iter()
                        .zip(list.iter())
                        .try_for_each(|(node, item)| follow(node, &item, what, take));
                }
            } else if let Ok(tuple) = object.cast::<PyTuple>()
                && tuple.len() == nodes.len()
            {
                return nodes
                    .iter()
                    .zip(tuple.iter())
                    .try_for_each(|(node, item)| follow(node, &item, what, take));
            }
            let found =
                sequence(object).map_or_else(|| describe(object), |items| format!("{} items", items.len()));
            return Err(error(
                object.py(),
                Kind::ParameterSet,
                format!("{what} must be a sequence of {}, as the parameters were; got {found}", nodes.len()),
            ));
        }
        Node::Mapping(nodes) => {
            if let Ok(dict) = object.cast_exact::<PyDict>() {
                if dict.len() != nodes.len() {
                    return Err(keys_differ(nodes, object, what));
                }
                for (key, node) in nodes {
                    let Some(item) = dict.get_item(key.bind(object.py()))? else {
                        return Err(keys_differ(nodes, object, what));
                    };
                    follow(node, &item, what, take)?;
                }
            } else if let Ok(mapping) = object.cast::<PyMapping>() {
                if mapping.len()? != nodes.len() {
                    return Err(keys_differ(nodes, object, what));
                }
                for (key, node) in nodes {
                    let Ok(item) = mapping.get_item(key.bind(object.py())) else {
                        return Err(keys_differ(nodes, object, what));
                    };
                    follow(node, &item, what, take)?;
                }
            } else {
                return Err(error(
                    object.py(),
                    Kind::ParameterSet,
                    format!("{what} must be a mapping, as the parameters were; got {}", describe(object)),
                ));
            }
        }
    }
    Ok(())
}

fn describe(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "another object".to_string(), |name| name.to_string())
}

/// The error that names the keys that are missing and those that are unknown.
fn keys_differ(nodes: &[(Py<PyAny>, Node)], object: &Bound<'_, PyAny>, what: &str) -> PyErr {
    let py = object.py();
    let wanted: Vec<String> = nodes.iter().map(|(key, _)| key.bind(py).to_string()).collect();
    let found: Vec<String> = object
        .cast::<PyMapping>()
        .ok()
        .and_then(|mapping| mapping.keys().ok())
        .map(|keys| keys.iter().map(|key| key.to_string()).collect())
        .unwrap_or_default();
    let list = |names: Vec<&String>| names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let missing = list(wanted.iter().filter(|key| !found.contains(key)).collect());
    let unknown = list(found.iter().filter(|key| !wanted.contains(key)).collect());
    let mut message = format!("{what} must have the keys of the parameters");
    if !missing.is_empty() {
        message += &format!("; missing: {missing} (pass None to leave a parameter alone)");
    }
    if !unknown.is_empty() {
        let first = found.iter().find(|key| !wanted.contains(key)).map_or("", String::as_str);
        let hint = crate::error::nearest(first, wanted.iter().map(String::as_str));
        message += &format!("; unknown: {unknown}{hint}");
    }
    error(py, Kind::ParameterSet, message)
}
