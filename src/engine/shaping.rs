//! What is done to a gradient by its tensor's shape: centralised by rows, pulled towards the
//! parameter (LARC), scaled by the moments of rows and columns (Adafactor).
//!
//! Each needs sums over the whole tensor first, hence a sweep of its own; what the sums give is
//! applied to tiles, before the rule. A row is summed by one thread, columns band by band: how a
//! matrix is cut into bands depends on its shape alone.

use crate::engine::plan::{CHUNK, Item, Plan, Stage};
use crate::engine::stages::{self, STAGED};
use crate::engine::state::State;
use crate::engine::sweep::{Sweep, Workspace};
use crate::kernel::Kernel;
use crate::rule::Factoring;
use crate::simd::{LANES, fold};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bands into which the rows of a matrix are cut.
const BANDS: usize = 32;

/// How far a gradient is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shaped {
    Raw,
    Centred,
    Pulled,
    Factored,
}

/// What is done with parameter, prepared gradient and start of a tile.
type Each<'a> = &'a mut dyn FnMut(&[f32], &[f32], usize);

/// A tensor whose rows are centralised.
#[derive(Clone, Copy, Debug)]
struct Centre {
    /// Elements of a row.
    len: usize,
    /// Place of its first row's mean.
    first: usize,
}

/// A tensor of matrices whose second moment is factored.
#[derive(Clone, Copy, Debug)]
struct Factor {
    matrices: usize,
    rows: usize,
    columns: usize,
    /// Rows of a band.
    band: usize,
    /// Place of its first row, of its first column, and of its first sum of a column.
    first_row: usize,
    first_column: usize,
    first_sum: usize,
}

/// What shaping needs, and what it found.
#[derive(Debug, Default)]
pub(crate) struct Shaping {
    centres: Vec<Option<Centre>>,
    means: Vec<AtomicU64>,
    factors: Vec<Option<Factor>>,
    row_sums: Vec<AtomicU64>,
    column_sums: Vec<AtomicU64>,
    row_scales: Vec<f32>,
    column_scales: Vec<f32>,
    limits: Vec<f32>,
    /// Factor of each gradient, and of the parameter that is added to it; empty without LARC.
    pub(crate) pulls: Vec<(f64, f64)>,
    rows_of: Option<Vec<Item>>,
    bands_of: Option<Vec<Item>>,
}

/// Matrices, rows and columns of a tensor whose last two axes are factored.
pub(crate) fn matrices(shape: &[usize]) -> [usize; 3] {
    match shape {
        [batch @ .., rows, columns] => [batch.iter().product(), *rows, *columns],
        _ => [1, 1, shape.iter().product()],
    }
}

impl Shaping {
    /// For tensors of these shapes: which of them are centralised, and which factored.
    pub(crate) fn new(shapes: &[Vec<usize>], centred: &[bool], factored: &[bool]) -> Shaping {
        let mut shaping = Shaping::default();
        let (mut means, mut rows_so_far, mut columns_so_far, mut sums) = (0, 0, 0, 0);
        let (mut rows_of, mut bands_of) = (Vec::new(), Vec::new());
        for (i, shape) in shapes.iter().enumerate() {
            let size: usize = shape.iter().product();
            let centre = (centred[i] && size > 0).then(|| Centre { len: size / shape[0], first: means });
            if let Some(centre) = centre {
                means += shape[0];
                let rows = (CHUNK / centre.len).max(1);
                rows_of.extend(pieces(i, 0..size, rows * centre.len));
            }
            shaping.centres.push(centre);
            let [count, rows, columns] = matrices(shape);
            let factor = (factored[i] && size > 0).then(|| Factor {
                matrices: count,
                rows,
                columns,
                band: rows.div_ceil(BANDS),
                first_row: rows_so_far,
                first_column: columns_so_far,
                first_sum: sums,
            });
            if let Some(factor) = factor {
                rows_so_far += count * rows;
                columns_so_far += count * columns;
                sums += count * rows.div_ceil(factor.band) * columns;
                for matrix in 0..count {
                    let start = matrix * rows * columns;
                    bands_of.extend(pieces(i, start..start + rows * columns, factor.band * columns));
                }
            }
            shaping.factors.push(factor);
        }
        let room64 = |n: usize| std::iter::repeat_with(AtomicU64::default).take(n).collect();
        shaping.means = room64(means);
        shaping.row_sums = room64(rows_so_far);
        shaping.column_sums = room64(sums);
        shaping.row_scales = vec![0.0; rows_so_far];
        shaping.column_scales = vec![0.0; columns_so_far];
        shaping.limits = vec![f32::INFINITY; shapes.len()];
        shaping.rows_of = (!rows_of.is_empty()).then_some(rows_of);
        shaping.bands_of = (!bands_of.is_empty()).then_some(bands_of);
        shaping
    }

    /// Whether it touches this tensor.
    pub(crate) fn touches(&self, tensor: usize, shaped: Shaped) -> bool {
        self.centres[tensor].is_some() && shaped >= Shaped::Centred
            || !self.pulls.is_empty() && shaped >= Shaped::Pulled
            || self.factors[tensor].is_some() && shaped >= Shaped::Factored
    }

    /// The sweep over rows that finds their means, where there is one.
    pub(crate) fn centring(&self, lengths: &[usize], threads: usize) -> Option<Plan> {
        self.rows_of.as_ref().map(|items| Plan::of(Stage::Only, items.clone(), lengths, threads))
    }

    /// The sweep over bands that sums the squares of rows and columns, where there is one.
    pub(crate) fn factoring(&self, lengths: &[usize], threads: usize) -> Option<Plan> {
        self.bands_of.as_ref().map(|items| Plan::of(Stage::Only, items.clone(), lengths, threads))
    }

    /// Brings the moments of a tensor's rows and columns up to date with the sums, and the scales
    /// with the moments.
    pub(crate) fn settle(&mut self, tensor: usize, how: Factoring, state: &mut State) {
        let (Some(factor), Some([row, column])) = (self.factors[tensor], state.tensors[tensor].factors)
        else {
            return;
        };
        let Factor { matrices, rows, columns, band, first_row, first_column, first_sum } = factor;
        let bands = rows.div_ceil(band);
        let value = |sums: &[AtomicU64], i: usize| f64::from_bits(sums[i].load(Ordering::Relaxed));
        let blend = |old: f32, mean: f64| {
            let new = (how.keep * f64::from(old) + how.take * mean) as f32;
            if new.abs() < f32::MIN_POSITIVE { 0.0 } else { new }
        };
        let moments = state.write(&row, matrices * rows);
        for (i, moment) in moments.iter_mut().enumerate() {
            *moment = blend(*moment, value(&self.row_sums, first_row + i) / columns as f64);
        }
        for (matrix, moments) in moments.chunks(rows).enumerate() {
            let mean = moments.iter().map(|&x| f64::from(x)).sum::<f64>() / rows as f64;
            let mean = mean.max(how.least);
            let scales = &mut self.row_scales[first_row + matrix * rows..][..rows];
            for (scale, &moment) in scales.iter_mut().zip(moments) {
                *scale = if moment == 0.0 { 0.0 } else { (mean / f64::from(moment)).sqrt() as f32 };
            }
        }
        let moments = state.write(&column, matrices * columns);
        for (i, moment) in moments.iter_mut().enumerate() {
            let (matrix, j) = (i / columns, i % columns);
            let first = first_sum + matrix * bands * columns + j;
            let sum: f64 = (0..bands).map(|band| value(&self.column_sums, first + band * columns)).sum();
            *moment = blend(*moment, sum / rows as f64);
            let scale = &mut self.column_scales[first_column + i];
            *scale = if *moment == 0.0 { 0.0 } else { (1.0 / f64::from(*moment).sqrt()) as f32 };
        }
        self.limits[tensor] = if how.least > 0.0 { (1.0 / how.least) as f32 } else { f32::INFINITY };
    }
}

/// Runs of `len` elements of a tensor.
fn pieces(tensor: usize, range: Range<usize>, len: usize) -> impl Iterator<Item = Item> {
    range.clone().step_by(len).map(move |start| Item::Chunk {
        tensor: tensor as u32,
        start,
        end: range.end.min(start + len),
        scratch: None,
    })
}

/// Elements of the row and column moments of a tensor of this shape.
pub(crate) fn factor_sizes(shape: &[usize]) -> [usize; 2] {
    let [count, rows, columns] = matrices(shape);
    [count * rows, count * columns]
}

/// Shapes of the row and column moments of a tensor of this shape.
pub(crate) fn factor_shapes(shape: &[usize]) -> [Vec<usize>; 2] {
    let mut shapes = [shape.to_vec(), shape.to_vec()];
    let axes = shape.len();
    shapes[0].remove(axes - 1);
    shapes[1].remove(axes - 2);
    shapes
}

/// Calls `each` with the parts of `range` that lie in one row of `len`: row, column, part.
fn by_rows(range: Range<usize>, len: usize, mut each: impl FnMut(usize, usize, Range<usize>)) {
    let mut at = range.start;
    while at < range.end {
        let (row, column) = (at / len, at % len);
        let end = range.end.min(at + len - column);
        each(row, column, at - range.start..end - range.start);
        at = end;
    }
}

impl Sweep<'_> {
    /// Shapes the gradient of elements `start..` of a tensor as far as it is known how.
    pub(crate) fn shape(&self, tensor: u32, start: usize, p: &[f32], g: &mut [f32]) {
        let (Some(shaping), i) = (self.shaping, tensor as usize) else { return };
        let range = start..start + g.len();
        if let (Some(centre), true) = (shaping.centres[i], self.shaped >= Shaped::Centred) {
            by_rows(range.clone(), centre.len, |row, _, part| {
                let mean = f64::from_bits(shaping.means[centre.first + row].load(Ordering::Relaxed));
                stages::centre(self.isa, &mut g[part], mean);
            });
        }
        if let (Some(&(factor, pull)), true) = (shaping.pulls.get(i), self.shaped >= Shaped::Pulled)
            && (factor, pull) != (1.0, 0.0)
        {
            stages::pull(self.isa, g, p, factor, pull);
        }
        if let (Some(factor), true) = (shaping.factors[i], self.shaped >= Shaped::Factored) {
            by_rows(range, factor.columns, |row, column, part| {
                let first = factor.first_column + row / factor.rows * factor.columns + column;
                let columns = &shaping.column_scales[first..][..part.len()];
                let row = shaping.row_scales[factor.first_row + row];
                stages::scale(self.isa, &mut g[part], row, columns, shaping.limits[i]);
            });
        }
    }

    /// Finds the means of the rows of a range, which holds whole ones.
    pub(crate) fn find_means(&self, tensor: u32, range: Range<usize>, work: &mut Workspace) {
        let Some((shaping, centre)) = self.shaping.and_then(|s| Some((s, s.centres[tensor as usize]?)))
        else {
            return;
        };
        for start in range.clone().step_by(centre.len) {
            let mut lanes = [0.0; LANES];
            self.prepared(tensor, start..start + centre.len, work, &mut |_, g, _| {
                stages::add_up(self.isa, g, &mut lanes);
            });
            let mean = fold(&lanes) / centre.len as f64;
            let place = &shaping.means[centre.first + start / centre.len];
            place.store(mean.to_bits(), Ordering::Relaxed);
        }
    }

    /// Sums the squares of parameter and gradient.
    pub(crate) fn layer(&self, tensor: u32, range: Range<usize>, work: &mut Workspace) {
        let (mut weight, mut gradient) = ([0.0; LANES], [0.0; LANES]);
        let chunk = range.start / CHUNK;
        self.prepared(tensor, range, work, &mut |p, g, _| {
            stages::add_squares(self.isa, p, &mut weight);
            stages::add_squares(self.isa, g, &mut gradient);
        });
        self.keep(tensor, chunk, &[fold(&weight), fold(&gradient), 0.0, 0.0]);
    }

    /// Sums the squares of the rows and columns of one band.
    pub(crate) fn find_moments(
        &self,
        tensor: u32,
        range: Range<usize>,
        kernels: &[Box<dyn Kernel>],
        work: &mut Workspace,
    ) {
        let own = &self.tensors[tensor as usize];
        let factoring = own.group.and_then(|group| kernels[own.kernel].factoring(group));
        let added = factoring.map_or(0.0, |how| how.added);
        let Some((shaping, factor)) = self.shaping.and_then(|s| Some((s, s.factors[tensor as usize]?)))
        else {
            return;
        };
        let mut columns = std::mem::take(&mut work.columns);
        columns.clear();
        columns.resize(factor.columns, 0.0);
        for start in range.clone().step_by(factor.columns) {
            let mut lanes = [0.0; LANES];
            self.prepared(tensor, start..start + factor.columns, work, &mut |_, g, at| {
                stages::add_squares(self.isa, g, &mut lanes);
                stages::add_to_columns(self.isa, g, added, &mut columns[at - start..]);
            });
            let row = factor.first_row + start / factor.columns;
            let sum = fold(&lanes) + added * factor.columns as f64;
            shaping.row_sums[row].store(sum.to_bits(), Ordering::Relaxed);
        }
        let size = factor.rows * factor.columns;
        let (matrix, band) = (range.start / size, range.start % size / (factor.band * factor.columns));
        let band = matrix * factor.rows.div_ceil(factor.band) + band;
        let places = &shaping.column_sums[factor.first_sum + band * factor.columns..];
        for (place, sum) in places.iter().zip(&columns) {
            place.store(sum.to_bits(), Ordering::Relaxed);
        }
        work.columns = columns;
    }

    /// Calls `each` with parameter, prepared gradient and start of every tile of a range.
    fn prepared(&self, tensor: u32, range: Range<usize>, work: &mut Workspace, each: Each<'_>) {
        let how = self.prepare_of(tensor);
        for start in range.clone().step_by(STAGED) {
            let end = range.end.min(start + STAGED);
            let (p, n) = (&*self.parameter(tensor, start..end), end - start);
            let g = &mut work.staged.gradient[..n.next_multiple_of(LANES)];
            self.prepare(tensor, how, start..end, p, g);
            each(p, &g[..n], start);
        }
    }
}
