//! The memory that steps are writing to while the interpreter is detached.

use crate::error::Kind;
use crate::py::errors::error;
use pyo3::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses, in order; the number is the parameter, none for the state.
pub(crate) type Ranges = Arc<[(Range<usize>, Option<usize>)]>;

/// The memory that running steps are writing to: process, reservation, addresses.
static RUNNING: Mutex<Vec<(u32, usize, Ranges)>> = Mutex::new(Vec::new());
static RUNNING_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Address ranges that belong to a running step until this is dropped.
pub(crate) struct Reservation(usize);

impl Reservation {
    pub(crate) fn take(py: Python<'_>, ranges: &Ranges) -> PyResult<Reservation> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        refuse_running(py, ranges)?;
        let process = std::process::id();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        // After a fork, the child drops the reservations of its parent.
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
pub(crate) fn refuse_running(py: Python<'_>, ranges: &Ranges) -> PyResult<()> {
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

pub(crate) fn concurrent(py: Python<'_>, what: &str) -> PyErr {
    error(
        py,
        Kind::ConcurrentStep,
        format!("{what}; nothing was changed. Take steps from one thread, or guard them with a lock"),
    )
}
