//! Lanes of slots without an array of their own: factored moments and coefficients of rows.

use crate::engine::factored::FactoredMoments;
use crate::engine::row_coefficients::RowCoefficients;
use crate::rule::{Derived, Slot};
use crate::simd::Isa;

/// The input from which the lanes of derived slots are computed.
#[derive(Clone, Copy, Default)]
pub(crate) struct DerivedLanes<'a> {
    pub(crate) factored: Option<&'a FactoredMoments>,
    pub(crate) rows: Option<&'a RowCoefficients>,
}

impl DerivedLanes<'_> {
    /// Whether any of these slots is derived.
    pub(crate) fn wanted(slots: &[Slot]) -> bool {
        slots.iter().any(|slot| slot.derived.is_some())
    }

    /// Writes the lanes of `len` elements from `start` of a slot, and zeros after them.
    pub(crate) fn fill(
        &self,
        isa: Isa,
        tensor: usize,
        (position, slot): (usize, &Slot),
        start: usize,
        len: usize,
        out: &mut [f32],
    ) {
        out[len..].fill(0.0);
        match (slot.derived, self.factored, self.rows) {
            (Some(Derived::Factored { .. }), Some(moments), _) => {
                moments.lanes(isa, tensor, position, start, &mut out[..len]);
            }
            (Some(Derived::Row), _, Some(rows)) => rows.lanes(tensor, start, &mut out[..len]),
            _ => out[..len].fill(0.0),
        }
    }
}
