//! The squared norms of gradients, for clips and checks.

use crate::engine::buffers::Buffers;
use crate::engine::gradient::{Run, sum_squares};
use crate::engine::partial_sums::{PartialSums, folded};
use crate::engine::pass::{Pass, Workspace};
use crate::engine::plan::Stage;
use crate::kernel::MAX_SUMS;
use crate::simd::LANES;
use std::ops::Range;

/// Sums the squares of the gradients, those of earlier calls of the window included.
pub(crate) struct GradientNorms<'a> {
    pub(crate) buffers: Buffers<'a>,
    /// Factor of the gradients.
    pub(crate) unscale: f32,
    pub(crate) sums: &'a PartialSums,
}

impl Pass for GradientNorms<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, _: &mut Workspace) {
        let Buffers { isa, tensors, .. } = self.buffers;
        if self.buffers.group(tensor).is_none() {
            return;
        }
        let mut sums = [[0.0; LANES]; MAX_SUMS];
        // SAFETY: nothing is written in this pass.
        let (run, accumulated) = unsafe {
            (self.buffers.gradient(tensor, range.clone()), self.buffers.accumulated_values(tensor, &range))
        };
        match (run, accumulated) {
            (Some(run), accumulated) => sum_squares(isa, run, accumulated, self.unscale, &mut sums),
            (None, Some(accumulated)) => {
                sum_squares(isa, Run::Float32(&accumulated[..range.len()]), None, 1.0, &mut sums);
            }
            (None, None) => {}
        }
        self.sums.store(tensors[tensor].chunks, range.start, &folded(&sums));
    }
}
