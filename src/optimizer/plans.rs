//! The plans of an optimizer: the passes over each tensor.

use crate::engine::memory::Block;
use crate::engine::plan::{Item, Plan, Stage};
use crate::engine::queue::{self, WorkQueue};
use crate::error::Result;
use crate::kernel::{Kernel, Passes};
use crate::matrix::{Matrices, Matrix, ParallelFor};
use crate::rule::Between;
use std::cell::RefCell;

/// The most elements whose directions are stored for a transform at a time. A larger tensor is
/// transformed alone.
const WAITING: usize = 1 << 22;

/// Elements up to which a direction is transformed by one thread.
const SMALL: usize = 1 << 16;

/// A direction to be transformed.
pub(super) struct Job<'a> {
    pub(super) kernel: &'a dyn Kernel,
    pub(super) group: usize,
    pub(super) shape: &'a [usize],
    /// Its offset in the scratch memory.
    pub(super) place: usize,
    pub(super) len: usize,
}

/// Tensors with an operation between their passes.
pub(super) struct SplitPasses {
    pub(super) tensors: Vec<usize>,
    /// The operation between the passes.
    pub(super) between: Between,
    /// None if the sums are computed in another way.
    pub(super) first: Option<Plan>,
    pub(super) second: Plan,
    /// Offsets in the scratch memory of the directions that are transformed.
    pub(super) places: Vec<usize>,
}

/// All plans, for one number of threads.
pub(super) struct Plans {
    pub(super) threads: usize,
    /// One pass over all tensors.
    pub(super) flat: Plan,
    /// The passes of the rule, without the splits.
    pub(super) step: Plan,
    pub(super) splits: Vec<SplitPasses>,
    /// The rows whose means are subtracted.
    pub(super) row_means: Option<Plan>,
    /// The rows over which rules take sums.
    pub(super) row_sums: Option<Plan>,
    /// The bands of factored moments that are updated before and after the sums over the tensor.
    pub(super) bands: [Option<Plan>; 2],
    /// Scratch memory for directions between the two passes.
    pub(super) scratch: Block,
}

impl Default for Plans {
    fn default() -> Self {
        Plans {
            threads: 0,
            flat: Plan::single(&[], 1),
            step: Plan::single(&[], 1),
            splits: Vec::new(),
            row_means: None,
            row_sums: None,
            bands: [None, None],
            scratch: Block::empty(),
        }
    }
}

/// The input of the plans, without the number of threads.
pub(super) struct Work<'a> {
    pub(super) lengths: &'a [usize],
    /// The passes of each kernel.
    pub(super) passes: &'a [Passes],
    /// The operation between the passes of each tensor.
    pub(super) between: &'a [Between],
    pub(super) row_means: &'a [Item],
    pub(super) row_sums: &'a [Item],
    pub(super) bands: [&'a [Item]; 2],
}

impl Plans {
    /// Makes the plans for this number of threads.
    pub(super) fn plan(&mut self, work: &Work<'_>, threads: usize) -> Result<()> {
        let Work { lengths, passes, between, .. } = *work;
        let left_out: Vec<bool> = between.iter().map(|between| *between != Between::Nothing).collect();
        let keep = passes.contains(&Passes::StateFirst);
        let step = if passes.iter().all(|passes| *passes == Passes::OnePass) {
            Plan::single(lengths, threads)
        } else {
            Plan::waves(lengths, threads, keep, &left_out)
        };
        let of = |wanted: Between| (0..lengths.len()).filter(move |&i| between[i] == wanted);
        let mut splits = Vec::new();
        let mut split = |tensors: Vec<usize>, between: Between| {
            let (passes, places) = Plan::split(lengths, &tensors, threads, between == Between::Transform);
            let [first, second] = passes;
            let first = (between != Between::Rows).then_some(first);
            splits.push(SplitPasses { tensors, between, first, second, places });
        };
        for between in [Between::Sum, Between::Factored, Between::Rows] {
            let together: Vec<usize> = of(between).collect();
            if !together.is_empty() {
                split(together, between);
            }
        }
        let mut waiting: Vec<usize> = Vec::new();
        let mut elements = 0;
        for i in of(Between::Transform).chain([usize::MAX]) {
            let len = lengths.get(i).copied().unwrap_or(usize::MAX);
            if !waiting.is_empty() && elements + len.min(WAITING) > WAITING {
                split(std::mem::take(&mut waiting), Between::Transform);
                elements = 0;
            }
            if i != usize::MAX {
                waiting.push(i);
                elements += len;
            }
        }
        let scratch = splits.iter().filter_map(|split| Some(split.first.as_ref()?.scratch));
        let bytes = scratch.fold(step.scratch, usize::max) * size_of::<f32>();
        if self.scratch.len() < bytes {
            self.scratch = Block::zeroed(bytes)?;
        }
        let some = |items: &[Item]| {
            (!items.is_empty()).then(|| Plan::of(Stage::Only, items.to_vec(), lengths, threads))
        };
        self.flat = Plan::single(lengths, threads);
        (self.row_means, self.row_sums) = (some(work.row_means), some(work.row_sums));
        self.bands = work.bands.map(some);
        (self.step, self.splits, self.threads) = (step, splits, threads);
        Ok(())
    }

    /// Transforms the directions of some tensors: small ones in parallel, large ones one
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

    /// Runs `n` pieces of work on the threads of the plans.
    fn each(&self, n: usize, queue: &mut WorkQueue, work: &(dyn Fn(usize) + Sync)) {
        let items = (0..n).map(|i| Item::Whole(i as u32..i as u32 + 1)).collect();
        let plan = Plan::of(Stage::Only, items, &vec![0; n], self.threads.min(n.max(1)));
        queue::run(&plan, queue, &|_, item| {
            if let Item::Whole(range) = item {
                work(range.start as usize);
            }
        });
    }

    /// Transforms the direction of one tensor, matrix by matrix.
    fn transform_one(&self, job: &Job<'_>, parallel_for: ParallelFor<'_>) {
        let Matrices { rows, columns, .. } = Matrices::of(job.shape);
        // SAFETY: the direction of this tensor is here, and no other thread works on it now.
        let values = unsafe {
            let start = self.scratch.as_ptr().cast::<f32>().add(job.place);
            std::slice::from_raw_parts_mut(start, job.len)
        };
        for values in values.chunks_mut((rows * columns).max(1)) {
            job.kernel.transform(job.group, &mut Matrix { values, rows, columns, parallel_for });
        }
    }
}
