//! A call that adds its gradients to those of earlier calls.

use crate::engine::average::Average;
use crate::engine::buffers::Buffers;
use crate::engine::gradient::accumulate;
use crate::engine::pass::{Pass, Workspace, refresh_average};
use crate::engine::plan::Stage;
use std::ops::Range;

/// Adds the gradient to the accumulated ones, and updates the average if requested.
pub(crate) struct Accumulate<'a> {
    pub(crate) buffers: Buffers<'a>,
    /// Factor of the gradients.
    pub(crate) unscale: f32,
    pub(crate) average: Option<Average>,
}

impl Pass for Accumulate<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, _: &mut Workspace) {
        let mut average = self.average;
        // SAFETY: the range is this item's.
        unsafe {
            if self.buffers.group(tensor).is_some() {
                let gradient = self.buffers.gradient(tensor, range.clone());
                if let (Some(run), Some(sum)) = (gradient, self.buffers.accumulated(tensor, &range)) {
                    accumulate(self.buffers.isa, run, self.unscale, sum);
                }
            } else {
                // The average of a parameter that is not updated starts as a copy.
                average = average
                    .filter(|how| self.buffers.tensors[tensor].group.is_some() || how.momentum == 0.0)
                    .map(|how| Average { overwrite: false, ..how });
            }
            refresh_average(&self.buffers, tensor, range, average);
        }
    }
}
