//! Matrix products, for rules that transform a whole direction.
//!
//! Products are computed by a crate; their bits may differ between machines. A product is always cut into
//! the same pieces, so its bits do not depend on the number of threads.

use std::ops::Range;

/// A tensor as matrices of its last two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matrices {
    pub(crate) count: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Matrices {
    /// The matrices of a tensor of this shape; of fewer than two axes it is one row.
    pub(crate) fn of(shape: &[usize]) -> Matrices {
        match shape {
            [batch @ .., rows, columns] => {
                Matrices { count: batch.iter().product(), rows: *rows, columns: *columns }
            }
            _ => Matrices { count: 1, rows: 1, columns: shape.iter().product() },
        }
    }

    pub(crate) fn elements(self) -> usize {
        self.count * self.rows * self.columns
    }

    /// Rows and columns of all matrices.
    pub(crate) fn factors(self) -> [usize; 2] {
        [self.count * self.rows, self.count * self.columns]
    }
}

/// Runs `n` pieces of work, each once, on the threads of the step.
pub(crate) type ParallelFor<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A matrix in row-major order, and the threads to work on it.
pub struct Matrix<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) parallel_for: ParallelFor<'a>,
}

/// Rows of a product that are computed in one piece.
const PIECE: usize = 128;

/// Added to the norm by which a matrix is divided.
const NORM_EPSILON: f64 = 1e-7;

/// A matrix in memory: its first element, and the strides of rows and columns.
#[derive(Clone, Copy)]
struct View {
    start: *mut f32,
    rows: usize,
    columns: usize,
    row: isize,
    column: isize,
}

// SAFETY: the pieces of a product write to rows of their own.
unsafe impl Sync for View {}

impl View {
    fn of(values: &mut [f32], rows: usize, columns: usize) -> View {
        debug_assert_eq!(values.len(), rows * columns);
        View { start: values.as_mut_ptr(), rows, columns, row: columns as isize, column: 1 }
    }

    fn transposed(self) -> View {
        View { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    fn part(self, rows: Range<usize>) -> View {
        // SAFETY: the rows are the matrix's own.
        let start = unsafe { self.start.offset(rows.start as isize * self.row) };
        View { start, rows: rows.len(), ..self }
    }

    fn left(self, columns: usize) -> View {
        View { columns, ..self }
    }
}

/// `out = alpha a b + beta out`, piece by piece.
fn product(parallel_for: ParallelFor<'_>, alpha: f32, a: View, b: View, beta: f32, out: View) {
    parallel_for(out.rows.div_ceil(PIECE), &|piece| {
        let rows = piece * PIECE..out.rows.min((piece + 1) * PIECE);
        multiply(alpha, a.part(rows.clone()), b, beta, out.part(rows));
    });
}

/// The same for a symmetric result: computes the lower triangle and mirrors it.
fn symmetric(parallel_for: ParallelFor<'_>, alpha: f32, a: View, b: View, beta: f32, out: &mut [f32]) {
    let n = a.rows;
    let view = View::of(out, n, n);
    let pieces = n.div_ceil(PIECE);
    parallel_for(pieces, &|piece| {
        // The longest pieces first.
        let piece = pieces - 1 - piece;
        let rows = piece * PIECE..n.min((piece + 1) * PIECE);
        let end = rows.end;
        multiply(alpha, a.part(rows.clone()), b.left(end), beta, view.part(rows).left(end));
    });
    for i in 0..n {
        for j in i + 1..n {
            out[i * n + j] = out[j * n + i];
        }
    }
}

/// `out = alpha a b + beta out`
fn multiply(alpha: f32, a: View, b: View, beta: f32, out: View) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    // SAFETY: the views are of matrices that are alive and as large as they say; each piece writes
    // to rows of its own, and `a` and `b` are not written to.
    unsafe {
        matrixmultiply::sgemm(
            m, k, n, alpha, a.start, a.row, a.column, b.start, b.row, b.column, beta, out.start, out.row,
            out.column,
        );
    }
}

impl Matrix<'_> {
    /// Replaces the matrix by an approximation of the nearest one with orthonormal rows or columns,
    /// times `scale`: `X = M / |M|`, then, for each step, `A = X X^T`, `X = a X + (b A + c A A) X`.
    pub(crate) fn orthogonalise(&mut self, steps: &[[f32; 3]], scale: f64) {
        let sum: f64 = self.values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let first = (1.0 / (sum.sqrt() + NORM_EPSILON)) as f32;
        self.values.iter_mut().for_each(|x| *x *= first);
        let short = self.rows.min(self.columns);
        let (mut gram, mut polynomial) = (vec![0.0f32; short * short], vec![0.0f32; short * short]);
        let mut next = self.values.to_vec();
        for &[a, b, c] in steps {
            next.copy_from_slice(self.values);
            let wide = |values: &mut [f32]| {
                let view = View::of(values, self.rows, self.columns);
                if self.rows > self.columns { view.transposed() } else { view }
            };
            let (x, y) = (wide(&mut *self.values), wide(&mut next));
            symmetric(self.parallel_for, 1.0, x, x.transposed(), 0.0, &mut gram);
            polynomial.copy_from_slice(&gram);
            let g = View::of(&mut gram, short, short);
            symmetric(self.parallel_for, c, g, g, b, &mut polynomial);
            product(self.parallel_for, 1.0, View::of(&mut polynomial, short, short), x, a, y);
            self.values.copy_from_slice(&next);
        }
        self.values.iter_mut().for_each(|x| *x *= scale as f32);
    }
}
