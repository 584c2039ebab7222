//! Factored second moments: a matrix of squares is kept as the moments of its rows and columns.
//!
//! The moments follow from the sums of squares over rows and columns, which a pass computes band by
//! band. The bands of a matrix depend only on its shape. The lanes that a rule sees are
//! `1 / sqrt(V)` with `V = row * column / mean(row)`.

use crate::engine::partial_sums::SharedNumbers;
use crate::engine::plan::Item;
use crate::engine::rows::{by_rows, pieces};
use crate::engine::state::State;
use crate::kernel::MAX_SLOTS;
use crate::matrix::Matrices;
use crate::rule::{Derived, Factoring, Slot};
use crate::simd::{Isa, with_isa};
use std::ops::Range;

/// The most bands into which the rows of a matrix are cut.
const BANDS: usize = 32;

/// One factored moment of one tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factored {
    pub(crate) matrices: Matrices,
    /// Rows of a band.
    pub(crate) band: usize,
    /// Offsets of its first row, of its first column, and of its first sum of a column.
    first_row: usize,
    first_column: usize,
    first_sum: usize,
}

/// The factored moments of all tensors: their sums, and the input of the lanes.
#[derive(Debug)]
pub(crate) struct FactoredMoments {
    pub(crate) of: Vec<[Option<Factored>; MAX_SLOTS]>,
    row_sums: SharedNumbers,
    column_sums: SharedNumbers,
    row_scales: Vec<f32>,
    column_scales: Vec<f32>,
    /// The largest value of a lane.
    limits: Vec<[f32; MAX_SLOTS]>,
    /// Bands of the moments that are updated before and after the sums over the tensor.
    pub(crate) bands: [Vec<Item>; 2],
}

impl Factored {
    fn bands(&self) -> usize {
        self.matrices.rows.div_ceil(self.band)
    }
}

impl FactoredMoments {
    /// The factored moments of tensors with these shapes and slots; none if no slot is factored.
    pub(crate) fn new(shapes: &[Vec<usize>], slots: &[&[Slot]]) -> Option<FactoredMoments> {
        let (mut rows, mut columns, mut sums) = (0, 0, 0);
        let mut bands = [Vec::new(), Vec::new()];
        let mut of = Vec::with_capacity(shapes.len());
        for (i, shape) in shapes.iter().enumerate() {
            let matrices = Matrices::of(shape);
            let band = matrices.rows.div_ceil(BANDS);
            let mut waits = [false; 2];
            of.push(std::array::from_fn(|k| match slots[i].get(k)?.derived? {
                Derived::Factored { after_sums, .. } if matrices.elements() > 0 => {
                    let factored =
                        Factored { matrices, band, first_row: rows, first_column: columns, first_sum: sums };
                    let [own_rows, own_columns] = matrices.factors();
                    rows += own_rows;
                    columns += own_columns;
                    sums += factored.bands() * own_columns;
                    waits[usize::from(after_sums)] = true;
                    Some(factored)
                }
                _ => None,
            }));
            let size = matrices.rows * matrices.columns;
            for (bands, _) in bands.iter_mut().zip(waits).filter(|(_, wanted)| *wanted) {
                for start in (0..matrices.count).map(|matrix| matrix * size) {
                    bands.extend(pieces(i, start..start + size, band * matrices.columns));
                }
            }
        }
        (rows > 0).then(|| FactoredMoments {
            row_sums: SharedNumbers::zeros(rows),
            column_sums: SharedNumbers::zeros(sums),
            row_scales: vec![0.0; rows],
            column_scales: vec![0.0; columns],
            limits: vec![[f32::INFINITY; MAX_SLOTS]; of.len()],
            bands,
            of,
        })
    }

    /// Stores the sum of squares of a row.
    pub(crate) fn set_row(&self, factored: &Factored, row: usize, sum: f64) {
        self.row_sums.set(factored.first_row + row, sum);
    }

    /// Stores the sums of squares of the columns of the band that starts at an element.
    pub(crate) fn set_columns(&self, factored: &Factored, start: usize, sums: &[f64]) {
        let Matrices { rows, columns, .. } = factored.matrices;
        let (matrix, inside) = (start / (rows * columns), start % (rows * columns));
        let band = matrix * factored.bands() + inside / (factored.band * columns);
        for (i, &sum) in sums.iter().enumerate() {
            self.column_sums.set(factored.first_sum + band * columns + i, sum);
        }
    }

    /// Advances the moments of a tensor's slot by the sums, and computes the scales of its lanes.
    pub(crate) fn advance(&mut self, tensor: usize, slot: usize, how: Factoring, state: &mut State) {
        let (Some(factored), Some([row, column])) =
            (self.of[tensor][slot], state.tensors[tensor].factored[slot])
        else {
            return;
        };
        let Matrices { count, rows, columns } = factored.matrices;
        let Factored { first_row, first_column, first_sum, .. } = factored;
        let bands = factored.bands();
        let blend = |old: f32, mean: f64| {
            let new = (how.beta * f64::from(old) + how.one_minus_beta * mean) as f32;
            if new.abs() < f32::MIN_POSITIVE { 0.0 } else { new }
        };
        let moments = state.write(&row, count * rows);
        for (i, moment) in moments.iter_mut().enumerate() {
            *moment = blend(*moment, self.row_sums.get(first_row + i) / columns as f64);
        }
        for (matrix, moments) in moments.chunks(rows).enumerate() {
            let mean = moments.iter().map(|&x| f64::from(x)).sum::<f64>() / rows as f64;
            let mean = mean.max(how.least);
            let scales = &mut self.row_scales[first_row + matrix * rows..][..rows];
            for (scale, &moment) in scales.iter_mut().zip(moments) {
                *scale = if moment == 0.0 { 0.0 } else { (mean / f64::from(moment)).sqrt() as f32 };
            }
        }
        let moments = state.write(&column, count * columns);
        for (i, moment) in moments.iter_mut().enumerate() {
            let (matrix, j) = (i / columns, i % columns);
            let first = first_sum + matrix * bands * columns + j;
            let sum: f64 = (0..bands).map(|band| self.column_sums.get(first + band * columns)).sum();
            *moment = blend(*moment, sum / rows as f64);
            let scale = &mut self.column_scales[first_column + i];
            *scale = if *moment == 0.0 { 0.0 } else { (1.0 / f64::from(*moment).sqrt()) as f32 };
        }
        self.limits[tensor][slot] = if how.least > 0.0 { (1.0 / how.least) as f32 } else { f32::INFINITY };
    }

    /// Writes the lanes of elements `start..` of a tensor.
    pub(crate) fn lanes(&self, isa: Isa, tensor: usize, slot: usize, start: usize, out: &mut [f32]) {
        let Some(factored) = self.of[tensor][slot] else { return out.fill(0.0) };
        let Matrices { rows, columns, .. } = factored.matrices;
        let limit = self.limits[tensor][slot];
        let range: Range<usize> = start..start + out.len();
        by_rows(range, columns, |row, column, part| {
            let first = factored.first_column + row / rows * columns + column;
            let columns = &self.column_scales[first..][..part.len()];
            multiply(isa, self.row_scales[factored.first_row + row], columns, limit, &mut out[part]);
        });
    }
}

/// `out = min(row * columns, limit)`.
fn multiply(isa: Isa, row: f32, columns: &[f32], limit: f32, out: &mut [f32]) {
    with_isa!(isa, v => {
        let _ = v;
        for (out, column) in out.iter_mut().zip(columns) {
            let scale = row * *column;
            *out = if scale > limit { limit } else { scale };
        }
    });
}
