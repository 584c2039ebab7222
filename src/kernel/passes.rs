//! The loops: one for each pass, generic over rule, storage and SIMD level.
//!
//! A tile is a run of whole blocks (16 lanes, or 256 elements under blockwise storage) of one
//! tensor. The engine pads the last block of a tensor with zeros before it comes here, so there
//! are no tails.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over lanes and sums stay in place; a closure may end up in a function of its own, without the SIMD level"
)]

use super::storage::rounding::Rounding;
use super::storage::state_tile::StateTile;
use super::storage::{BLOCK, Float32, SlotTile, Storage};
use crate::rule::{Content, OnePass, ReduceFirst, StateFirst};
use crate::simd::{F32, LANES, Simd, Sum, flush, load, store, zeros};

/// Most slots that a rule may have.
pub(crate) const MAX_SLOTS: usize = 4;
/// Most sums that a rule may take.
pub(crate) const MAX_SUMS: usize = 4;

/// Running sums of one chunk: sixteen lanes each.
pub(crate) type Sums = [[f64; LANES]; MAX_SUMS];

/// A run of blocks of one tensor.
pub(crate) struct Tile<'a> {
    pub(crate) p: &'a mut [f32],
    pub(crate) g: &'a [f32],
    pub(crate) slots: [SlotTile<'a>; MAX_SLOTS],
    pub(crate) rounding: Rounding,
    /// Where the first pass leaves the direction for the second one.
    pub(crate) direction: Option<&'a mut [f32]>,
}

/// What each slot holds.
const fn contents<const S: usize>(slots: [crate::rule::Slot; S]) -> [Content; S] {
    let mut contents = [Content::Full; S];
    let mut k = 0;
    while k < S {
        contents[k] = slots[k].content;
        k += 1;
    }
    contents
}

/// Lanes between two decodings: a block, or the whole tile where nothing is decoded in blocks.
#[inline(always)]
fn stride<St: Storage>(lanes: usize) -> usize {
    if St::BLOCKWISE { BLOCK / LANES } else { lanes }
}

/// One-pass update.
#[inline(always)]
pub(crate) fn one_pass<V, R, St, const S: usize>(v: V, rule: &R, tile: Tile<'_>)
where
    V: Simd,
    R: OnePass<S>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let rule = *rule;
    let p = p.as_chunks_mut::<LANES>().0;
    let g = &g.as_chunks::<LANES>().0[..p.len()];
    let mut state = StateTile::<St, S>::new(slots, rounding);
    let held = const { contents(R::SLOTS) };
    let step = stride::<St>(p.len()).max(1);
    for first in (0..p.len()).step_by(step) {
        state.open(held, first / step);
        for i in first..first + step {
            let mut s = state.load(v, held, i);
            let new = rule.update(load(v, &p[i]), load(v, &g[i]), &mut s, flush);
            state.store(v, held, i, s);
            store(new, &mut p[i]);
        }
        state.close(v, held, first / step);
    }
}

/// Read-only first pass of a rule that computes sums before it updates.
#[inline(always)]
pub(crate) fn reduce<V, R, St, const S: usize, const K: usize>(
    v: V,
    rule: &R,
    tile: Tile<'_>,
    sums: &mut Sums,
) where
    V: Simd,
    R: ReduceFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let rule = *rule;
    let p = p.as_chunks::<LANES>().0;
    let g = &g.as_chunks::<LANES>().0[..p.len()];
    let mut total = sums_of::<V, K>(v, sums);
    if R::REDUCES_STATE {
        let mut state = StateTile::<St, S>::new(slots, rounding);
        let held = const { contents(R::SLOTS) };
        let step = stride::<St>(p.len()).max(1);
        for first in (0..p.len()).step_by(step) {
            state.open(held, first / step);
            for i in first..first + step {
                let s = state.load(v, held, i);
                total = add(total, rule.reduce(load(v, &p[i]), load(v, &g[i]), &s));
            }
        }
    } else {
        let none = [zeros(v); S];
        for i in 0..p.len() {
            total = add(total, rule.reduce(load(v, &p[i]), load(v, &g[i]), &none));
        }
    }
    for k in 0..K {
        total[k].store(&mut sums[k]);
    }
}

/// What a factored moment averages the squares of, for `float32` states.
#[inline(always)]
pub(crate) fn root<V, R, const S: usize, const K: usize>(
    v: V,
    rule: &R,
    slot: usize,
    tile: Tile<'_>,
    out: &mut [f32],
) where
    V: Simd,
    R: ReduceFirst<S, K>,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let rule = *rule;
    let p = p.as_chunks::<LANES>().0;
    let g = &g.as_chunks::<LANES>().0[..p.len()];
    let out = &mut out.as_chunks_mut::<LANES>().0[..p.len()];
    let state = StateTile::<Float32, S>::new(slots, rounding);
    let held = const { contents(R::SLOTS) };
    for i in 0..p.len() {
        let s = if R::ROOT_READS_STATE { state.load(v, held, i) } else { [zeros(v); S] };
        store(rule.root(slot, load(v, &p[i]), load(v, &g[i]), &s), &mut out[i]);
    }
}

/// Second pass of such a rule: advances the states and moves the parameter.
#[inline(always)]
pub(crate) fn update_reduced<V, R, St, const S: usize, const K: usize>(v: V, rule: &R, tile: Tile<'_>)
where
    V: Simd,
    R: ReduceFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let rule = *rule;
    let p = p.as_chunks_mut::<LANES>().0;
    let g = &g.as_chunks::<LANES>().0[..p.len()];
    let mut state = StateTile::<St, S>::new(slots, rounding);
    let held = const { contents(R::SLOTS) };
    let step = stride::<St>(p.len()).max(1);
    for first in (0..p.len()).step_by(step) {
        state.open(held, first / step);
        for i in first..first + step {
            let (x, g) = (load(v, &p[i]), load(v, &g[i]));
            let old = state.load(v, held, i);
            let mut s = old;
            rule.advance(x, g, &mut s);
            for k in 0..S {
                if held[k] != Content::Derived {
                    s[k] = flush(s[k]);
                }
            }
            let stored = state.store(v, held, i, s);
            if !R::AS_STORED {
                store(rule.apply(x, g, &old, &s), &mut p[i]);
            } else if !St::BLOCKWISE {
                store(rule.apply(x, g, &stored, &stored), &mut p[i]);
            }
        }
        state.close(v, held, first / step);
        if R::AS_STORED && St::BLOCKWISE {
            // The stored values of the states are known only after the block was encoded.
            state.open(held, first / step);
            for i in first..first + step {
                let s = state.load(v, held, i);
                store(rule.apply(load(v, &p[i]), load(v, &g[i]), &s, &s), &mut p[i]);
            }
        }
    }
}

/// First pass of a rule that advances its states first: also computes the sums.
#[inline(always)]
pub(crate) fn advance<V, R, St, const S: usize, const K: usize>(
    v: V,
    rule: &R,
    tile: Tile<'_>,
    sums: &mut Sums,
) where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, direction } = tile;
    let rule = *rule;
    let p = p.as_chunks::<LANES>().0;
    let g = &g.as_chunks::<LANES>().0[..p.len()];
    let mut direction = direction.map(|u| u.as_chunks_mut::<LANES>().0);
    let mut state = StateTile::<St, S>::new(slots, rounding);
    let held = const { contents(R::SLOTS) };
    let mut total = sums_of::<V, K>(v, sums);
    let step = stride::<St>(p.len()).max(1);
    for first in (0..p.len()).step_by(step) {
        state.open(held, first / step);
        for i in first..first + step {
            let (p, g) = (load(v, &p[i]), load(v, &g[i]));
            let mut s = state.load(v, held, i);
            rule.advance(p, g, &mut s);
            for k in 0..S {
                s[k] = flush(s[k]);
            }
            let s = state.store(v, held, i, s);
            if !St::BLOCKWISE {
                total = observe(&rule, total, i, p, g, &s, &mut direction);
            }
        }
        state.close(v, held, first / step);
        if St::BLOCKWISE {
            // The stored values of the states are known only after the block was encoded.
            state.open(held, first / step);
            for i in first..first + step {
                let (p, g, s) = (load(v, &p[i]), load(v, &g[i]), state.load(v, held, i));
                total = observe(&rule, total, i, p, g, &s, &mut direction);
            }
        }
    }
    for k in 0..K {
        total[k].store(&mut sums[k]);
    }
}

#[inline(always)]
fn observe<V: Simd, R: StateFirst<S, K>, const S: usize, const K: usize>(
    rule: &R,
    total: [Sum<V>; K],
    i: usize,
    p: F32<V>,
    g: F32<V>,
    s: &[F32<V>; S],
    direction: &mut Option<&mut [[f32; LANES]]>,
) -> [Sum<V>; K] {
    let u = rule.direction(p, g, s);
    if let Some(out) = direction {
        store(u, &mut out[i]);
    }
    add(total, rule.reduce(p, g, s, u))
}

/// Second pass of such a rule: moves the parameter along the stored direction, or computes it again.
#[inline(always)]
pub(crate) fn apply<V, R, St, const S: usize, const K: usize>(v: V, rule: &R, tile: Tile<'_>)
where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, direction } = tile;
    let rule = *rule;
    let p = p.as_chunks_mut::<LANES>().0;
    if let Some(u) = direction {
        let u = &u.as_chunks::<LANES>().0[..p.len()];
        for i in 0..p.len() {
            store(rule.apply(load(v, &p[i]), load(v, &u[i])), &mut p[i]);
        }
        return;
    }
    let g = g.as_chunks::<LANES>().0;
    let mut state = StateTile::<St, S>::new(slots, rounding);
    let held = const { contents(R::SLOTS) };
    let step = stride::<St>(p.len()).max(1);
    for first in (0..p.len()).step_by(step) {
        state.open(held, first / step);
        for i in first..first + step {
            let x = load(v, &p[i]);
            let g = if R::USES_GRADIENT { load(v, &g[i]) } else { x };
            let u = rule.direction(x, g, &state.load(v, held, i));
            store(rule.apply(x, u), &mut p[i]);
        }
    }
}

#[inline(always)]
fn add<V: Simd, const K: usize>(total: [Sum<V>; K], pairs: [(F32<V>, F32<V>); K]) -> [Sum<V>; K] {
    let mut total = total;
    for k in 0..K {
        total[k] = total[k].add_product(pairs[k].0, pairs[k].1);
    }
    total
}

#[inline(always)]
fn sums_of<V: Simd, const K: usize>(v: V, sums: &Sums) -> [Sum<V>; K] {
    let mut total = [Sum::load(v, &sums[0]); K];
    for k in 1..K {
        total[k] = Sum::load(v, &sums[k]);
    }
    total
}
