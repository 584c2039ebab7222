//! The means of the rows of gradients, for gradient centralization. A row is summed by one thread.

use crate::engine::buffers::Buffers;
use crate::engine::centralize::Centralize;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::lane_sums::add_up;
use crate::engine::pass::{Pass, Workspace};
use crate::engine::plan::{STAGED, Stage};
use crate::simd::{LANES, fold};
use std::ops::Range;

/// The pass that computes the means.
pub(crate) struct RowMeans<'a> {
    pub(crate) buffers: Buffers<'a>,
    pub(crate) chain: GradientChain<'a>,
    pub(crate) centralize: &'a Centralize,
}

impl Pass for RowMeans<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, work: &mut Workspace) {
        let (Some(rows), Some(_)) = (self.centralize.rows.of[tensor], self.buffers.group(tensor)) else {
            return;
        };
        for start in range.clone().step_by(rows.len) {
            let mut lanes = [0.0; LANES];
            for from in (start..start + rows.len).step_by(STAGED) {
                let part = from..(start + rows.len).min(from + STAGED);
                // SAFETY: nothing is written in this pass.
                let g = unsafe { self.chain.transformed(&self.buffers, tensor, part, &mut work.gradient) };
                add_up(self.buffers.isa, g, &mut lanes);
            }
            self.centralize.means.set(rows.first + start / rows.len, fold(&lanes) / rows.len as f64);
        }
    }
}
