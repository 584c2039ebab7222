//! The thread pool, which survives a fork, and the queue that distributes the items of a plan.

use crate::engine::fpenv::DefaultMode;
use crate::engine::plan::{Item, Phase, Plan, Stage};
use crate::error::{Error, Kind, Result};
use std::cell::RefCell;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// A pool and the process that built it. The workers of a parent process do not exist in its
/// child, so a pool serves only the process whose id it carries.
struct Owned {
    process: u32,
    workers: usize,
    pool: rayon::ThreadPool,
}

/// The current pool. Replaced pools are leaked: a fork may happen while a lock is held, but it cannot
/// interrupt the change of a pointer. Pools are replaced rarely (after a fork, or for more threads).
static POOL: AtomicPtr<Owned> = AtomicPtr::new(std::ptr::null_mut());
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

/// The pool of this process with at least `workers` workers, which is built if necessary.
fn pool(workers: usize) -> Option<&'static Owned> {
    let process = std::process::id();
    let current = POOL.load(Ordering::Acquire);
    // SAFETY: a non-null pointer comes from `Box::leak` below and is never freed.
    if let Some(owned) = unsafe { current.as_ref() }
        && owned.process == process
        && owned.workers >= workers
    {
        return Some(owned);
    }
    let built = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|i| format!("lamb-rs-{i}"))
        .build()
        .ok()?;
    let fresh = Box::leak(Box::new(Owned { process, workers, pool: built }));
    match POOL.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(fresh),
        // Another thread was faster. Its pool may be smaller, so this call uses its own.
        Err(_) => Some(fresh),
    }
}

/// The progress of one plan: the items that were taken, and those that are done.
///
/// A thread takes its own share from the front; when that is empty it takes from the back of the
/// others'. A phase starts when every item of the phase before is done, so a thread that wakes late
/// does not delay a phase. The step ends when every thread has found that no item is left.
#[derive(Debug, Default)]
pub(crate) struct WorkQueue {
    threads: usize,
    /// For each phase and thread: the rest of its share, start and end in one word.
    rest: Vec<Line>,
    /// For each phase: items done.
    done: Vec<AtomicUsize>,
}

/// Counts an item as done when dropped, also in a panic, so that no thread waits forever.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// A counter on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line(AtomicU64);

impl WorkQueue {
    /// Resets the progress for a plan.
    fn reset(&mut self, plan: &Plan) {
        self.threads = plan.threads;
        self.rest.resize_with(plan.phases.len() * plan.threads, Line::default);
        self.done.resize_with(plan.phases.len(), AtomicUsize::default);
        for (phase, rest) in plan.phases.iter().zip(self.rest.chunks_mut(plan.threads)) {
            for (share, line) in phase.shares.windows(2).zip(rest) {
                *line.0.get_mut() = u64::from(share[0]) << 32 | u64::from(share[1]);
            }
        }
        for done in &mut self.done {
            *done.get_mut() = 0;
        }
    }

    /// The next item of `owner`'s share: the first for the owner itself, else the last.
    fn take(&self, phase: usize, owner: usize, front: bool) -> Option<usize> {
        let rest = &self.rest[phase * self.threads + owner].0;
        let mut now = rest.load(Ordering::Relaxed);
        loop {
            let (start, end) = (now >> 32, now & 0xffff_ffff);
            if start >= end {
                return None;
            }
            let (next, item) =
                if front { ((start + 1) << 32 | end, start) } else { (start << 32 | (end - 1), end - 1) };
            match rest.compare_exchange_weak(now, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(item as usize),
                Err(seen) => now = seen,
            }
        }
    }

    /// Works on the share of thread `me`, then on items that are left of other shares.
    fn work(&self, me: usize, phases: &[Phase], body: &(dyn Fn(Stage, &Item) + Sync)) {
        let mode = DefaultMode::enter();
        for (k, phase) in phases.iter().enumerate() {
            let owners = (0..self.threads).map(|i| (me + i) % self.threads);
            for (i, owner) in owners.enumerate() {
                while let Some(item) = self.take(k, owner, i == 0) {
                    let _done = Done(&self.done[k]);
                    body(phase.stage, &phase.items[item]);
                }
            }
            let mut spins = 0u32;
            while self.done[k].load(Ordering::Acquire) < phase.items.len() {
                spins += 1;
                if spins < 4096 {
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
        }
        drop(mode);
    }
}

/// Runs a plan: the calling thread alone, or with the pool's workers.
pub(crate) fn run(plan: &Plan, queue: &mut WorkQueue, body: &(dyn Fn(Stage, &Item) + Sync)) {
    let pool = if plan.threads > 1 { pool(plan.threads - 1) } else { None };
    let Some(owned) = pool else {
        let mode = DefaultMode::enter();
        for phase in &plan.phases {
            for item in &phase.items {
                body(phase.stage, item);
            }
        }
        drop(mode);
        return;
    };
    queue.reset(plan);
    let queue = &*queue;
    let workers = plan.threads - 1;
    owned.pool.in_place_scope(|scope| {
        if workers == owned.workers {
            // Workers keep their numbers, so a share stays with its thread from step to step.
            scope.spawn_broadcast(|_, worker| queue.work(worker.index() + 1, &plan.phases, body));
        } else {
            for me in 1..=workers {
                scope.spawn(move |_| queue.work(me, &plan.phases, body));
            }
        }
        queue.work(0, &plan.phases, body);
    });
}
