//! The sums over rows and columns for the update of factored moments.

use super::measured_tile::{Measured, context};
use crate::engine::buffers::Buffers;
use crate::engine::derived::DerivedLanes;
use crate::engine::factored::FactoredMoments;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::lane_sums::{add_squares, add_to_columns};
use crate::engine::layers::Layers;
use crate::engine::pass::{Pass, Workspace};
use crate::engine::plan::{STAGED, Stage};
use crate::kernel::Kernel;
use crate::rule::Derived;
use crate::simd::{LANES, fold};
use std::ops::Range;

/// Sums the squares of the values that a rule gives for its factored moments, over the rows and columns of
/// a band.
pub(crate) struct FactoredSums<'a> {
    pub(crate) buffers: Buffers<'a>,
    pub(crate) chain: GradientChain<'a>,
    pub(crate) derived: DerivedLanes<'a>,
    pub(crate) moments: &'a FactoredMoments,
    pub(crate) kernels: &'a [Box<dyn Kernel>],
    pub(crate) layers: Layers<'a>,
    /// Whether these are the moments that are updated after the sums over the tensor are known.
    pub(crate) after_sums: bool,
}

impl Pass for FactoredSums<'_> {
    fn chunk(&self, _: Stage, tensor: usize, range: Range<usize>, _: Option<usize>, work: &mut Workspace) {
        let isa = self.buffers.isa;
        let own = &self.buffers.tensors[tensor];
        let Some(group) = self.buffers.group(tensor) else { return };
        let kernel = &*self.kernels[own.kernel];
        let (at, sums) = self.layers.context(&self.buffers, tensor, group, self.after_sums);
        let at = context(at);
        let measured = Measured { buffers: self.buffers, chain: self.chain, derived: self.derived };
        for (k, slot) in kernel.slots().iter().enumerate() {
            let (Some(Derived::Factored { after_sums, .. }), Some(factored)) =
                (slot.derived, self.moments.of[tensor][k])
            else {
                continue;
            };
            if after_sums != self.after_sums {
                continue;
            }
            let added = kernel.factored(group, k).added;
            let width = factored.matrices.columns;
            let mut columns = std::mem::take(&mut work.columns);
            columns.clear();
            columns.resize(width, 0.0);
            for row in range.clone().step_by(width) {
                let mut lanes = [0.0; LANES];
                for from in (row..row + width).step_by(STAGED) {
                    let part = from..(row + width).min(from + STAGED);
                    let n = part.len();
                    // SAFETY: parameters, gradients and states are only read in this pass.
                    unsafe {
                        measured.tile(
                            kernel,
                            kernel.root_reads_state(),
                            (tensor, part),
                            work,
                            |tile, root| {
                                kernel.root(at, k, &sums, tile, root);
                                add_squares(isa, &root[..n], &mut lanes);
                                add_to_columns(isa, &root[..n], added, &mut columns[from - row..]);
                            },
                        );
                    }
                }
                self.moments.set_row(&factored, row / width, fold(&lanes) + added * width as f64);
            }
            self.moments.set_columns(&factored, range.start, &columns);
            work.columns = columns;
        }
    }
}
