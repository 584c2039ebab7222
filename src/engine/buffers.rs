//! The memory of one call: the caller's arrays and the state, shared by the threads that work on them.

use crate::engine::gradient::Run;
use crate::engine::partial_sums::Chunks;
use crate::engine::state::{Array, State};
use crate::kernel::MAX_SLOTS;
use crate::kernel::storage::{SlotTile, StateDtype};
use crate::simd::{Isa, LANES};
use std::ops::Range;

/// A gradient in the caller's memory, as long as its parameter.
#[derive(Clone, Copy, Debug)]
pub enum Gradient {
    /// No gradient: the parameter is not changed.
    None,
    /// IEEE single precision.
    Float32(*const f32),
    /// bfloat16 bits.
    Bfloat16(*const u16),
    /// IEEE half bits.
    Float16(*const u16),
}

/// A parameter of an optimizer.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) len: usize,
    /// Group of hyperparameters; none for a parameter that is not trained.
    pub(crate) group: Option<usize>,
    /// Index of the kernel that updates it.
    pub(crate) kernel: usize,
    pub(crate) storage: StateDtype,
    /// Hash of the name, for stochastic rounding.
    pub(crate) hash: u64,
    /// The place of its sums.
    pub(crate) chunks: Chunks,
    /// Whether a tile may go on with it behind the tensor before: the rule takes each element by itself, and the
    /// states follow each other.
    pub(crate) follows: bool,
}

/// Parameters, gradients and state of one call.
///
/// The accessors are `unsafe` and share one obligation: **the range belongs to the item that the calling
/// thread works on.** A plan hands out every element to one item of a phase, and an item to one thread, so
/// no other thread accesses the range at that time. A pass may read any range that no thread writes in that
/// pass; it uses the accessors that return shared slices.
#[derive(Clone, Copy)]
pub(crate) struct Buffers<'a> {
    pub(crate) isa: Isa,
    pub(crate) tensors: &'a [Tensor],
    pub(crate) params: &'a [*mut f32],
    pub(crate) gradients: &'a [Gradient],
    pub(crate) state: &'a State,
    /// Whether gradients of earlier calls are added to those of this one.
    pub(crate) accumulates: bool,
}

// SAFETY: the pointers are to memory that outlives the call; see the obligation of the accessors.
unsafe impl Sync for Buffers<'_> {}
// SAFETY: as above.
unsafe impl Send for Buffers<'_> {}

impl<'a> Buffers<'a> {
    /// The group of a tensor that takes part in the update.
    pub(crate) fn group(&self, tensor: usize) -> Option<usize> {
        match self.gradients[tensor] {
            Gradient::None if !self.accumulates => None,
            _ => self.tensors[tensor].group,
        }
    }

    /// A run of a tensor's gradient.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`]. Gradients are never written.
    pub(crate) unsafe fn gradient(&self, tensor: usize, range: Range<usize>) -> Option<Run<'a>> {
        let n = range.len();
        // SAFETY: the gradient is as long as its parameter, and nobody writes to it.
        unsafe {
            Some(match self.gradients[tensor] {
                Gradient::Float32(g) => Run::Float32(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::Bfloat16(g) => Run::Bfloat16(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::Float16(g) => Run::Float16(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::None => return None,
            })
        }
    }

    /// A run of a parameter.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn parameter(&self, tensor: usize, range: Range<usize>) -> &'a mut [f32] {
        // SAFETY: the parameter has these elements; the range is this thread's.
        unsafe { std::slice::from_raw_parts_mut(self.params[tensor].add(range.start), range.len()) }
    }

    /// A run of a parameter, for reading.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn parameter_values(&self, tensor: usize, range: Range<usize>) -> &'a [f32] {
        // SAFETY: the parameter has these elements; nobody writes to them in this pass.
        unsafe { std::slice::from_raw_parts(self.params[tensor].add(range.start), range.len()) }
    }

    /// A run of a `float32` state array.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn floats(&self, array: &Array, range: Range<usize>) -> &'a mut [f32] {
        // SAFETY: passed on to the caller.
        match unsafe { self.state.tile(array, range) } {
            SlotTile::Float32(x) => x,
            _ => &mut [],
        }
    }

    /// The states of a tile; empty for those that are derived.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn slots(&self, tensor: usize, range: Range<usize>) -> [SlotTile<'a>; MAX_SLOTS] {
        let mut slots = std::array::from_fn(|_| SlotTile::empty());
        for (slot, array) in slots.iter_mut().zip(&self.state.tensors[tensor].slots) {
            if let Some(array) = array {
                // SAFETY: passed on to the caller.
                *slot = unsafe { self.state.tile(array, range.clone()) };
            }
        }
        slots
    }

    /// A run of the accumulated gradients, padded to whole groups of lanes.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn accumulated(&self, tensor: usize, range: &Range<usize>) -> Option<&'a mut [f32]> {
        let array = self.state.tensors[tensor].accumulated.as_ref().filter(|_| self.accumulates)?;
        let padded = range.start..range.start + range.len().next_multiple_of(LANES);
        // SAFETY: the caller's obligation; the padding belongs to the tensor's last range.
        Some(unsafe { self.floats(array, padded) })
    }

    /// [`Buffers::accumulated`] for reading.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn accumulated_values(&self, tensor: usize, range: &Range<usize>) -> Option<&'a [f32]> {
        let array = self.state.tensors[tensor].accumulated.as_ref().filter(|_| self.accumulates)?;
        let padded = range.start..range.start + range.len().next_multiple_of(LANES);
        // SAFETY: passed on to the caller.
        Some(unsafe { self.state.values(array, padded) })
    }

    /// Copies elements of a state as `float32` numbers.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn decode(&self, array: &Array, range: Range<usize>, out: &mut [f32]) {
        // SAFETY: passed on to the caller.
        unsafe { self.state.decode(array, range, out) }
    }
}
