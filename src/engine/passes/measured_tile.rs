//! Tiles for passes over rows and bands, which start at any element.
//!
//! States are copied as `float32` numbers, since a storage may need whole blocks.

use crate::engine::buffers::Buffers;
use crate::engine::derived::DerivedLanes;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::pass::{Workspace, fill};
use crate::kernel::storage::rounding::Rounding;
use crate::kernel::storage::{SlotTile, StateDtype};
use crate::kernel::{Kernel, Tile, TileContext};
use crate::simd::LANES;
use std::ops::Range;

/// The data with which a pass over rows or bands runs a kernel on any range.
#[derive(Clone, Copy)]
pub(super) struct Measured<'a> {
    pub(super) buffers: Buffers<'a>,
    pub(super) chain: GradientChain<'a>,
    pub(super) derived: DerivedLanes<'a>,
}

impl Measured<'_> {
    /// Calls `run` with the tile of a range of at most one tile, padded with zeros, and with room for
    /// as many results.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(super) unsafe fn tile(
        &self,
        kernel: &dyn Kernel,
        reads_state: bool,
        (tensor, range): (usize, Range<usize>),
        work: &mut Workspace,
        run: impl FnOnce(Tile<'_>, &mut [f32]),
    ) {
        let n = range.len();
        let padded = n.next_multiple_of(LANES);
        let Workspace { gradient, edge, lanes, root, .. } = work;
        let (p, g) = (&mut edge[..padded], &mut gradient[..padded]);
        // SAFETY: passed on to the caller.
        unsafe {
            let own = self.buffers.parameter_values(tensor, range.clone());
            fill(p, own);
            self.chain.write(&self.buffers, tensor, range.clone(), own, g);
        }
        // After the range, the accumulated gradient has elements of the next row.
        g[n..].fill(0.0);
        let arrays = &self.buffers.state.tensors[tensor].slots;
        for (k, (slot, lanes)) in kernel.slots().iter().zip(lanes.iter_mut()).enumerate() {
            let lanes = &mut lanes[..padded];
            match &arrays[k] {
                Some(array) if reads_state => {
                    lanes[n..].fill(0.0);
                    // SAFETY: passed on to the caller.
                    unsafe { self.buffers.decode(array, range.clone(), &mut lanes[..n]) };
                }
                Some(_) => {}
                None => self.derived.fill(self.buffers.isa, tensor, (k, slot), range.start, n, lanes),
            }
        }
        let slots = lanes.each_mut().map(|lanes| SlotTile::Float32(&mut lanes[..padded]));
        let rounding = Rounding { key: 0, start: 0, nearest: true };
        run(Tile { p, g, slots, rounding, direction: None }, &mut root[..padded]);
    }
}

/// The context of a kernel over such a tile.
pub(super) fn context(at: TileContext) -> TileContext {
    TileContext { storage: StateDtype::Float32, ..at }
}
