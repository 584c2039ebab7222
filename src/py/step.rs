//! One step, from checked arrays to updated parameters.

use crate::error::Kind;
use crate::optimizer::Optimizer as Core;
use crate::py::bindings::{Bindings, Pointers};
use crate::py::errors::{error, raise};
use crate::py::running::{Reservation, refuse_running};
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Number of elements from which a step lets other Python threads run.
const DETACH_FROM: usize = 65_536;
/// Runs native code; a panic becomes an exception.
pub(crate) fn guarded<T>(py: Python<'_>, work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        error(py, Kind::Internal, format!("a defect of lamb_rs, please report it: {what}"))
    })
}
/// Why a step failed: it was refused before anything was written, or it panicked.
pub(crate) enum Failure {
    Refused(PyErr),
    Panicked(PyErr),
}

impl From<PyErr> for Failure {
    fn from(e: PyErr) -> Self {
        Failure::Refused(e)
    }
}

/// Checks and runs one step.
pub(crate) fn step(
    py: Python<'_>,
    core: &mut Core,
    bound: &mut Bindings,
    grads: &Bound<'_, PyAny>,
    values: &[(String, f64)],
) -> Result<bool, Failure> {
    bound.take_gradients(py, grads, core.names())?;
    for (name, value) in values {
        core.set_moving(name, *value).map_err(|e| raise(py, &e))?;
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

/// Checks one step without taking it.
pub(crate) fn verify(
    py: Python<'_>,
    core: &mut Core,
    bound: &mut Bindings,
    grads: &Bound<'_, PyAny>,
) -> PyResult<()> {
    bound.take_gradients(py, grads, core.names())?;
    refuse_running(py, &bound.ranges)?;
    let pointers = &bound.pointers;
    // SAFETY: as in `step`; nothing is written.
    guarded(py, || unsafe { core.verify_raw(&pointers.0, &pointers.1) })?.map_err(|e| raise(py, &e))
}
