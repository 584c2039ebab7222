//! Sums over runs of elements, in sixteen `f64` lanes.

use crate::simd::{Isa, LANES, Sum, load, splat, with_isa};

/// Adds the products of `$pair` over a run to sixteen sums.
macro_rules! each_lane {
    ($v:ident, $run:expr, $lanes:expr, $x:ident => $pair:expr) => {{
        let mut total = Sum::load($v, $lanes, 0);
        let (groups, rest) = $run.as_chunks::<LANES>();
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let tail = if rest.is_empty() { None } else { Some(&last) };
        for group in groups.iter().chain(tail) {
            let $x = load($v, group);
            let (a, b) = $pair;
            total = total.add_product(a, b);
        }
        total.store($lanes, 0);
    }};
}

/// Adds the elements of a run to sixteen sums.
pub(crate) fn add_up(isa: Isa, x: &[f32], lanes: &mut [f64; LANES]) {
    with_isa!(isa, v => each_lane!(v, x, lanes, x => (x, splat(x, 1.0))));
}

/// Adds the squares of the elements of a run to sixteen sums.
pub(crate) fn add_squares(isa: Isa, x: &[f32], lanes: &mut [f64; LANES]) {
    with_isa!(isa, v => each_lane!(v, x, lanes, x => (x, x)));
}

/// Adds the squares of the elements of a run, plus a constant, to a sum for each of them.
pub(crate) fn add_to_columns(isa: Isa, x: &[f32], added: f64, columns: &mut [f64]) {
    with_isa!(isa, v => {
        let _ = v;
        for (sum, x) in columns.iter_mut().zip(x) {
            let x = f64::from(*x);
            *sum += x * x + added;
        }
    });
}
