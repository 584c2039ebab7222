//! The data about a tensor that a rule gets.

use crate::engine::buffers::Buffers;
use crate::engine::partial_sums::PartialSums;
use crate::kernel::{MAX_SUMS, TileContext};
use crate::rule::{LayerScalars, Scalars, Scope};

/// The scalars that rules keep from step to step, and the sums of this step.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    /// The scope of each set of scalars.
    pub(crate) scope: Scope,
    pub(crate) scalars: &'a [Scalars],
    pub(crate) sums: &'a PartialSums,
}

impl Layers<'_> {
    /// The size and scalars of a tensor.
    pub(crate) fn scalars_of(&self, buffers: &Buffers<'_>, tensor: usize) -> LayerScalars {
        let own = &buffers.tensors[tensor];
        let place = match self.scope {
            Scope::Group => own.group.unwrap_or(0),
            Scope::Parameter => tensor,
            Scope::All => 0,
        };
        LayerScalars { len: own.len, scalars: self.scalars.get(place).copied().unwrap_or_default() }
    }

    /// The context of a tile, and the sums of its tensor if they are known.
    pub(crate) fn context(
        &self,
        buffers: &Buffers<'_>,
        tensor: usize,
        group: usize,
        with_sums: bool,
    ) -> (TileContext, [f64; MAX_SUMS]) {
        let own = &buffers.tensors[tensor];
        let layer = self.scalars_of(buffers, tensor);
        let sums = if with_sums { self.sums.total(own.chunks) } else { [0.0; MAX_SUMS] };
        (TileContext { isa: buffers.isa, storage: own.storage, group, layer }, sums)
    }
}
