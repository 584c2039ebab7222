//! The queue that distributes the items of a plan among threads.

use crate::engine::fpenv::DefaultMode;
use crate::engine::plan::{Item, Phase, Plan, Stage};
use crate::engine::workers::{Workers, wait_until};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The progress of one plan: the items that were taken, and those that are done.
///
/// A thread takes its own share from the front; when that is empty it takes from the back of the
/// others'. A phase starts when every item of the phase before is done, so a thread that wakes late
/// does not delay a phase.
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
            // Who has nothing to do after the last phase leaves; the calling thread sees to its end.
            if me == 0 || k + 1 < phases.len() {
                wait_until(|| self.done[k].load(Ordering::Acquire) == phase.items.len());
            }
        }
        drop(mode);
    }
}

/// Runs a plan: the calling thread alone, or with workers.
pub(crate) fn run(plan: &Plan, queue: &mut WorkQueue, body: &(dyn Fn(Stage, &Item) + Sync)) {
    let workers = if plan.threads > 1 { Workers::of_process(plan.threads - 1) } else { None };
    let Some(workers) = workers else {
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
    workers.share(plan.threads - 1, &|me| queue.work(me, &plan.phases, body));
}
