//! The plans of an optimizer: which way each tensor goes through the passes.

use crate::engine::memory::Block;
use crate::engine::plan::{Item, Plan, Stage};
use crate::engine::pool::{self, WorkQueue};
use crate::engine::shaping::{Shaping, matrices};
use crate::error::Result;
use crate::kernel::{Kernel, Passes};
use crate::matrix::{Matrix, ParallelFor};
use crate::rule::Between;
use std::cell::RefCell;

/// The most elements whose direction waits for its transform at a time, a larger tensor alone
/// excepted.
const WAITING: usize = 1 << 22;

/// Elements up to which a direction is transformed by one thread.
const SMALL: usize = 1 << 16;

/// A direction to be transformed.
pub(super) struct Job<'a> {
    pub(super) kernel: &'a dyn Kernel,
    pub(super) group: usize,
    pub(super) shape: &'a [usize],
    /// Where it lies in the scratch.
    pub(super) place: usize,
    pub(super) len: usize,
}

/// Tensors between whose passes something happens.
pub(super) struct SplitPasses {
    pub(super) tensors: Vec<usize>,
    pub(super) passes: [Plan; 2],
    /// Where the direction of each lies in the scratch; empty where sums are awaited.
    pub(super) places: Vec<usize>,
}

/// All plans, for the number of threads at hand.
pub(super) struct Plans {
    pub(super) threads: usize,
    /// Everything once.
    pub(super) flat: Plan,
    /// The rule's passes, splits left out.
    pub(super) step: Plan,
    pub(super) splits: Vec<SplitPasses>,
    pub(super) centring: Option<Plan>,
    pub(super) factoring: Option<Plan>,
    /// Where directions wait for the second pass.
    pub(super) scratch: Block,
}

impl Default for Plans {
    fn default() -> Self {
        Plans {
            threads: 0,
            flat: Plan::single(&[], 1),
            step: Plan::single(&[], 1),
            splits: Vec::new(),
            centring: None,
            factoring: None,
            scratch: Block::empty(),
        }
    }
}

impl Plans {
    /// Plans for this many threads.
    pub(super) fn plan(
        &mut self,
        lengths: &[usize],
        passes: &[Passes],
        between: &[Between],
        shaping: Option<&Shaping>,
        threads: usize,
    ) -> Result<()> {
        let left_out: Vec<bool> = between.iter().map(|between| *between != Between::Nothing).collect();
        let keep = passes.contains(&Passes::StateFirst);
        let step = if passes.iter().all(|passes| *passes == Passes::OnePass) {
            Plan::single(lengths, threads)
        } else {
            Plan::waves(lengths, threads, keep, &left_out)
        };
        let of = |wanted: Between| (0..lengths.len()).filter(move |&i| between[i] == wanted);
        let mut splits = Vec::new();
        let together: Vec<usize> = of(Between::Sum).collect();
        if !together.is_empty() {
            let (passes, _) = Plan::split(lengths, &together, threads, false);
            splits.push(SplitPasses { tensors: together, passes, places: Vec::new() });
        }
        let mut waiting: Vec<usize> = Vec::new();
        let mut elements = 0;
        for i in of(Between::Transform).chain([usize::MAX]) {
            let len = lengths.get(i).copied().unwrap_or(usize::MAX);
            if !waiting.is_empty() && elements + len.min(WAITING) > WAITING {
                let (passes, places) = Plan::split(lengths, &waiting, threads, true);
                splits.push(SplitPasses { tensors: std::mem::take(&mut waiting), passes, places });
                elements = 0;
            }
            if i != usize::MAX {
                waiting.push(i);
                elements += len;
            }
        }
        let scratch = splits.iter().map(|d| d.passes[0].scratch).fold(step.scratch, usize::max);
        let bytes = scratch * size_of::<f32>();
        if self.scratch.len() < bytes {
            self.scratch = Block::zeroed(bytes)?;
        }
        self.flat = Plan::single(lengths, threads);
        self.centring = shaping.and_then(|shaping| shaping.centring(lengths, threads));
        self.factoring = shaping.and_then(|shaping| shaping.factoring(lengths, threads));
        (self.step, self.splits, self.threads) = (step, splits, threads);
        Ok(())
    }

    /// Transforms the directions of some tensors: small ones beside each other, large ones one
    /// after the other on all threads.
    pub(super) fn transform(&self, jobs: &[Job<'_>], queue: &mut WorkQueue) {
        let (small, large): (Vec<&Job<'_>>, Vec<&Job<'_>>) = jobs.iter().partition(|job| job.len <= SMALL);
        self.each(small.len(), queue, &|i| {
            self.transform_one(small[i], &|n, work| (0..n).for_each(work));
        });
        let queue = RefCell::new(queue);
        for job in large {
            self.transform_one(job, &|n, work| self.each(n, &mut queue.borrow_mut(), work));
        }
    }

    /// Runs `n` pieces of work on the threads at hand.
    fn each(&self, n: usize, queue: &mut WorkQueue, work: &(dyn Fn(usize) + Sync)) {
        let items = (0..n).map(|i| Item::Whole(i as u32..i as u32 + 1)).collect();
        let plan = Plan::of(Stage::Only, items, &vec![0; n], self.threads.min(n.max(1)));
        pool::run(&plan, queue, &|_, item| {
            if let Item::Whole(range) = item {
                work(range.start as usize);
            }
        });
    }

    /// Transforms the direction of one tensor, matrix by matrix.
    fn transform_one(&self, job: &Job<'_>, parallel_for: ParallelFor<'_>) {
        let [_, rows, columns] = matrices(job.shape);
        // SAFETY: the direction of this tensor lies here, and nobody else works on it now.
        let values = unsafe {
            let start = self.scratch.as_ptr().cast::<f32>().add(job.place);
            std::slice::from_raw_parts_mut(start, job.len)
        };
        for values in values.chunks_mut((rows * columns).max(1)) {
            job.kernel.transform(job.group, &mut Matrix { values, rows, columns, parallel_for });
        }
    }
}
