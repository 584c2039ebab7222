//! The norms of parameters and gradients, for LARC.

use crate::engine::buffers::Buffers;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::lane_sums::add_squares;
use crate::engine::partial_sums::PartialSums;
use crate::engine::pass::{Pass, Workspace};
use crate::engine::plan::{STAGED, Stage};
use crate::simd::{LANES, fold};
use std::ops::Range;

/// The pass that sums the squares of parameters and gradients.
pub(crate) struct LayerNorms<'a> {
    pub(crate) buffers: Buffers<'a>,
    pub(crate) chain: GradientChain<'a>,
    pub(crate) sums: &'a PartialSums,
}

impl Pass for LayerNorms<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, work: &mut Workspace) {
        if self.buffers.group(tensor).is_none() {
            return;
        }
        let (mut weight, mut gradient) = ([0.0; LANES], [0.0; LANES]);
        for from in range.clone().step_by(STAGED) {
            let part = from..range.end.min(from + STAGED);
            // SAFETY: nothing is written in this pass.
            unsafe {
                add_squares(
                    self.buffers.isa,
                    self.buffers.parameter_values(tensor, part.clone()),
                    &mut weight,
                );
                let g = self.chain.transformed(&self.buffers, tensor, part, &mut work.gradient);
                add_squares(self.buffers.isa, g, &mut gradient);
            }
        }
        let chunks = self.buffers.tensors[tensor].chunks;
        self.sums.store(chunks, range.start, &[fold(&weight), fold(&gradient), 0.0, 0.0]);
    }
}
