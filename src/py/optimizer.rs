//! The one class that Python sees.

use crate::engine::sweep::Gradient;
use crate::error::{Error, Kind};
use crate::hyper::{Domain, Value};
use crate::optimizer::{Optimizer as Core, Override};
use crate::py::arrays::{self, Array, Role};
use crate::py::errors::{error, raise};
use crate::py::structure::{self, Node};
use crate::py::{from_python, isa, state, to_python};
use numpy::PyArray1;
use numpy::ndarray::ArrayView1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// Elements from which a step takes long enough to let other Python threads run.
const DETACH_FROM: usize = 65_536;

/// A hyperparameter whose value is computed: a schedule of the step, or a callable.
struct Source {
    name: String,
    object: Py<PyAny>,
    takes_step: bool,
}

/// A parameter as it was bound.
struct Parameter {
    object: Py<PyAny>,
    array: Array,
}

// SAFETY: the address is used only while the array is alive and the interpreter attached, or
// while its range is reserved.
unsafe impl Send for Parameter {}

/// What was bound by `build`.
struct Bindings {
    structure: Node,
    /// Addresses of the parameters and of the gradients of the step in hand.
    pointers: Pointers,
    /// The gradients of the step in hand; empty between steps.
    leaves: Vec<Py<PyAny>>,
    /// The structure as passed, as long as somebody else holds it.
    container: Option<Py<PyAny>>,
    parameters: Vec<Parameter>,
    shapes: Vec<Vec<usize>>,
    /// Addresses of the non-empty parameters and of the state, in order; the number is the
    /// parameter, none for the state.
    ranges: Ranges,
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

/// Addresses, in order; the number is the parameter, none for the state.
type Ranges = Arc<[(Range<usize>, Option<usize>)]>;

/// What steps are writing to with the interpreter detached: process, reservation, addresses.
static RUNNING: Mutex<Vec<(u32, usize, Ranges)>> = Mutex::new(Vec::new());
static RUNNING_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Address ranges that belong to a running step until this is dropped.
struct Reservation(usize);

impl Reservation {
    fn take(py: Python<'_>, ranges: &Ranges) -> PyResult<Reservation> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        refuse_running(py, ranges)?;
        let process = std::process::id();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        // What a parent was doing when it forked is none of the child's business.
        running.retain(|(owner, _, _)| *owner == process);
        running.push((process, id, Arc::clone(ranges)));
        RUNNING_COUNT.store(running.len(), Ordering::Relaxed);
        Ok(Reservation(id))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(_, id, _)| *id != self.0);
        RUNNING_COUNT.store(running.len(), Ordering::Relaxed);
    }
}

/// An error if a running step writes to one of the ranges.
fn refuse_running(py: Python<'_>, ranges: &Ranges) -> PyResult<()> {
    if RUNNING_COUNT.load(Ordering::Relaxed) == 0 {
        return Ok(());
    }
    let process = std::process::id();
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let busy = running.iter().filter(|(owner, _, _)| *owner == process).any(|(_, _, taken)| {
        ranges.iter().any(|(range, _)| {
            let next = taken.partition_point(|(other, _)| other.end <= range.start);
            taken.get(next).is_some_and(|(other, _)| other.start < range.end)
        })
    });
    if busy { Err(concurrent(py, "another optimizer is writing to the same parameters")) } else { Ok(()) }
}

fn concurrent(py: Python<'_>, what: &str) -> PyErr {
    error(
        py,
        Kind::ConcurrentStep,
        format!("{what}; nothing was changed. Take steps from one thread, or guard them with a lock"),
    )
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

/// Runs native code; a panic becomes an exception.
fn guarded<T>(py: Python<'_>, work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        error(py, Kind::Internal, format!("a defect of lamb_rs, please report it: {what}"))
    })
}

impl Bindings {
    fn new(params: &Bound<'_, PyAny>) -> PyResult<(Bindings, Vec<String>)> {
        let (structure, leaves) = structure::bind(params)?;
        let mut bound = Bindings {
            structure,
            pointers: Pointers(Vec::new(), Vec::new()),
            leaves: Vec::new(),
            container: Some(params.clone().unbind()),
            parameters: Vec::with_capacity(leaves.len()),
            shapes: Vec::with_capacity(leaves.len()),
            ranges: Ranges::from([]),
        };
        if let [(_, only)] = &leaves[..]
            && only.is(params)
        {
            bound.container = None;
        }
        let mut names = Vec::with_capacity(leaves.len());
        let mut ranges = Vec::with_capacity(leaves.len());
        for (name, leaf) in leaves {
            let array = arrays::read(&leaf, Role::Parameter, &|| name.clone())?;
            if array.len > 0 {
                ranges.push((array.range(), Some(names.len())));
            }
            bound.pointers.0.push(array.data.cast());
            bound.shapes.push(leaf.getattr("shape")?.extract()?);
            bound.parameters.push(Parameter { object: leaf.unbind(), array });
            names.push(name);
        }
        ranges.sort_by_key(|(range, _)| range.start);
        for pair in ranges.windows(2) {
            let [(a, Some(i)), (b, Some(j))] = pair else {
                continue;
            };
            if b.start < a.end {
                let (first, second) = (&names[*i.min(j)], &names[*i.max(j)]);
                return Err(error(
                    params.py(),
                    Kind::Alias,
                    format!(
                        "parameters '{first}' and '{second}' share {} bytes of memory, which would be updated twice; \
                         pass each parameter once",
                        a.end.min(b.end) - b.start
                    ),
                ));
            }
        }
        bound.ranges = ranges.into();
        Ok((bound, names))
    }

    /// An error if a parameter is no longer what was bound.
    fn check(&mut self, py: Python<'_>, names: &[String]) -> PyResult<()> {
        let moved = |i: usize, why: &str| {
            error(
                py,
                Kind::ParameterSet,
                format!(
                    "parameter '{}' {why}, so the step would not reach it; nothing was changed. Update parameters in place \
                     (w -= x, w[...] = x), or build a new optimizer",
                    names[i]
                ),
            )
        };
        if let Some(container) = &self.container {
            if references(container) == 1 {
                // It was made for the call of `build`; nobody can look into it.
                self.container = None;
            } else {
                let mut i = 0;
                structure::follow(&self.structure, container.bind(py), "the parameters", &mut |leaf| {
                    i += 1;
                    let bound = &self.parameters[i - 1];
                    // Another view of the same memory is as good.
                    let same = leaf.is(&bound.object)
                        || arrays::read(&leaf, Role::Parameter, &|| names[i - 1].clone())
                            .is_ok_and(|a| a.data == bound.array.data && a.len == bound.array.len);
                    if same { Ok(()) } else { Err(moved(i - 1, "was replaced by another array")) }
                })?;
            }
        }
        for (i, parameter) in self.parameters.iter().enumerate() {
            let object = parameter.object.bind(py);
            let array = arrays::read(object, Role::Parameter, &|| names[i].clone())?;
            if array.data != parameter.array.data || array.len != parameter.array.len {
                return Err(moved(i, "was moved or resized"));
            }
            if self.container.is_none() && references(&parameter.object) == 1 && arrays::owns_memory(object) {
                return Err(moved(i, "was rebound: nobody but the optimizer holds its array"));
            }
        }
        Ok(())
    }

    /// Checks parameters and gradients, and keeps the gradients and their addresses for the step.
    fn take_gradients(&mut self, py: Python<'_>, grads: &Bound<'_, PyAny>, names: &[String]) -> PyResult<()> {
        let leaves = &mut self.leaves;
        structure::follow(&self.structure, grads, "the gradients", &mut |leaf| {
            leaves.push(leaf.unbind());
            Ok(())
        })?;
        // From here on no code of the caller runs: what was checked stays so.
        self.check(py, names)?;
        let mut gradients = std::mem::take(&mut self.pointers.1);
        gradients.clear();
        for (i, leaf) in self.leaves.iter().enumerate() {
            gradients.push(self.gradient(i, leaf.bind(py), names)?);
        }
        self.pointers.1 = gradients;
        Ok(())
    }

    /// A gradient that passed every check.
    fn gradient(&self, i: usize, leaf: &Bound<'_, PyAny>, names: &[String]) -> PyResult<Gradient> {
        if leaf.is_none() {
            return Ok(Gradient::None);
        }
        let py = leaf.py();
        let array = arrays::read(leaf, Role::Gradient, &|| names[i].clone())?;
        let parameter = self.parameters[i].object.bind(py);
        if !arrays::same_shape(leaf, parameter) {
            return Err(error(
                py,
                Kind::Shape,
                format!(
                    "gradient of '{}' has shape {}, the parameter has {}; there is no broadcasting",
                    names[i],
                    arrays::text(leaf, "shape"),
                    arrays::text(parameter, "shape")
                ),
            ));
        }
        self.refuse_overlap(py, i, &array, names)?;
        Ok(array.gradient())
    }

    /// Starts every average as a copy of its parameter.
    fn start_averages(&self, core: &mut Core) {
        for (i, parameter) in self.parameters.iter().enumerate() {
            let Array { data, len, .. } = parameter.array;
            // SAFETY: the parameter was checked just now, and nobody writes while this runs.
            core.start_average(i, unsafe { std::slice::from_raw_parts(data.cast(), len) });
        }
    }

    /// An error if a gradient lies in memory that the step writes to.
    fn refuse_overlap(&self, py: Python<'_>, i: usize, gradient: &Array, names: &[String]) -> PyResult<()> {
        let range = gradient.range();
        let next = self.ranges.partition_point(|(taken, _)| taken.end <= range.start);
        match self.ranges.get(next) {
            Some((taken, owner)) if taken.start < range.end && gradient.len > 0 => {
                let bytes = taken.end.min(range.end) - taken.start.max(range.start);
                let owner = owner.map_or("the state".to_string(), |j| format!("parameter '{}'", names[j]));
                Err(error(
                    py,
                    Kind::Alias,
                    format!(
                        "gradient of '{}' shares {bytes} bytes of memory with {owner}; pass a .copy() of it",
                        names[i]
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Why a step did not happen: refused before anything was written, or broken off.
enum Failure {
    Refused(PyErr),
    Panicked(PyErr),
}

impl From<PyErr> for Failure {
    fn from(e: PyErr) -> Self {
        Failure::Refused(e)
    }
}

/// Checks and runs one step.
fn step(
    py: Python<'_>,
    core: &mut Core,
    bound: &mut Bindings,
    grads: &Bound<'_, PyAny>,
    values: Vec<(String, f64)>,
) -> Result<bool, Failure> {
    bound.take_gradients(py, grads, core.names())?;
    for (name, value) in values {
        core.set_moving(&name, value).map_err(|e| raise(py, &e))?;
    }
    let Bindings { pointers, ranges, .. } = bound;
    let pointers: &Pointers = pointers;
    let run = |core: &mut Core, pointers: &Pointers| {
        // SAFETY: every array was checked, no written range overlaps another one, and the arrays
        // are held for the time of the call.
        unsafe { core.apply_raw(&pointers.0, &pointers.1) }
    };
    let done = if core.elements() < DETACH_FROM {
        refuse_running(py, ranges)?;
        guarded(py, || run(core, pointers))
    } else {
        let reserved = Reservation::take(py, ranges)?;
        let done = py.detach(|| catch_unwind(AssertUnwindSafe(|| run(core, pointers))));
        drop(reserved);
        done.or_else(|panic| guarded(py, || std::panic::resume_unwind(panic)))
    };
    match done {
        Ok(updated) => updated.map_err(|e| Failure::Refused(raise(py, &e))),
        Err(panicked) => Err(Failure::Panicked(panicked)),
    }
}

/// The reference count of an object.
fn references(object: &Py<PyAny>) -> u32 {
    // SAFETY: a live object starts with its count; newer interpreters keep flags in its upper half.
    unsafe { object.as_ptr().cast::<u32>().read() }
}

/// Pointers of one step, for the thread that runs it with the interpreter detached.
struct Pointers(Vec<*mut f32>, Vec<Gradient>);
// SAFETY: the arrays are held and their ranges reserved for the time of the step.
unsafe impl Send for Pointers {}
// SAFETY: as above; the addresses are only read.
unsafe impl Sync for Pointers {}

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
        let sizes: Vec<(&str, usize)> =
            names.iter().zip(&bound.parameters).map(|(name, p)| (name.as_str(), p.array.len)).collect();
        // Built and loaded aside, so that an error leaves this optimizer as it was.
        let mut core = inner.core.unbuilt();
        guarded(py, || core.build_with(&sizes, &own))?.map_err(|e| raise(py, &e))?;
        bound.start_averages(&mut core);
        if let Some(pending) = pending {
            state::load(&mut core, &bound.shapes, pending, true)?;
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
        let Some(bound) = bound else {
            return Err(error(
                py,
                Kind::NotBuilt,
                "the optimizer is not built; call build(params) first, or apply(grads, params)",
            ));
        };
        let done = step(py, core, bound, grads, values);
        bound.leaves.clear();
        *is_broken = matches!(done, Err(Failure::Panicked(_)));
        done.map_err(|failure| match failure {
            Failure::Refused(e) | Failure::Panicked(e) => e,
        })
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
            Some(bound) => state::save(py, &inner.core, &bound.shapes),
            None => Err(error(py, Kind::NotBuilt, "there is no state yet; call build(params) first")),
        }
    }

    /// Restores what `state_dict` returned.
    #[pyo3(signature = (state, strict, /))]
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>, strict: bool) -> PyResult<()> {
        let mut inner = self.lock(py)?;
        let Inner { core, bound, broken } = &mut *inner;
        match bound {
            Some(bound) => state::load(core, &bound.shapes, state, strict)?,
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
            bound.start_averages(core);
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
        pick: impl Fn(&crate::trust::Ratio) -> f64,
    ) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let ratios = self.lock(py)?.core.ratios();
        Ok(ratios.map(|ratios| PyArray1::from_iter(py, ratios.iter().map(pick))))
    }
}
