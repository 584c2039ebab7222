//! The number of threads: what was set, what the environment asks for, what the process may use.

use crate::error::{Error, Kind, Result};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The setting; 0 if nothing was set.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Settings of `threads(n)` contexts of this thread, the innermost last.
    static LOCAL: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Sets the number of threads for the whole process. The number is used as given, and not limited to the
/// number of cores.
pub fn set_num_threads(n: usize) {
    THREADS.store(n.max(1), Ordering::Relaxed);
}

/// Sets the number of threads for this thread until [`pop_threads`].
pub fn push_threads(n: usize) {
    LOCAL.with_borrow_mut(|stack| stack.push(n.max(1)));
}

/// Ends the innermost [`push_threads`].
pub fn pop_threads() {
    LOCAL.with_borrow_mut(Vec::pop);
}

/// The number of threads that a step would use if it were large enough.
pub fn num_threads() -> usize {
    threads_and_source().0
}

/// The number of threads and its source.
pub fn threads_and_source() -> (usize, &'static str) {
    if let Some(n) = LOCAL.with_borrow(|stack| stack.last().copied()) {
        return (n, "threads(n)");
    }
    match THREADS.load(Ordering::Relaxed) {
        0 => {
            let (n, source) = from_surroundings();
            // A setting that arrived in the meantime is kept.
            let _ = THREADS.compare_exchange(0, n, Ordering::Relaxed, Ordering::Relaxed);
            (n, source)
        }
        n => {
            let (found, source) = from_surroundings_once();
            (n, if found == n { source } else { "set_num_threads" })
        }
    }
}

fn from_surroundings_once() -> (usize, &'static str) {
    static FOUND: std::sync::OnceLock<(usize, &str)> = std::sync::OnceLock::new();
    *FOUND.get_or_init(from_surroundings)
}

const VARIABLE: &str = "LAMB_RS_NUM_THREADS";

/// The number of threads that `LAMB_RS_NUM_THREADS` requests, if it is set.
///
/// # Errors
///
/// A value that is not an integer from 1 to 2^31 - 1.
pub(crate) fn asked_threads() -> Result<Option<usize>> {
    let value = std::env::var_os(VARIABLE).unwrap_or_default();
    if value.is_empty() {
        return Ok(None);
    }
    let number = value.to_str().and_then(|text| text.trim().parse().ok());
    number.filter(|n| (1..1 << 31).contains(n)).map(Some).ok_or_else(|| {
        let value = value.to_string_lossy();
        let message = format!(
            "the environment variable {VARIABLE} must be an integer >= 1, such as 4, or not be set; got '{value}'"
        );
        Error::new(Kind::Hyperparameter, message)
    })
}

/// Environment variables first, then affinity and cgroup quota.
fn from_surroundings() -> (usize, &'static str) {
    if let Ok(Some(n)) = asked_threads() {
        return (n, VARIABLE);
    }
    // Variables of other libraries may have any value.
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        // OMP_NUM_THREADS may list one number for each nesting level.
        let value = std::env::var(name).unwrap_or_default();
        let first = value.split(',').next().unwrap_or_default().trim();
        if let Some(n) = first.parse::<usize>().ok().filter(|&n| n > 0) {
            return (n, name);
        }
    }
    (std::thread::available_parallelism().map_or(1, usize::from), "affinity and cgroup quota")
}
