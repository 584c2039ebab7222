//! Gradients: their formats, and the operations on each element before the rule uses it.

use crate::kernel::Sums;
use crate::simd::{F32, Isa, LANES, Simd, Sum, clamp, flush, from_bf16, from_f16, load, store, with_isa};

/// A run of a gradient, in the caller's memory.
#[derive(Clone, Copy)]
pub(crate) enum Run<'a> {
    Float32(&'a [f32]),
    Bfloat16(&'a [u16]),
    Float16(&'a [u16]),
}

/// The operations on a gradient: `clamp((g * unscale + accumulated) * factor, -limit, limit)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GradientTransform {
    /// 1 / loss scale, negative where the objective is maximized.
    pub(crate) unscale: f32,
    /// 1 / accumulated calls, and the factor of a norm clip.
    pub(crate) factor: f32,
    /// Largest magnitude; infinity without a limit.
    pub(crate) limit: f32,
}

impl GradientTransform {
    pub(crate) const NOTHING: GradientTransform =
        GradientTransform { unscale: 1.0, factor: 1.0, limit: f32::INFINITY };

    pub(crate) fn is_nothing(&self) -> bool {
        self.unscale == 1.0 && self.factor == 1.0 && self.limit == f32::INFINITY
    }
}

impl Run<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Run::Float32(g) => g.len(),
            Run::Bfloat16(g) | Run::Float16(g) => g.len(),
        }
    }
}

/// Calls `$body` with `$g` bound to each sixteen lanes of the unscaled gradient plus the accumulated one.
/// The last group is filled up with zeros.
macro_rules! each_group {
    ($v:ident, $run:expr, $unscale:expr, $accumulated:expr, $i:ident, $g:ident => $body:expr) => {
        match $run {
            Run::Float32(x) => each_group!(@ $v, x, load, 0.0, $unscale, $accumulated, $i, $g => $body),
            Run::Bfloat16(x) => each_group!(@ $v, x, from_bf16, 0, $unscale, $accumulated, $i, $g => $body),
            Run::Float16(x) => each_group!(@ $v, x, from_f16, 0, $unscale, $accumulated, $i, $g => $body),
        }
    };
    (@ $v:ident, $x:expr, $decode:ident, $zero:expr, $unscale:expr, $accumulated:expr, $i:ident, $g:ident => $body:expr) => {{
        let (groups, rest) = $x.as_chunks::<LANES>();
        let mut last = [$zero; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let tail = if rest.is_empty() { None } else { Some(&last) };
        for ($i, group) in groups.iter().chain(tail).enumerate() {
            let $g = $decode($v, group) * $unscale;
            let $g = match $accumulated {
                Some(a) => $g + group_of($v, a, $i),
                None => $g,
            };
            $body
        }
    }};
}

/// Lanes `16 i ..` of a state array, which is always long enough for a full group.
#[inline(always)]
fn group_of<V: Simd>(v: V, x: &[f32], i: usize) -> F32<V> {
    load(v, &x.as_chunks::<LANES>().0[i])
}

/// Writes the transformed gradient to `out`, and zeros after it.
pub(crate) fn transform_gradient(
    isa: Isa,
    run: Run<'_>,
    accumulated: Option<&[f32]>,
    how: GradientTransform,
    out: &mut [f32],
) {
    out[run.len()..].fill(0.0);
    let groups = out.as_chunks_mut::<LANES>().0;
    with_isa!(isa, v => each_group!(v, run, how.unscale, accumulated, i, g => {
        store(clamp(g * how.factor, -how.limit, how.limit), &mut groups[i]);
    }));
}

/// Adds the squares of the unscaled gradient to the sums.
pub(crate) fn sum_squares(
    isa: Isa,
    run: Run<'_>,
    accumulated: Option<&[f32]>,
    unscale: f32,
    sums: &mut Sums,
) {
    with_isa!(isa, v => {
        let mut total = Sum::load(v, &sums[0], 0);
        each_group!(v, run, unscale, accumulated, i, g => {
            let _ = i;
            total = total.add_product(g, g);
        });
        total.store(&mut sums[0], 0);
    });
}

/// `accumulated += g * unscale`.
pub(crate) fn accumulate(isa: Isa, run: Run<'_>, unscale: f32, accumulated: &mut [f32]) {
    let groups = accumulated.as_chunks_mut::<LANES>().0;
    with_isa!(isa, v => each_group!(v, run, unscale, None::<&[f32]>, i, g => {
        let sum = load(v, &groups[i]) + g;
        store(flush(sum), &mut groups[i]);
    }));
}
