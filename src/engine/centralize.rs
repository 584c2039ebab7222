//! Gradient centralization: the mean of each row is subtracted from the gradient.

use crate::engine::partial_sums::SharedNumbers;
use crate::engine::rows::{RowTable, by_rows};
use crate::simd::{Isa, with_isa};

/// The rows that are centralized, and their means.
#[derive(Debug)]
pub(crate) struct Centralize {
    pub(crate) rows: RowTable,
    pub(crate) means: SharedNumbers,
}

impl Centralize {
    /// For the tensors that are centralized; none where there is none.
    pub(crate) fn new(shapes: &[Vec<usize>], wanted: &[bool]) -> Option<Centralize> {
        let rows = RowTable::new(shapes, wanted);
        (rows.total > 0).then(|| Centralize { means: SharedNumbers::zeros(rows.total), rows })
    }

    /// Whether a tensor is centralized.
    pub(crate) fn touches(&self, tensor: usize) -> bool {
        self.rows.of[tensor].is_some()
    }

    /// Subtracts the means from elements `start..` of a gradient.
    pub(crate) fn apply(&self, isa: Isa, tensor: usize, start: usize, g: &mut [f32]) {
        if let Some(rows) = self.rows.of[tensor] {
            by_rows(start..start + g.len(), rows.len, |row, _, part| {
                subtract(isa, &mut g[part], self.means.get(rows.first + row));
            });
        }
    }
}

/// Subtracts a mean in f64, so that elements near the mean keep their relative precision.
fn subtract(isa: Isa, g: &mut [f32], mean: f64) {
    with_isa!(isa, v => {
        let _ = v;
        for g in g.iter_mut() {
            *g = (f64::from(*g) - mean) as f32;
        }
    });
}
