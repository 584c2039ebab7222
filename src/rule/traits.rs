//! The traits of rules.
//!
//! A rule is written for sixteen lanes of a parameter, its gradient and its states, and for scalars that are
//! computed once per update. It does not depend on memory, threads or storage.
//!
//! * [`Direction`]: a direction of descent. [`super::Plain`] makes an element-wise rule of it,
//!   [`super::Layerwise`] a rule whose step is scaled by the trust ratio.
//! * [`OnePass`]: the whole update in one pass.
//! * [`ReduceFirst`]: a read-only pass that computes sums over the tensor, then an update (LARS).
//! * [`StateFirst`]: a pass that advances the states and computes sums, then one that moves the
//!   parameter (LAMB).

use super::slots::Slot;
use super::step::LayerScalars;
use super::trust::TrustRecord;
use crate::matrix::Matrix;
use crate::simd::F32;
use fearless_simd::Simd;

/// A direction of descent, which follows from states that are advanced first.
pub trait Direction<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`Direction::direction`] reads the gradient.
    const USES_GRADIENT: bool = false;
    /// The states after this gradient.
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; S]);
    /// The direction, without learning rate and decay.
    fn direction<V: Simd>(&self, g: F32<V>, s: &[F32<V>; S]) -> F32<V>;
}

/// A whole update in one pass.
pub trait OnePass<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Advances the states and returns the new parameter. Every new state goes through `store`,
    /// which returns it as it is stored, before the rule uses it.
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        s: &mut [F32<V>; S],
        store: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V>;
}

/// A rule that sums over the tensor without writing, then updates.
pub trait ReduceFirst<const S: usize, const K: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`ReduceFirst::reduce`] reads the states.
    const REDUCES_STATE: bool = false;
    /// Whether [`ReduceFirst::apply`] sees the new states as stored, or before they are rounded.
    const AS_STORED: bool = true;
    /// Pairs whose products are summed over the tensor, in f64.
    fn reduce<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> [(F32<V>, F32<V>); K];
    /// The rule with the scalars that follow from the tensor's sums.
    fn with_sums(self, sums: [f64; K], layer: &LayerScalars) -> Self;
    /// The trust ratio that follows from the sums, for reports.
    fn trust(&self, _sums: [f64; K], _layer: &LayerScalars) -> TrustRecord {
        TrustRecord::NONE
    }
    /// Updates the scalars that are kept for the next step.
    fn next_scalars(&self, _sums: [f64; K], _layer: &mut LayerScalars) {}
    /// The states after this gradient.
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]);
    /// The new parameter, from the states before and after the update. With `AS_STORED`, both are the new
    /// states.
    fn apply<V: Simd>(&self, p: F32<V>, g: F32<V>, old: &[F32<V>; S], new: &[F32<V>; S]) -> F32<V>;
    /// Whether [`ReduceFirst::root`] reads the states.
    const ROOT_READS_STATE: bool = false;
    /// The values whose squares the factored moment at a position of [`ReduceFirst::SLOTS`] averages.
    fn root<V: Simd>(&self, _slot: usize, _p: F32<V>, g: F32<V>, _s: &[F32<V>; S]) -> F32<V> {
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
    /// The states after this gradient.
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]);
    /// The direction, from the states as stored.
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> F32<V>;
    /// Pairs whose products are summed over the tensor, in f64.
    fn reduce<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S], u: F32<V>) -> [(F32<V>, F32<V>); K];
    /// The rule with the scalars that follow from the tensor's sums.
    fn with_sums(self, sums: [f64; K], layer: &LayerScalars) -> Self;
    /// The trust ratio that follows from the sums, for reports.
    fn trust(&self, _sums: [f64; K], _layer: &LayerScalars) -> TrustRecord {
        TrustRecord::NONE
    }
    /// Updates the scalars that are kept for the next step.
    fn next_scalars(&self, _sums: [f64; K], _layer: &mut LayerScalars) {}
    /// The new parameter.
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V>;
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
