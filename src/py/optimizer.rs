//! The one class that Python sees.

use crate::error::{Error, Kind};
use crate::hyper::{Domain, Value};
use crate::optimizer::{Optimizer as Core, Override};
use crate::py::arrays::{self, Role};
use crate::py::bindings::Bindings;
use crate::py::errors::{error, raise};
use crate::py::running::{concurrent, refuse_running};
use crate::py::step::{Failure, guarded, step, verify};
use crate::py::{from_python, isa, state, structure, to_python};
use numpy::ndarray::ArrayView1;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A hyperparameter whose value is computed: a schedule of the step, or a callable.
struct Source {
    name: String,
    object: Py<PyAny>,
    takes_step: bool,
}

struct Inner {
    core: Core,
    bound: Option<Bindings>,
    /// After a panic in a step the state is not to be trusted.
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

    /// Values of the sources, or of the one called `only`, for the call in hand. No lock is held
    /// while Python code runs.
    fn evaluate(&self, py: Python<'_>, only: Option<&str>) -> PyResult<Vec<(String, f64)>> {
        let pending: Vec<(String, Py<PyAny>, bool)> = {
            let sources = self.sources();
            if sources.is_empty() {
                return Ok(Vec::new());
            }
            sources
                .iter()
                .filter(|s| only.is_none_or(|name| s.name == name))
                .map(|s| (s.name.clone(), s.object.clone_ref(py), s.takes_step))
                .collect()
        };
        let calls = self.lock(py)?.core.calls();
        pending
            .into_iter()
            .map(|(name, object, takes_step)| {
                let value = if takes_step { object.call1(py, (calls,))? } else { object.call0(py)? };
                let number = value.extract::<f64>(py).map_err(|_| {
                    error(
                        py,
                        Kind::Hyperparameter,
                        format!(
                            "{name} comes from {} which must return a number; got {}",
                            structure::shown(object.bind(py)),
                            structure::shown(value.bind(py))
                        ),
                    )
                })?;
                Ok((name, number))
            })
            .collect()
    }
}

impl Optimizer {
    /// Values of the sources if the coming call updates.
    fn due(&self, py: Python<'_>) -> PyResult<Vec<(String, f64)>> {
        if self.sources().is_empty() || !self.lock(py)?.core.next_call_updates() {
            return Ok(Vec::new());
        }
        self.evaluate(py, None)
    }
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

fn overrides(core: &Core, list: Option<&Bound<'_, PyList>>) -> PyResult<Vec<Vec<Override>>> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let mut all = Vec::with_capacity(list.len());
    for row in list.iter() {
        let mut own = Vec::new();
        for (key, value) in row.cast::<PyDict>()?.iter() {
            let key: String = key.extract()?;
            let refuse = |wanted: &str| {
                let given = value.repr().map_or_else(|_| String::new(), |r| r.to_string());
                error(row.py(), Kind::Hyperparameter, format!("override {key} must be {wanted}; got {given}"))
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
                    Override::Value(key, from_python(hyper, &value)?)
                }
            });
        }
        all.push(own);
    }
    Ok(all)
}

#[pymethods]
impl Optimizer {
    #[new]
    #[pyo3(signature = (algorithm, hyper, /))]
    fn new(algorithm: &str, hyper: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = hyper.py();
        let wrap = |e: Error| raise(py, &e);
        let mut core = Core::new(algorithm).map_err(wrap)?;
        core.set_isa(isa().map_err(wrap)?);
        let mut settings = Vec::with_capacity(hyper.len());
        for (name, value) in hyper.iter() {
            let name: String = name.extract()?;
            let (_, row) = core.values().find(&name).map_err(wrap)?;
            settings.push((row.name, from_python(row, &value)?));
        }
        core.configure(settings).map_err(wrap)?;
        Ok(Optimizer {
            inner: Mutex::new(Inner { core, bound: None, broken: false }),
            sources: Mutex::new(Vec::new()),
        })
    }

    /// Binds the parameters and allocates the state; restores `pending` if it is given.
    #[pyo3(signature = (params, overrides, pending, /))]
    fn build(
        &self,
        py: Python<'_>,
        params: &Bound<'_, PyAny>,
        overrides: Option<&Bound<'_, PyList>>,
        pending: Option<&Bound<'_, PyDict>>,
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
        let own = self::overrides(&inner.core, overrides)?;
        let sizes: Vec<(&str, &[usize])> =
            names.iter().zip(&bound.shapes).map(|(name, shape)| (name.as_str(), &shape[..])).collect();
        // Built and loaded aside, so that an error leaves this optimizer as it was.
        let mut core = inner.core.unbuilt();
        guarded(py, || core.build_with(&sizes, &own))?.map_err(|e| raise(py, &e))?;
        bound.start(&mut core);
        if let Some(pending) = pending {
            state::load(&mut core, pending, true)?;
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
        let done = step(py, core, bound, grads, values);
        bound.leaves.clear();
        *is_broken = matches!(done, Err(Failure::Panicked(_)));
        done.map_err(|failure| match failure {
            Failure::Refused(e) | Failure::Panicked(e) => e,
        })
    }

    /// Everything that `apply` checks before it writes; nothing is changed.
    #[pyo3(signature = (grads, /))]
    fn verify(&self, py: Python<'_>, grads: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken: is_broken } = &mut *inner;
        if *is_broken {
            return Err(broken(py));
        }
        let Some(bound) = bound else { return Err(not_built(py)) };
        let done = verify(py, core, bound, grads);
        bound.leaves.clear();
        done
    }

    /// An error unless `params` is the structure and memory that was bound.
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

    /// Sets a hyperparameter; a source of that name ends.
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

    /// The current value of a hyperparameter.
    #[pyo3(signature = (name, /))]
    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if let Some((_, value)) = self.evaluate(py, Some(name))?.pop() {
            return to_python(py, Value::Number(value));
        }
        let value = self.lock(py)?.core.values().get(name).map_err(|e| raise(py, &e))?;
        to_python(py, value)
    }

    /// Computes a hyperparameter from now on: called with the call count, or with nothing.
    #[pyo3(signature = (name, source, takes_step, /))]
    fn set_source(&self, py: Python<'_>, name: String, source: Py<PyAny>, takes_step: bool) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let (position, hyper) = inner.core.values().find(&name).map_err(|e| raise(py, &e))?;
        if !inner.core.is_built()
            && hyper.domain == Domain::Unit
            && inner.core.values().number(position) == 0.0
        {
            // A decay rate that will move needs its state from the start.
            inner.core.set(&name, Value::Number(0.5)).map_err(|e| raise(py, &e))?;
        }
        drop(inner);
        let mut sources = self.sources();
        sources.retain(|s| s.name != name);
        sources.push(Source { name, object: source, takes_step });
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
    #[pyo3(signature = (state, strict, /))]
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>, strict: bool) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken } = &mut *inner;
        match bound {
            Some(_) => state::load(core, state, strict)?,
            None => return Err(error(py, Kind::NotBuilt, "call build(params) first")),
        }
        *broken = false;
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
            // SAFETY: the memory lives as long as this object, which becomes the array's base.
            let flat =
                unsafe { PyArray1::borrow_from_array(&ArrayView1::from(average), slf.clone().into_any()) };
            flat.call_method1("setflags", (false,))?;
            let array = flat.call_method1("reshape", (PyTuple::new(py, &bound.shapes[i])?,))?;
            dict.set_item(name, array)?;
        }
        Ok(dict)
    }

    /// Copies of what is to be evaluated, by parameter name: averages, or slow weights; empty
    /// where the parameters themselves are.
    fn evaluation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, .. } = &mut *inner;
        let dict = PyDict::new(py);
        let Some(bound) = bound else { return Ok(dict) };
        bound.check(py, core.names())?;
        refuse_running(py, &bound.ranges)?;
        for (i, parameter) in bound.parameters.iter().enumerate() {
            // SAFETY: the parameter was checked just now, and nobody writes while this runs.
            let values =
                unsafe { std::slice::from_raw_parts(parameter.array.data.cast(), parameter.array.len) };
            if let Some(values) = core.evaluated(i, values) {
                let array = PyArray1::from_vec(py, values).reshape(bound.shapes[i].clone())?;
                dict.set_item(&core.names()[i], array)?;
            }
        }
        Ok(dict)
    }

    /// Gives every parameter the value of its average, where averages are kept.
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

    /// What is done to each parameter.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let rate = self.evaluate(py, Some("learning_rate"))?.pop();
        let mut inner = self.lock(py)?;
        if let Some((name, value)) = rate {
            inner.core.set_moving(&name, value).map_err(|e| raise(py, &e))?;
        }
        let shapes = inner.bound.as_ref().map_or(&[][..], |bound| &bound.shapes);
        inner
            .core
            .rows()
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
                dict.set_item("state_bytes", row.state_bytes)?;
                let slots: Vec<(&str, &str)> = row.slots.iter().map(|(name, f)| (*name, f.name())).collect();
                dict.set_item("slots", slots)?;
                Ok(dict)
            })
            .collect()
    }

    /// Lets the garbage collector see cycles through sources and parameters.
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
