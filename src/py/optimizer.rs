//! The native optimizer as a Python class.

use crate::error::{Error, Kind};
use crate::hyper::Value;
use crate::kernel::storage::Format;
use crate::optimizer::{Optimizer as Core, Override};
use crate::py::arrays::{self, Role};
use crate::py::bindings::Bindings;
use crate::py::errors::{error, raise};
use crate::py::running::{concurrent, refuse_running};
use crate::py::simd_level::isa;
use crate::py::step::{Failure, guarded, step, verify};
use crate::py::values::{from_python, to_python};
use crate::py::{state, structure};
use numpy::ndarray::ArrayView1;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{ThreadId, current};

/// A hyperparameter whose value is computed: a schedule of the step, or a callable.
struct Source {
    name: String,
    object: Py<PyAny>,
    takes_step: bool,
    value: Computed,
    /// The threads that are inside a call of it.
    callers: Vec<ThreadId>,
}

/// The values of a source. It is called once for each update, however often it is read.
#[derive(Clone, Copy, Default)]
struct Computed {
    /// The value in the last update; none before the first, and after the state was replaced.
    last: Option<f64>,
    /// The value for the next update, if the source was called for it already.
    next: Option<f64>,
}

impl Source {
    fn new(name: String, object: Py<PyAny>, takes_step: bool) -> Source {
        Source { name, object, takes_step, value: Computed::default(), callers: Vec::new() }
    }

    /// Whether this thread is inside a call of it.
    fn is_running(&self) -> bool {
        self.callers.contains(&current().id())
    }
}

/// Marks a source as being called by this thread until this is dropped.
struct Calling<'a> {
    optimizer: &'a Optimizer,
    object: &'a Py<PyAny>,
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        let me = current().id();
        for source in self.optimizer.sources().iter_mut().filter(|source| source.object.is(self.object)) {
            if let Some(place) = source.callers.iter().position(|caller| *caller == me) {
                source.callers.swap_remove(place);
            }
        }
    }
}

struct Inner {
    core: Core,
    bound: Option<Bindings>,
    /// Whether a step panicked, so that the state may be half updated.
    broken: bool,
}

/// One optimizer: hyperparameters, bound parameters, state.
#[pyclass(frozen, module = "lamb_rs._core", weakref)]
pub(crate) struct Optimizer {
    inner: Mutex<Inner>,
    sources: Mutex<Vec<Source>>,
}

impl Optimizer {
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Inner>> {
        match self.inner.try_lock() {
            Ok(inner) => Ok(inner),
            Err(TryLockError::WouldBlock) => Err(concurrent(
                py,
                "this optimizer is in use by another thread, or was when the process forked",
            )),
            Err(TryLockError::Poisoned(_)) => Err(broken(py)),
        }
    }

    fn sources(&self) -> MutexGuard<'_, Vec<Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of the source of a hyperparameter, if it has one: that of the last update, or of the
    /// next one before the first.
    fn computed(&self, py: Python<'_>, name: &str) -> PyResult<Option<f64>> {
        let found = self.sources().iter().find(|s| s.name == name).map(|s| s.value);
        match found {
            None => Ok(None),
            Some(Computed { last: Some(x), .. } | Computed { next: Some(x), .. }) => Ok(Some(x)),
            Some(_) => {
                let (object, x) = self.compute(py, name)?;
                self.keep(name, &object, x);
                Ok(Some(x))
            }
        }
    }

    /// Values of the sources for the coming call, if it updates.
    fn due(&self, py: Python<'_>) -> PyResult<Vec<(String, f64)>> {
        let (sources, running) = {
            let sources = self.sources();
            if sources.is_empty() {
                return Ok(Vec::new());
            }
            let running =
                sources.iter().find(|s| s.is_running()).map(|s| (s.name.clone(), s.object.clone_ref(py)));
            (sources.iter().map(|s| (s.name.clone(), s.value)).collect::<Vec<_>>(), running)
        };
        if let Some((name, object)) = running {
            return Err(uses_itself(&name, object.bind(py), "takes a step of"));
        }
        if !self.lock(py)?.core.next_call_updates() {
            return Ok(Vec::new());
        }
        let mut values = Vec::with_capacity(sources.len());
        let mut called = Vec::new();
        for (name, value) in sources {
            let x = match value.next {
                Some(x) => x,
                None => {
                    let (object, x) = self.compute(py, &name)?;
                    called.push((name.clone(), object, x));
                    x
                }
            };
            values.push((name, x));
        }
        // Kept after every source has returned its value, so that a call that raises changes nothing.
        for (name, object, x) in &called {
            self.keep(name, object, *x);
        }
        Ok(values)
    }

    /// Keeps the value of a source for the next update.
    fn keep(&self, name: &str, object: &Py<PyAny>, x: f64) {
        if let Some(source) = self.sources().iter_mut().find(|s| s.name == name && s.object.is(object)) {
            source.value.next = Some(x);
        }
    }

    /// Calls a source for the next update; returns it and the value. No lock is held while Python code
    /// runs.
    fn compute(&self, py: Python<'_>, name: &str) -> PyResult<(Py<PyAny>, f64)> {
        let call = self.lock(py)?.core.next_update_call();
        let (object, takes_step, is_running) = {
            let mut sources = self.sources();
            let source = sources.iter_mut().find(|s| s.name == name).ok_or_else(|| replaced(py, name))?;
            let is_running = source.is_running();
            if !is_running {
                source.callers.push(current().id());
            }
            (source.object.clone_ref(py), source.takes_step, is_running)
        };
        if is_running {
            return Err(uses_itself(name, object.bind(py), &format!("reads {name} of")));
        }
        let calling = Calling { optimizer: self, object: &object };
        let returned = if takes_step { object.call1(py, (call,)) } else { object.call0(py) };
        drop(calling);
        let returned = returned?;
        let x = returned.extract::<f64>(py).map_err(|_| {
            error(
                py,
                Kind::Hyperparameter,
                format!(
                    "{name} comes from {} which must return a number; got {}",
                    structure::shown(object.bind(py)),
                    structure::shown(returned.bind(py))
                ),
            )
        })?;
        self.lock(py)?.core.check_value(name, Value::Number(x)).map_err(|e| raise(py, &e))?;
        Ok((object, x))
    }

    /// Marks the update with these values as done.
    fn used(&self, values: &[(String, f64)]) {
        for source in self.sources().iter_mut() {
            if let Some((_, x)) = values.iter().find(|(name, _)| *name == source.name) {
                source.value = Computed { last: Some(*x), next: None };
            }
        }
    }

    /// Drops all values of sources, which belong to another state of the run.
    fn forget(&self) {
        self.sources().iter_mut().for_each(|source| source.value = Computed::default());
    }
}

fn replaced(py: Python<'_>, name: &str) -> PyErr {
    concurrent(py, &format!("another thread has set {name}"))
}

/// A source that does something for which its own value is needed.
fn uses_itself(name: &str, object: &Bound<'_, PyAny>, what: &str) -> PyErr {
    let source = structure::shown(object);
    error(
        object.py(),
        Kind::ConcurrentStep,
        format!(
            "{name} comes from {source}, which {what} the optimizer that asks it for {name}; nothing was changed. \
             It must compute the number without that"
        ),
    )
}

fn broken(py: Python<'_>) -> PyErr {
    error(
        py,
        Kind::Internal,
        "a step of this optimizer failed halfway, so its state cannot be trusted; load a saved state into a new one and report this",
    )
}

fn not_built(py: Python<'_>) -> PyErr {
    let message = "the optimizer is not built; call build(params) first, or apply(grads, params)";
    error(py, Kind::NotBuilt, message)
}

fn overrides(
    core: &Core,
    list: Option<&Bound<'_, PyList>>,
    names: &[String],
) -> PyResult<Vec<Vec<Override>>> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let mut all = Vec::with_capacity(list.len());
    for (name, row) in names.iter().zip(list.iter()) {
        let mut own = Vec::new();
        for (key, value) in row.cast::<PyDict>()?.iter() {
            let key: String = key.extract()?;
            let refuse = |wanted: &str| {
                let given = structure::brief(&value);
                let message = format!("override for parameter '{name}': {key} must be {wanted}; got {given}");
                error(row.py(), Kind::Hyperparameter, message)
            };
            let number = || value.extract::<f64>().map_err(|_| refuse("a finite number >= 0"));
            let switch = || value.extract::<bool>().map_err(|_| refuse("True or False"));
            own.push(match key.as_str() {
                "trainable" => Override::Trainable(switch()?),
                "own_rule" => Override::Routed(switch()?),
                "layer_adaptation" => Override::Adapt(switch()?),
                "learning_rate" => Override::LearningRate(number()?),
                "learning_rate_multiplier" => Override::Multiplier(number()?),
                _ => {
                    let (_, hyper) = core.values().find(&key).map_err(|e| raise(row.py(), &e))?;
                    let named = |e: PyErr| {
                        let message = format!("override for parameter '{name}': {}", e.value(row.py()));
                        error(row.py(), Kind::Hyperparameter, message)
                    };
                    Override::Value(key, from_python(hyper, &value).map_err(named)?)
                }
            });
        }
        all.push(own);
    }
    Ok(all)
}

/// Values by the names of their rows.
fn settings(core: &Core, hyper: &Bound<'_, PyDict>) -> PyResult<Vec<(&'static str, Value)>> {
    let py = hyper.py();
    hyper
        .iter()
        .map(|(name, value)| {
            let (_, row) = core.values().find(&name.extract::<String>()?).map_err(|e| raise(py, &e))?;
            Ok((row.name, from_python(row, &value)?))
        })
        .collect()
}

/// Names of the hyperparameters that have no effect with the others; `sources` drive some of them.
#[pyfunction]
#[pyo3(signature = (algorithm, hyper, sources, /))]
pub(super) fn without_effect(
    algorithm: &str,
    hyper: &Bound<'_, PyDict>,
    sources: Vec<String>,
) -> PyResult<Vec<&'static str>> {
    let wrap = |e: Error| raise(hyper.py(), &e);
    let mut core = Core::new(algorithm).map_err(wrap)?;
    for name in sources {
        core.will_move(&name).map_err(wrap)?;
    }
    core.configure_leniently(&settings(&core, hyper)?).map_err(wrap)?;
    Ok(core.drop_without_effect())
}

#[pymethods]
impl Optimizer {
    #[new]
    #[pyo3(signature = (algorithm, hyper, sources=None, /))]
    fn new(
        algorithm: &str,
        hyper: &Bound<'_, PyDict>,
        sources: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = hyper.py();
        let wrap = |e: Error| raise(py, &e);
        let mut core = Core::new(algorithm).map_err(wrap)?;
        core.set_isa(isa().map_err(wrap)?);
        let mut moving = Vec::new();
        for (name, source) in sources.into_iter().flatten() {
            let name: String = name.extract()?;
            let (object, takes_step) = source.extract()?;
            core.will_move(&name).map_err(wrap)?;
            moving.push(Source::new(name, object, takes_step));
        }
        let settings = settings(&core, hyper)?;
        core.configure(settings).map_err(wrap)?;
        Ok(Optimizer {
            inner: Mutex::new(Inner { core, bound: None, broken: false }),
            sources: Mutex::new(moving),
        })
    }

    /// Binds the parameters and allocates the state; restores `pending` if it is given.
    #[pyo3(signature = (params, overrides, pending, differences=Vec::new(), /))]
    fn build(
        &self,
        py: Python<'_>,
        params: &Bound<'_, PyAny>,
        overrides: Option<&Bound<'_, PyList>>,
        pending: Option<&Bound<'_, PyDict>>,
        differences: Vec<String>,
    ) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        if inner.bound.is_some() {
            return Err(error(
                py,
                Kind::ParameterSet,
                "build was called before; make a new optimizer for other parameters, or call reset() to start again with these",
            ));
        }
        let (mut bound, names) = Bindings::new(params)?;
        let own = self::overrides(&inner.core, overrides, &names)?;
        let sizes: Vec<(&str, &[usize])> =
            names.iter().zip(&bound.shapes).map(|(name, shape)| (name.as_str(), &shape[..])).collect();
        // Built and loaded aside, so that an error leaves this optimizer as it was.
        let mut core = inner.core.unbuilt();
        guarded(py, || core.build_with(&sizes, &own))?.map_err(|e| raise(py, &e))?;
        bound.start(&mut core);
        if let Some(pending) = pending {
            state::load(&mut core, pending, true, differences)?;
        }
        let (start, len) = core.state_memory();
        let mut ranges = bound.ranges.to_vec();
        ranges.push((start..start + len, None));
        ranges.sort_by_key(|(range, _)| range.start);
        bound.ranges = ranges.into();
        inner.core = core;
        inner.bound = Some(bound);
        Ok(())
    }

    /// One call: checks everything, then updates the parameters in place.
    #[pyo3(signature = (grads, /))]
    fn apply(&self, py: Python<'_>, grads: &Bound<'_, PyAny>) -> PyResult<bool> {
        let values = self.due(py)?;
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken: is_broken } = &mut *inner;
        if *is_broken {
            return Err(broken(py));
        }
        let Some(bound) = bound else { return Err(not_built(py)) };
        let done = step(py, core, bound, grads, &values);
        bound.release(py);
        *is_broken = matches!(done, Err(Failure::Panicked(_)));
        if matches!(done, Ok(true)) {
            self.used(&values);
        }
        done.map_err(|failure| match failure {
            Failure::Refused(e) | Failure::Panicked(e) => e,
        })
    }

    /// The checks of `apply` before it writes; nothing is changed.
    #[pyo3(signature = (grads, /))]
    fn verify(&self, py: Python<'_>, grads: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken: is_broken } = &mut *inner;
        if *is_broken {
            return Err(broken(py));
        }
        let Some(bound) = bound else { return Err(not_built(py)) };
        let done = verify(py, core, bound, grads);
        bound.release(py);
        done
    }

    /// An error unless `params` has the structure and memory that were bound.
    #[pyo3(signature = (params, /))]
    fn check_params(&self, py: Python<'_>, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = self.lock(py)?;
        let Some(bound) = &inner.bound else {
            return Ok(());
        };
        let mut leaves = Vec::new();
        structure::follow(&bound.structure, params, "the parameters", &mut |leaf| {
            leaves.push(leaf);
            Ok(())
        })?;
        for (i, (leaf, parameter)) in leaves.iter().zip(&bound.parameters).enumerate() {
            let name = || inner.core.names()[i].clone();
            let array = arrays::read(leaf, Role::Parameter, &name)?;
            if array.data != parameter.array.data || array.len != parameter.array.len {
                return Err(error(
                    py,
                    Kind::ParameterSet,
                    format!(
                        "parameter '{}' is not the array that build bound; leave params out, or pass the same arrays",
                        name()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Sets a hyperparameter, and drops its source if it has one.
    #[pyo3(signature = (name, value, /))]
    fn set(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let mut inner = self.lock(py)?;
        let (_, hyper) = inner.core.values().find(name).map_err(|e| raise(py, &e))?;
        let value = from_python(hyper, value)?;
        inner.core.set(name, value).map_err(|e| raise(py, &e))?;
        drop(inner);
        self.sources().retain(|s| s.name != name);
        Ok(())
    }

    /// Sets several hyperparameters that may only be legal together: all, or none on an error.
    #[pyo3(signature = (hyper, /))]
    fn configure(&self, hyper: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = hyper.py();
        let mut inner = self.lock(py)?;
        let settings = settings(&inner.core, hyper)?;
        inner.core.configure(settings.iter().copied()).map_err(|e| raise(py, &e))?;
        drop(inner);
        self.sources().retain(|s| settings.iter().all(|(name, _)| s.name != *name));
        Ok(())
    }

    /// The current value of a hyperparameter.
    #[pyo3(signature = (name, /))]
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if let Some(x) = self.computed(py, name)? {
            return to_python(py, Value::Number(x));
        }
        let value = self.lock(py)?.core.values().get(name).map_err(|e| raise(py, &e))?;
        to_python(py, value)
    }

    /// Sets a source for a hyperparameter, which is called with the number of the call or without arguments.
    #[pyo3(signature = (name, source, takes_step, /))]
    fn set_source(&self, py: Python<'_>, name: String, source: Py<PyAny>, takes_step: bool) -> PyResult<()> {
        self.lock(py)?.core.will_move(&name).map_err(|e| raise(py, &e))?;
        let mut sources = self.sources();
        sources.retain(|s| s.name != name);
        sources.push(Source::new(name, source, takes_step));
        Ok(())
    }

    /// Copies of all state by name.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self.lock(py)?;
        match &inner.bound {
            Some(_) => state::save(py, &inner.core),
            None => Err(error(py, Kind::NotBuilt, "there is no state yet; call build(params) first")),
        }
    }

    /// Restores what `state_dict` returned.
    #[pyo3(signature = (state, strict, differences=Vec::new(), /))]
    fn load_state_dict(
        &self,
        py: Python<'_>,
        state: &Bound<'_, PyDict>,
        strict: bool,
        differences: Vec<String>,
    ) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken } = &mut *inner;
        match bound {
            Some(_) => state::load(core, state, strict, differences)?,
            None => return Err(error(py, Kind::NotBuilt, "call build(params) first")),
        }
        *broken = false;
        self.forget();
        Ok(())
    }

    /// Goes back to before `build`; keeps hyperparameters and their sources.
    fn unbuild(&self, py: Python<'_>) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        inner.core = inner.core.unbuilt();
        (inner.bound, inner.broken) = (None, false);
        Ok(())
    }

    /// Zeroes state and counters.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken } = &mut *inner;
        core.reset();
        if let Some(bound) = bound {
            bound.check(py, core.names())?;
            bound.start(core);
        }
        *broken = false;
        self.forget();
        Ok(())
    }

    /// Read-only views of the averages by parameter name; empty without `use_ema`.
    fn averages<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let py = slf.py();
        let inner = slf.get().lock(py)?;
        let dict = PyDict::new(py);
        let Some(bound) = &inner.bound else {
            return Ok(dict);
        };
        for (i, name) in inner.core.names().iter().enumerate() {
            let Some(average) = inner.core.average_of(i) else {
                break;
            };
            let array = read_only(slf, average, &bound.shapes[i])?;
            dict.set_item(name, array)?;
        }
        Ok(dict)
    }

    /// Read-only views of the float32 state of one parameter, by slot; None where there is no such parameter.
    fn state<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let inner = slf.get().lock(slf.py())?;
        let Some(tensor) = inner.core.names().iter().position(|own| own == name) else { return Ok(None) };
        let dict = PyDict::new(slf.py());
        for entry in inner.core.entries_of(tensor) {
            if entry.format == Some(Format::Float32) {
                let values = bytemuck::cast_slice(inner.core.entry_bytes(&entry));
                dict.set_item(&entry.key[name.len() + 1..], read_only(slf, values, &entry.shape)?)?;
            }
        }
        Ok(Some(dict))
    }

    /// A copy of one array of the state as float32 numbers; None where there is no such array.
    fn read_state<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        slot: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let inner = self.lock(py)?;
        let place = inner.core.names().iter().position(|own| own == name);
        let found = place.and_then(|tensor| inner.core.read_state(tensor, slot));
        found.map(|(values, shape)| Ok(PyArray1::from_vec(py, values).reshape(shape)?.into_any())).transpose()
    }

    /// Copies of the evaluation weights by parameter name: averages, or slow weights; empty if these are
    /// the parameters themselves.
    fn evaluation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, .. } = &mut *inner;
        let dict = PyDict::new(py);
        let Some(bound) = bound else { return Ok(dict) };
        bound.check(py, core.names())?;
        refuse_running(py, &bound.ranges)?;
        for (i, parameter) in bound.parameters.iter().enumerate() {
            // SAFETY: the parameter was checked just now, and no other code writes to it meanwhile.
            let values =
                unsafe { std::slice::from_raw_parts(parameter.array.data.cast(), parameter.array.len) };
            if let Some(values) = core.evaluated(i, values) {
                let array = PyArray1::from_vec(py, values).reshape(bound.shapes[i].clone())?;
                dict.set_item(&core.names()[i], array)?;
            }
        }
        Ok(dict)
    }

    /// Overwrites every parameter with its average, if there are averages.
    fn finalize(&self, py: Python<'_>) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, .. } = &mut *inner;
        let Some(bound) = bound else {
            return Err(error(py, Kind::NotBuilt, "the optimizer is not built; there are no averages yet"));
        };
        bound.check(py, core.names())?;
        refuse_running(py, &bound.ranges)?;
        if core.iterations() == 0 {
            return Ok(());
        }
        for (i, parameter) in bound.parameters.iter().enumerate() {
            if let Some(average) = core.average_of(i) {
                // SAFETY: the parameter was checked just now and has as many elements.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        average.as_ptr(),
                        parameter.array.data.cast(),
                        average.len(),
                    )
                };
            }
        }
        Ok(())
    }

    /// A description of each parameter.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let rate = self.computed(py, "learning_rate")?;
        let inner = self.lock(py)?;
        let rate = rate.unwrap_or(inner.core.values().number(0));
        let shapes = inner.bound.as_ref().map_or(&[][..], |bound| &bound.shapes);
        inner
            .core
            .rows(rate)
            .into_iter()
            .zip(shapes)
            .map(|(row, shape)| {
                let dict = PyDict::new(py);
                dict.set_item("name", row.name)?;
                dict.set_item("shape", PyTuple::new(py, shape)?)?;
                dict.set_item("size", row.len)?;
                dict.set_item("learning_rate", row.learning_rate)?;
                dict.set_item("weight_decay", row.weight_decay)?;
                dict.set_item("layer_adaptation", row.layer_adaptation)?;
                dict.set_item("trainable", row.trainable)?;
                dict.set_item("rule", row.rule)?;
                dict.set_item("formula", row.formula)?;
                dict.set_item("state_bytes", row.state_bytes)?;
                let slots: Vec<(&str, &str)> = row.slots.iter().map(|(name, f)| (*name, f.name())).collect();
                dict.set_item("slots", slots)?;
                dict.set_item("slot_bytes", row.slot_bytes)?;
                Ok(dict)
            })
            .collect()
    }

    /// The update with the current hyperparameters, or that of the parameters that follow another rule.
    #[pyo3(signature = (*, routed=false))]
    fn formula(&self, py: Python<'_>, routed: bool) -> PyResult<Option<String>> {
        let inner = self.lock(py)?;
        let (algorithm, values) = (inner.core.algorithm(), inner.core.values());
        Ok(if routed { algorithm.routed_formula(values) } else { Some(algorithm.formula(values)) })
    }

    /// Shows the garbage collector the references to sources and parameters.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(sources) = self.sources.try_lock() {
            sources.iter().try_for_each(|source| visit.call(&source.object))?;
        }
        if let Ok(inner) = self.inner.try_lock()
            && let Some(bound) = &inner.bound
        {
            visit.call(&bound.container)?;
            bound.parameters.iter().try_for_each(|parameter| visit.call(&parameter.object))?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        if let Ok(mut sources) = self.sources.try_lock() {
            sources.clear();
        }
        if let Ok(mut inner) = self.inner.try_lock() {
            inner.bound = None;
        }
    }

    #[getter]
    fn built(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.lock(py)?.bound.is_some())
    }

    #[getter]
    fn iterations(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.lock(py)?.core.iterations())
    }

    #[getter]
    fn calls(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.lock(py)?.core.calls())
    }

    #[getter]
    fn skipped_steps(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.lock(py)?.core.skipped_steps())
    }

    #[getter]
    fn last_skip(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.lock(py)?.core.last_skip().map(String::from))
    }

    #[getter]
    fn state_bytes(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.lock(py)?.core.state_bytes())
    }

    #[getter]
    fn parameter_names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.lock(py)?.core.names().to_vec())
    }

    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let inner = self.lock(py)?;
        let bound = inner.bound.as_ref();
        Ok(bound.map_or_else(Vec::new, |b| b.parameters.iter().map(|p| p.object.bind(py).clone()).collect()))
    }

    #[getter]
    fn last_learning_rate(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.lock(py)?.core.rates().last.unwrap_or(f64::NAN))
    }

    #[getter]
    fn gradient_norm(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        Ok(self.lock(py)?.core.gradient_norm())
    }

    #[getter]
    fn trust_ratios<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        self.ratios(py, |r| r.ratio)
    }

    #[getter]
    fn weight_norms<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        self.ratios(py, |r| r.weight_norm)
    }

    #[getter]
    fn update_norms<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        self.ratios(py, |r| r.update_norm)
    }
}

impl Optimizer {
    fn ratios<'py>(
        &self,
        py: Python<'py>,
        pick: impl Fn(&crate::rule::TrustRecord) -> f64,
    ) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let ratios = self.lock(py)?.core.ratios();
        Ok(ratios.map(|ratios| PyArray1::from_iter(py, ratios.iter().map(pick))))
    }
}

/// A read-only array over memory of an optimizer, which it keeps alive.
fn read_only<'py>(
    owner: &Bound<'py, Optimizer>,
    values: &[f32],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the memory lives as long as the owner, which becomes the array's base.
    let flat = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), owner.clone().into_any()) };
    flat.call_method1("setflags", (false,))?;
    flat.call_method1("reshape", (PyTuple::new(owner.py(), shape)?,))
}
