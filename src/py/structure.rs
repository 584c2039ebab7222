//! Structures of arrays: one array, a sequence or a mapping of structures.

use crate::error::Kind;
use crate::py::errors::error;
use pyo3::Borrowed;
use pyo3::ffi::{Py_ssize_t, PyDict_Next, PyList_GetItem};
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};
use std::collections::HashSet;
use std::ptr::null_mut;

/// The shape of the structure that was bound, with its keys.
pub(crate) enum Node {
    Leaf,
    Sequence(Vec<Node>),
    Mapping(Vec<(Py<PyAny>, Node)>),
}

/// Names and leaves of a structure, in order.
type Leaves<'py> = Vec<(String, Bound<'py, PyAny>)>;

/// Returns the structure and the leaves of parameters.
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
            let name = shown(&key);
            if !(key.is_instance_of::<PyString>() || key.extract::<i64>().is_ok())
                || name.contains('/')
                || name.is_empty()
            {
                return Err(error(
                    py,
                    Kind::ParameterSet,
                    format!(
                        "key '{}' under '{path}' must be a string without '/' that is not empty; nested mappings make such names",
                        name
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

/// The place of an object in a structure, for messages.
enum Place<'a, 'py> {
    Root(&'a str),
    Item(&'a Place<'a, 'py>, usize),
    Key(&'a Place<'a, 'py>, &'a Bound<'py, PyAny>),
}

impl Place<'_, '_> {
    fn path(&self) -> String {
        let (parent, step) = match self {
            Place::Root(_) => return String::new(),
            Place::Item(parent, i) => (parent, i.to_string()),
            Place::Key(parent, key) => (parent, shown(key)),
        };
        let path = parent.path();
        if path.is_empty() { step } else { format!("{path}/{step}") }
    }

    fn root(&self) -> &str {
        match self {
            Place::Root(what) => what,
            Place::Item(parent, _) | Place::Key(parent, _) => parent.root(),
        }
    }
}

impl std::fmt::Display for Place<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path() {
            path if path.is_empty() => f.write_str(self.root()),
            path => write!(f, "{} under '{path}'", self.root()),
        }
    }
}

/// Visits the leaves of an object that is made of dicts with the bound keys in the bound order, and of lists and
/// tuples of the bound lengths: without hashing a key, and without running code of the caller. Returns false
/// where the object is made otherwise or `visit` returns false, and says nothing of why.
pub(crate) fn visit<'py>(
    node: &Node,
    object: Borrowed<'_, 'py, PyAny>,
    leaf: &mut impl FnMut(Borrowed<'_, 'py, PyAny>) -> bool,
) -> bool {
    let py = object.py();
    let mut each = |node: &Node, object: Borrowed<'_, 'py, PyAny>| match node {
        Node::Leaf => leaf(object),
        _ => visit(node, object, leaf),
    };
    match node {
        Node::Leaf => each(node, object),
        Node::Mapping(nodes) => {
            object.cast_exact::<PyDict>().is_ok_and(|dict| dict.len() == nodes.len())
                && with_critical_section(&object, || {
                    let (mut place, mut key, mut value) = (0, null_mut(), null_mut());
                    nodes.iter().all(|(bound, node)| {
                        // SAFETY: the dict is locked and not changed while its items are borrowed.
                        unsafe {
                            PyDict_Next(object.as_ptr(), &raw mut place, &raw mut key, &raw mut value) != 0
                                && key == bound.as_ptr()
                                && each(node, Borrowed::from_ptr(py, value))
                        }
                    })
                })
        }
        Node::Sequence(nodes) => {
            if let Ok(tuple) = object.cast_exact::<PyTuple>() {
                return tuple.len() == nodes.len()
                    && nodes.iter().zip(tuple.iter_borrowed()).all(|(node, item)| each(node, item));
            }
            object.cast_exact::<PyList>().is_ok_and(|list| list.len() == nodes.len())
                && with_critical_section(&object, || {
                    nodes.iter().enumerate().all(|(i, node)| {
                        // SAFETY: the list is locked, not changed while its items are borrowed, and long enough.
                        let item = unsafe { PyList_GetItem(object.as_ptr(), i as Py_ssize_t) };
                        // SAFETY: as above; the item is not null.
                        each(node, unsafe { Borrowed::from_ptr(py, item) })
                    })
                })
        }
    }
}

/// The function that takes the leaves.
type Take<'a, 'py> = &'a mut dyn FnMut(Bound<'py, PyAny>) -> PyResult<()>;

/// Passes the leaves of an object with the bound structure to a function, in the bound order.
pub(crate) fn follow<'py>(
    node: &Node,
    object: &Bound<'py, PyAny>,
    what: &str,
    take: Take<'_, 'py>,
) -> PyResult<()> {
    descend(node, object, &Place::Root(what), take)
}

fn descend<'py>(
    node: &Node,
    object: &Bound<'py, PyAny>,
    place: &Place<'_, 'py>,
    take: Take<'_, 'py>,
) -> PyResult<()> {
    let py = object.py();
    match node {
        Node::Leaf => take(object.clone()),
        Node::Sequence(nodes) => {
            let mut each =
                |i: usize, item: &Bound<'py, PyAny>| descend(&nodes[i], item, &Place::Item(place, i), take);
            if let Ok(list) = object.cast::<PyList>()
                && list.len() == nodes.len()
            {
                return list.iter().enumerate().try_for_each(|(i, item)| each(i, &item));
            }
            if let Ok(tuple) = object.cast::<PyTuple>()
                && tuple.len() == nodes.len()
            {
                return tuple.iter().enumerate().try_for_each(|(i, item)| each(i, &item));
            }
            let found = sequence(object).map_or_else(|| describe(object), |items| counted(items.len()));
            let n = nodes.len();
            Err(error(
                py,
                Kind::ParameterSet,
                format!("{place} must be a sequence of {n}, as when the optimizer was built; got {found}"),
            ))
        }
        Node::Mapping(nodes) => {
            let mut each = |key: &Bound<'py, PyAny>, node: &Node, item: Option<Bound<'py, PyAny>>| match item
            {
                Some(item) => descend(node, &item, &Place::Key(place, key), take),
                None => Err(keys_differ(nodes, object, place)),
            };
            if let Ok(dict) = object.cast_exact::<PyDict>() {
                if dict.len() != nodes.len() {
                    return Err(keys_differ(nodes, object, place));
                }
                return nodes.iter().try_for_each(|(key, node)| {
                    let key = key.bind(py);
                    each(key, node, dict.get_item(key)?)
                });
            }
            if let Ok(mapping) = object.cast::<PyMapping>() {
                if mapping.len()? != nodes.len() {
                    return Err(keys_differ(nodes, object, place));
                }
                return nodes.iter().try_for_each(|(key, node)| {
                    let key = key.bind(py);
                    each(key, node, mapping.get_item(key).ok())
                });
            }
            Err(error(
                py,
                Kind::ParameterSet,
                format!(
                    "{place} must be a mapping, as when the optimizer was built; got {}",
                    describe(object)
                ),
            ))
        }
    }
}

/// An object as text; only the name of its type if it cannot be shown.
pub(crate) fn shown(object: &Bound<'_, PyAny>) -> String {
    object.str().map_or_else(
        |_| format!("an object of {}", describe(object)),
        |text| text.to_string_lossy().into_owned(),
    )
}

fn describe(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "another object".to_string(), |name| name.to_string())
}

/// A short representation of an object; for arrays and other containers, only the kind and size.
pub(crate) fn brief(object: &Bound<'_, PyAny>) -> String {
    if let Ok(shape) = object.getattr("shape")
        && shape.len().is_ok_and(|n| n > 0)
    {
        return format!("an array of shape {}", shown(&shape));
    }
    if let Some(items) = sequence(object) {
        let plain = |item: &Bound<'_, PyAny>| {
            item.is_none() || item.is_instance_of::<PyString>() || item.extract::<f64>().is_ok()
        };
        if items.len() > 8 || !items.iter().all(plain) {
            return format!("a sequence of {}", counted(items.len()));
        }
    } else if let Ok(mapping) = object.cast::<PyMapping>() {
        return format!("a mapping of {}", counted(mapping.len().unwrap_or(0)));
    }
    let text = object.repr().map_or_else(|_| describe(object), |text| text.to_string_lossy().into_owned());
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn counted(items: usize) -> String {
    if items == 1 { "1 item".to_string() } else { format!("{items} items") }
}

/// The error that names the keys that are missing and those that are unknown.
fn keys_differ(nodes: &[(Py<PyAny>, Node)], object: &Bound<'_, PyAny>, place: &Place<'_, '_>) -> PyErr {
    let py = object.py();
    let wanted: Vec<String> = nodes.iter().map(|(key, _)| shown(key.bind(py))).collect();
    let found: Vec<String> = object
        .cast::<PyMapping>()
        .ok()
        .and_then(|mapping| mapping.keys().ok())
        .map(|keys| keys.iter().map(|key| shown(&key)).collect())
        .unwrap_or_default();
    let path = place.path();
    let full = |name: &String| if path.is_empty() { format!("'{name}'") } else { format!("'{path}/{name}'") };
    let list = |names: Vec<&String>| names.into_iter().map(full).collect::<Vec<_>>().join(", ");
    let missing = list(wanted.iter().filter(|key| !found.contains(key)).collect());
    let unknown = list(found.iter().filter(|key| !wanted.contains(key)).collect());
    let mut message = format!("{place} must have the keys that the optimizer was built with");
    if !missing.is_empty() {
        message += &format!("; missing: {missing} (pass None to leave a parameter alone)");
    }
    if !unknown.is_empty() {
        let first = found.iter().find(|key| !wanted.contains(key)).map_or("", String::as_str);
        let mut hint = crate::error::nearest(first, wanted.iter().map(String::as_str));
        if let Some(nested) = nested(nodes, first, py) {
            hint = format!("; the optimizer was built with nested structures: write {nested}");
        } else if hint.is_empty() {
            hint = "; leave it out, or build an optimizer with it".to_string();
        }
        message += &format!("; unknown: {unknown}{hint}");
    }
    error(py, Kind::ParameterSet, message)
}

/// How a flat name such as `a/b` or `a.b` is written where `a` is a structure: `{'a': {'b': ...}}`.
fn nested(nodes: &[(Py<PyAny>, Node)], name: &str, py: Python<'_>) -> Option<String> {
    let keys: Vec<&str> = name.split(['/', '.']).collect();
    let is_structure =
        |(key, node): &(Py<PyAny>, Node)| !matches!(node, Node::Leaf) && shown(key.bind(py)) == keys[0];
    if keys.len() < 2 || !nodes.iter().any(is_structure) {
        return None;
    }
    let open: String = keys.iter().map(|key| format!("{{'{key}': ")).collect();
    Some(format!("{open}...{} in place of '{name}'", "}".repeat(keys.len())))
}
