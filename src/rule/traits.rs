//! The traits of rules.
//!
//! A rule is written for any number of lanes of a parameter, its gradient and its states, and for scalars that are
//! computed once per update. It does not depend on memory, threads or storage.
//!
//! * [`Direction`]: a direction of descent. [`super::Plain`] makes an element-wise rule of it,
//!   [`super::Layerwise`] a rule whose step is scaled by the trust ratio.
//! * [`OnePass`]: the whole update in one pass.
//! * [`ReduceFirst`]: a read-only pass that computes sums over the tensor, then an update (LARS).
//! * [`StateFirst`]: a pass that advances the states and computes sums, then one that moves the
//!   parameter (LAMB).

use super::decay::Entry;
use super::slots::Slot;
use super::step::LayerScalars;
use super::trust::TrustRecord;
use crate::matrix::Matrix;
use crate::simd::Lanes;

/// A direction of descent, which follows from states that are advanced first.
pub trait Direction<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`Direction::direction`] reads the gradient.
    const USES_GRADIENT: bool = false;
    /// Where weight decay usually enters an element-wise rule of this direction.
    const DECAY: Entry = Entry::Step;
    /// The direction with the switches of its usual settings as constants, if it has these settings.
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(*self)
    }
    /// The states after this gradient.
    fn advance<L: Lanes>(&self, g: L, s: &mut [L; S]);
    /// The direction, without learning rate and decay.
    fn direction<L: Lanes>(&self, g: L, s: &[L; S]) -> L;
}

/// A whole update in one pass.
pub trait OnePass<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// The rule with the switches of a usual setting as constants, if it has that setting: without weight
    /// decay, or with weight decay in its usual place. Kernels have a loop for each of these, and one for all
    /// other settings.
    #[inline(always)]
    fn lean(&self, _decays: bool) -> Option<Self> {
        None
    }
    /// Advances the states and returns the new parameter. Every new state goes through `store`,
    /// which returns it as it is stored, before the rule uses it.
    fn update<L: Lanes>(&self, p: L, g: L, s: &mut [L; S], store: impl Fn(L) -> L) -> L;
}

/// A rule that sums over the tensor without writing, then updates.
pub trait ReduceFirst<const S: usize, const K: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`ReduceFirst::reduce`] reads the states.
    const REDUCES_STATE: bool = false;
    /// Whether [`ReduceFirst::apply`] sees the new states as stored, or before they are rounded.
    const AS_STORED: bool = true;
    /// As [`OnePass::lean`].
    #[inline(always)]
    fn lean(&self, _decays: bool) -> Option<Self> {
        None
    }
    /// Pairs whose products are summed over the tensor, in f64.
    fn reduce<L: Lanes>(&self, p: L, g: L, s: &[L; S]) -> [(L, L); K];
    /// The rule with the scalars that follow from the tensor's sums.
    fn with_sums(self, sums: [f64; K], layer: &LayerScalars) -> Self;
    /// The trust ratio that follows from the sums, for reports.
    fn trust(&self, _sums: [f64; K], _layer: &LayerScalars) -> TrustRecord {
        TrustRecord::NONE
    }
    /// Updates the scalars that are kept for the next step.
    fn next_scalars(&self, _sums: [f64; K], _layer: &mut LayerScalars) {}
    /// The states after this gradient.
    fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; S]);
    /// The new parameter, from the states before and after the update. With `AS_STORED`, both are the new
    /// states.
    fn apply<L: Lanes>(&self, p: L, g: L, old: &[L; S], new: &[L; S]) -> L;
    /// Whether [`ReduceFirst::root`] reads the states.
    const ROOT_READS_STATE: bool = false;
    /// The values whose squares the factored moment at a position of [`ReduceFirst::SLOTS`] averages.
    fn root<L: Lanes>(&self, _slot: usize, _p: L, g: L, _s: &[L; S]) -> L {
        g
    }
    /// The coefficients of the update of that moment.
    fn factored(&self, _slot: usize) -> Factoring {
        Factoring::default()
    }
    /// Whether the sums are taken over each row of the tensor.
    const ROWS: bool = false;
    /// The coefficients of the rows, from the sums over each of them; `columns` is the length of a row.
    /// Returns the sums for [`ReduceFirst::with_sums`].
    fn rows(&self, _sums: &[[f64; K]], _columns: usize, _coefficients: &mut [f32]) -> [f64; K] {
        [0.0; K]
    }
}

/// The update of the moments of rows and columns: `moment = beta moment + one_minus_beta (mean of squares + added)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Factoring {
    /// Factor of the old moments.
    pub beta: f64,
    /// Factor of the new mean of squares.
    pub one_minus_beta: f64,
    /// Added to each square.
    pub added: f64,
    /// The least mean of the row moments; its square is the least second moment.
    pub least: f64,
}

/// A rule that advances its states and computes sums in one pass, and moves the parameter in a second one.
pub trait StateFirst<const S: usize, const K: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether the second pass reads the gradient.
    const USES_GRADIENT: bool;
    /// The operation between the passes.
    const BETWEEN: Between = Between::Nothing;
    /// As [`OnePass::lean`].
    #[inline(always)]
    fn lean(&self, _decays: bool) -> Option<Self> {
        None
    }
    /// The states after this gradient.
    fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; S]);
    /// The direction, from the states as stored.
    fn direction<L: Lanes>(&self, p: L, g: L, s: &[L; S]) -> L;
    /// Pairs whose products are summed over the tensor, in f64.
    fn reduce<L: Lanes>(&self, p: L, g: L, s: &[L; S], u: L) -> [(L, L); K];
    /// The rule with the scalars that follow from the tensor's sums.
    fn with_sums(self, sums: [f64; K], layer: &LayerScalars) -> Self;
    /// The trust ratio that follows from the sums, for reports.
    fn trust(&self, _sums: [f64; K], _layer: &LayerScalars) -> TrustRecord {
        TrustRecord::NONE
    }
    /// Updates the scalars that are kept for the next step.
    fn next_scalars(&self, _sums: [f64; K], _layer: &mut LayerScalars) {}
    /// The new parameter.
    fn apply<L: Lanes>(&self, p: L, u: L) -> L;
    /// Transforms the direction of a whole matrix, for [`Between::Transform`].
    fn transform(&self, _: &mut Matrix<'_>) {}
}

/// The operation between the two passes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing: the second pass over a tensor may follow its first one.
    Nothing,
    /// The sums of all tensors are added up, and the rule gets the total.
    Sum,
    /// The direction of each tensor is transformed as a whole.
    Transform,
    /// The factored moments that need the sums of their tensor are updated.
    Factored,
    /// The sums are taken over rows, before the pass that updates; there is no other first pass.
    Rows,
}
