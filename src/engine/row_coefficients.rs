//! Coefficients of rows, which follow from sums over each row.

use crate::engine::partial_sums::SharedNumbers;
use crate::engine::rows::{RowTable, by_rows};
use crate::kernel::MAX_SUMS;

/// The rows over which sums are taken, the sums, and the coefficients that follow.
#[derive(Debug)]
pub(crate) struct RowCoefficients {
    pub(crate) rows: RowTable,
    sums: SharedNumbers,
    coefficients: Vec<f32>,
}

impl RowCoefficients {
    /// The rows of the given tensors; none if there are no tensors.
    pub(crate) fn new(shapes: &[Vec<usize>], wanted: &[bool]) -> Option<RowCoefficients> {
        let rows = RowTable::new(shapes, wanted);
        (rows.total > 0).then(|| RowCoefficients {
            sums: SharedNumbers::zeros(rows.total * MAX_SUMS),
            coefficients: vec![0.0; rows.total],
            rows,
        })
    }

    /// Stores the sums over a row; `row` counts those of all tensors.
    pub(crate) fn set_sums(&self, row: usize, sums: &[f64; MAX_SUMS]) {
        for (k, &sum) in sums.iter().enumerate() {
            self.sums.set(row * MAX_SUMS + k, sum);
        }
    }

    /// Computes the coefficients of a tensor from its sums; returns what `compute` returns.
    pub(crate) fn update<T>(
        &mut self,
        tensor: usize,
        compute: impl FnOnce(&[[f64; MAX_SUMS]], usize, &mut [f32]) -> T,
    ) -> Option<T> {
        let rows = self.rows.of[tensor]?;
        let row_sums = |row: usize| std::array::from_fn(|k| self.sums.get(row * MAX_SUMS + k));
        let sums: Vec<[f64; MAX_SUMS]> = (rows.first..rows.first + rows.count).map(row_sums).collect();
        Some(compute(&sums, rows.len, &mut self.coefficients[rows.first..][..rows.count]))
    }

    /// Writes the lanes of elements `start..` of a tensor.
    pub(crate) fn lanes(&self, tensor: usize, start: usize, out: &mut [f32]) {
        let Some(rows) = self.rows.of[tensor] else { return out.fill(0.0) };
        by_rows(start..start + out.len(), rows.len, |row, _, part| {
            out[part].fill(self.coefficients[rows.first + row]);
        });
    }
}
