//! A pass over the tensors, which works on each piece of a plan.

use crate::engine::average::Average;
use crate::engine::buffers::Buffers;
use crate::engine::plan::{CHUNK, Item, Plan, STAGED, Stage};
use crate::engine::queue::{self, WorkQueue};
use crate::kernel::storage::BLOCK;
use crate::kernel::{MAX_SLOTS, MAX_SUMS};
use crate::simd::LANES;
use std::cell::RefCell;
use std::ops::Range;

/// A pass, which works on each piece of a plan.
pub(crate) trait Pass: Sync {
    /// Works on a piece of a tensor. `scratch` is the offset of its direction in the scratch memory.
    fn chunk(
        &self,
        stage: Stage,
        tensor: usize,
        range: Range<usize>,
        scratch: Option<usize>,
        work: &mut Workspace,
    );

    /// Works on whole tensors.
    fn several(&self, tensors: Range<usize>, buffers: &Buffers<'_>, work: &mut Workspace) {
        for tensor in tensors {
            self.whole(tensor, buffers.tensors[tensor].len, work);
        }
    }

    /// Works on a whole tensor of `len` elements, at most one chunk.
    fn whole(&self, tensor: usize, len: usize, work: &mut Workspace) {
        self.chunk(Stage::Only, tensor, 0..len, None, work);
    }
}

/// Buffers of one thread.
pub(crate) struct Workspace {
    /// The transformed gradient of a tile.
    pub(crate) gradient: Vec<f32>,
    /// The parameters of a tile, padded.
    pub(crate) edge: Vec<f32>,
    /// Lanes of derived slots, and copies of states.
    pub(crate) lanes: [Vec<f32>; MAX_SLOTS],
    /// The values whose squares a factored moment averages.
    pub(crate) root: Vec<f32>,
    /// The direction of a tensor of one chunk.
    pub(crate) direction: Vec<f32>,
    /// Sums of columns.
    pub(crate) columns: Vec<f64>,
    /// The tensor whose sums were added up last: pass, tensor, sums.
    pub(crate) totals: (u64, usize, [f64; MAX_SUMS]),
}

/// The elements of a tile and of its padding.
const TILE: usize = STAGED + BLOCK;

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace {
        gradient: vec![0.0; TILE],
        edge: vec![0.0; TILE],
        lanes: std::array::from_fn(|_| vec![0.0; TILE]),
        root: vec![0.0; TILE],
        direction: vec![0.0; CHUNK],
        columns: Vec::new(),
        totals: (0, 0, [0.0; MAX_SUMS]),
    });
}

/// Runs a pass over the items of a plan.
pub(crate) fn run(pass: &dyn Pass, buffers: &Buffers<'_>, plan: &Plan, queue: &mut WorkQueue) {
    queue::run(plan, queue, &|stage, item| {
        WORKSPACE.with_borrow_mut(|work| match item {
            Item::Whole(range) => pass.several(range.start as usize..range.end as usize, buffers, work),
            Item::Chunk { tensor, start, end, scratch } => {
                pass.chunk(stage, *tensor as usize, *start..*end, *scratch, work);
            }
        });
    });
}

/// Copies `from`, and writes zeros after it.
pub(crate) fn fill(to: &mut [f32], from: &[f32]) {
    let to_clear = to.len() - from.len();
    // The last lanes are cleared as a whole: shorter than a call that clears a part of them.
    match to.last_chunk_mut::<LANES>() {
        Some(last) if to_clear <= LANES => *last = [0.0; LANES],
        _ => to[from.len()..].fill(0.0),
    }
    to[..from.len()].copy_from_slice(from);
}

/// Updates the average of a piece of a tensor, if there is one.
///
/// # Safety
///
/// The obligation of [`Buffers`].
pub(crate) unsafe fn refresh_average(
    buffers: &Buffers<'_>,
    tensor: usize,
    range: Range<usize>,
    how: Option<Average>,
) {
    if let (Some(how), Some(array)) = (how, &buffers.state.tensors[tensor].average) {
        // SAFETY: passed on to the caller.
        let (p, average) =
            unsafe { (buffers.parameter(tensor, range.clone()), buffers.floats(array, range)) };
        crate::engine::average::average(buffers.isa, how, p, average);
    }
}
