//! A rule as the engine runs it: one object-safe trait over all rules, storages and SIMD levels.

use super::passes::{MAX_SUMS, Sums, Tile};
use super::storage::StateDtype;
use crate::matrix::Matrix;
use crate::rule::{Between, Factoring, LayerScalars, Slot, Step, TrustRecord};
use crate::simd::Isa;

/// How often a rule passes over a tensor, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// Update.
    OnePass,
    /// Sum without writing, then update.
    ReduceFirst,
    /// Advance the states and sum, then move.
    StateFirst,
}

/// An algorithm with its switches set, ready to be run on tiles.
pub(crate) trait Kernel: Send + Sync {
    /// The states it keeps.
    fn slots(&self) -> &'static [Slot];
    /// How it passes over a tensor.
    fn passes(&self) -> Passes;
    /// Whether the second pass reads the gradient.
    fn second_pass_reads_gradient(&self) -> bool;
    /// Computes the scalars of a group of hyperparameters for a step.
    fn set_scalars(&mut self, group: usize, step: &mut Step<'_>);
    fn first(&self, at: TileContext, tile: Tile<'_>, sums: &mut Sums);
    fn last(&self, at: TileContext, sums: &[f64; MAX_SUMS], tile: Tile<'_>);
    /// The trust ratio of a tensor with these sums.
    fn trust(&self, _group: usize, _sums: &[f64; MAX_SUMS], _layer: &LayerScalars) -> TrustRecord {
        TrustRecord::NONE
    }
    /// Updates the scalars that a tensor with these sums keeps for the next step.
    fn next_scalars(&self, _group: usize, _sums: &[f64; MAX_SUMS], _layer: &mut LayerScalars) {}
    /// What happens between its passes.
    fn between(&self) -> Between {
        Between::Nothing
    }
    /// Whether [`Kernel::root`] reads the states.
    fn root_reads_state(&self) -> bool {
        false
    }
    /// Writes what a factored moment averages the squares of; the tile's states are `float32`.
    fn root(
        &self,
        _at: TileContext,
        _slot: usize,
        _sums: &[f64; MAX_SUMS],
        _tile: Tile<'_>,
        _out: &mut [f32],
    ) {
    }
    /// How that moment advances.
    fn factored(&self, _group: usize, _slot: usize) -> Factoring {
        Factoring::default()
    }
    /// The coefficients of rows of `columns` elements, and the sums of their tensor.
    fn rows(
        &self,
        _group: usize,
        _sums: &[[f64; MAX_SUMS]],
        _columns: usize,
        _coefficients: &mut [f32],
    ) -> [f64; MAX_SUMS] {
        [0.0; MAX_SUMS]
    }
    /// What becomes of the direction of a whole matrix.
    fn transform(&self, _group: usize, _matrix: &mut Matrix<'_>) {}
}

/// Where a tile is run.
#[derive(Clone, Copy)]
pub(crate) struct TileContext {
    pub(crate) isa: Isa,
    pub(crate) storage: StateDtype,
    pub(crate) group: usize,
    /// The tensor, for which the rule is settled.
    pub(crate) layer: LayerScalars,
}
