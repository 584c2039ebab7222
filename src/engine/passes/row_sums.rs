//! Sums over each row of a tensor, for rules that need them.

use super::measured_tile::{Measured, context};
use crate::engine::buffers::Buffers;
use crate::engine::derived::DerivedLanes;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::layers::Layers;
use crate::engine::partial_sums::folded;
use crate::engine::pass::{Pass, Workspace};
use crate::engine::plan::{STAGED, Stage};
use crate::engine::row_coefficients::RowCoefficients;
use crate::kernel::{Kernel, MAX_SUMS};
use crate::simd::LANES;
use std::ops::Range;

/// Takes a rule's sums over each row.
pub(crate) struct RowSums<'a> {
    pub(crate) buffers: Buffers<'a>,
    pub(crate) chain: GradientChain<'a>,
    pub(crate) coefficients: &'a RowCoefficients,
    pub(crate) kernels: &'a [Box<dyn Kernel>],
    pub(crate) layers: Layers<'a>,
}

impl Pass for RowSums<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, work: &mut Workspace) {
        let Some(group) = self.buffers.group(tensor) else { return };
        let Some(rows) = self.coefficients.rows.of[tensor] else { return };
        let kernel = &*self.kernels[self.buffers.tensors[tensor].kernel];
        let (at, _) = self.layers.context(&self.buffers, tensor, group, false);
        let at = context(at);
        let derived = DerivedLanes::default();
        let measured = Measured { buffers: self.buffers, chain: self.chain, derived };
        for row in range.clone().step_by(rows.len) {
            let mut sums = [[0.0; LANES]; MAX_SUMS];
            for from in (row..row + rows.len).step_by(STAGED) {
                let part = from..(row + rows.len).min(from + STAGED);
                // SAFETY: parameters, gradients and states are only read in this pass.
                unsafe {
                    measured.tile(kernel, true, (tensor, part), work, |tile, _| {
                        kernel.first(at, tile, &mut sums);
                    });
                }
            }
            self.coefficients.set_sums(rows.first + row / rows.len, &folded(&sums));
        }
    }
}
