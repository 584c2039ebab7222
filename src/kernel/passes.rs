//! The loops: one for each pass, generic over rule, storage and SIMD level.
//!
//! A tile is a run of whole blocks (16 lanes, or 256 elements under blockwise storage) of one
//! tensor. The engine pads the last block of a tensor with zeros before it calls these loops, so
//! each of them processes whole blocks only.

use super::storage::rounding::Rounding;
use super::storage::state_tile::StateTile;
use super::storage::{BLOCK, Float32, Float32Halves, MAX_SLOTS, SlotTile, Storage};
use crate::rule::{Content, OnePass, ReduceFirst, StateFirst};
use crate::simd::{LANES, Simd, SimdBase, Sum, flush, load, load_part, store, store_part, zeros};

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

/// Lane groups of a block.
const GROUPS: usize = BLOCK / LANES;
/// Lane groups whose parameters and directions, 8 KiB, stay in the cache of the first level.
const STRIP: usize = 64;

/// Runs `$body` for each part of each group of lanes; under blockwise storage also `$open` before the
/// groups of a block, and `$close` after them.
macro_rules! each_part {
    ($st:ident, $v:ident, $groups:expr, $block:ident, $open:expr, $at:ident => $body:expr, $close:expr) => {
        if $st::BLOCKWISE {
            for $block in 0..$groups / GROUPS {
                $open;
                for i in $block * GROUPS..($block + 1) * GROUPS {
                    let $at = (i, 0);
                    $body
                }
                $close;
            }
        } else {
            each_part!($st, $v, 0..$groups, $at => $body)
        }
    };
    ($st:ident, $v:ident, $groups:expr, $at:ident => $body:expr) => {
        for i in $groups {
            {
                let $at = (i, 0);
                $body
            }
            if const { parts::<$st, $v>() == 2 } {
                let $at = (i, 1);
                $body
            }
        }
    };
}

/// How many parts of a group are worked on one after the other: 1 or 2.
const fn parts<St: Storage, V: Simd>() -> usize {
    LANES / <St::Lanes<V> as SimdBase<V>>::LEN
}

/// Whether a loop has forms without switches. Each form is compiled on its own, so only loops have them that
/// are limited by instructions: those of the levels that most CPUs have as their best, AVX2 and NEON. With
/// AVX-512, memory is the limit; with float8 states, the encoding of blocks.
const fn has_forms<V: Simd, St: Storage>() -> bool {
    let registers = LANES / <V::f32s as SimdBase<V>>::LEN;
    !St::BLOCKWISE && (registers == 2 || cfg!(target_arch = "aarch64"))
}

/// Calls a loop with a form of the rule whose switches are constants, if the rule has one of the usual
/// settings, or else with the rule as it is; with `float32` states, half of the lanes at a time, which leaves
/// more registers.
macro_rules! each_form {
    ($sweep:ident, $v:ident, $st:ident, $rule:ident [$($n:tt),*] => ($($argument:expr),*)) => {
        if const { !has_forms::<$v, $st>() } {
            let $rule = *$rule;
            $sweep::<$v, R, $st, $($n),*>($($argument),*)
        } else if const { !$st::NARROWS } {
            each_form!(@ $rule => $sweep::<$v, R, Float32Halves, $($n),*>($($argument),*))
        } else {
            each_form!(@ $rule => $sweep::<$v, R, $st, $($n),*>($($argument),*))
        }
    };
    (@ $rule:ident => $sweep:expr) => {
        if let Some($rule) = $rule.lean(false) {
            $sweep
        } else if let Some($rule) = $rule.lean(true) {
            $sweep
        } else {
            let $rule = *$rule;
            $sweep
        }
    };
}

/// One-pass update.
#[inline(always)]
pub(crate) fn one_pass<V, R, St, const S: usize>(v: V, rule: &R, tile: Tile<'_>)
where
    V: Simd,
    R: OnePass<S>,
    St: Storage,
{
    each_form!(update_lanes, V, St, rule [S] => (v, rule, tile));
}

#[inline(always)]
#[allow(
    clippy::redundant_closure,
    reason = "the name of a function may be called out of line, without the SIMD level"
)]
fn update_lanes<V, R, St, const S: usize>(v: V, rule: R, tile: Tile<'_>)
where
    V: Simd,
    R: OnePass<S>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let p = p.as_chunks_mut::<LANES>().0;
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..groups];
    let held = const { contents(R::SLOTS) };
    let mut scratch = StateTile::<St, S>::scratch();
    let mut state = StateTile::<St, S>::new(slots, held, rounding, groups, &mut scratch);
    each_part!(St, V, groups, block, state.next(held), at => {
        let mut s = state.load(v, held, at);
        let new = rule.update(
            of::<St, V>(v, p, at),
            of::<St, V>(v, g, at),
            &mut s,
            #[inline(always)]
            |x| flush(x),
        );
        state.store(v, held, at, s);
        store_part(new, &mut p[at.0], at.1);
    }, state.close(v, held, block));
}

/// The lanes of a part of a group.
#[inline(always)]
fn of<St: Storage, V: Simd>(v: V, groups: &[[f32; LANES]], (i, part): (usize, usize)) -> St::Lanes<V> {
    load_part(v, &groups[i], part)
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
    each_form!(reduce_lanes, V, St, rule [S, K] => (v, rule, tile, sums));
}

#[inline(always)]
fn reduce_lanes<V, R, St, const S: usize, const K: usize>(v: V, rule: R, tile: Tile<'_>, sums: &mut Sums)
where
    V: Simd,
    R: ReduceFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let p = p.as_chunks::<LANES>().0;
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..groups];
    let mut total = Totals::<St, V, K>::load(v, sums);
    let held = const { contents(R::SLOTS) };
    if R::REDUCES_STATE {
        let mut scratch = StateTile::<St, S>::scratch();
        let mut state = StateTile::<St, S>::new(slots, held, rounding, groups, &mut scratch);
        each_part!(St, V, groups, block, state.next(held), at => {
            let s = state.load(v, held, at);
            total.add(at, rule.reduce(of::<St, V>(v, p, at), of::<St, V>(v, g, at), &s));
        }, {});
    } else {
        let none = [zeros(v); S];
        each_part!(St, V, 0..groups, at => {
            total.add(at, rule.reduce(of::<St, V>(v, p, at), of::<St, V>(v, g, at), &none));
        });
    }
    total.store(sums);
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
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..groups];
    let out = &mut out.as_chunks_mut::<LANES>().0[..groups];
    let held = const { contents(R::SLOTS) };
    let mut scratch = StateTile::<Float32, S>::scratch();
    let state = StateTile::<Float32, S>::new(slots, held, rounding, groups, &mut scratch);
    for i in 0..groups {
        let s = if R::ROOT_READS_STATE { state.load(v, held, (i, 0)) } else { [zeros(v); S] };
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
    each_form!(update_reduced_lanes, V, St, rule [S, K] => (v, rule, tile));
}

#[inline(always)]
fn update_reduced_lanes<V, R, St, const S: usize, const K: usize>(v: V, rule: R, tile: Tile<'_>)
where
    V: Simd,
    R: ReduceFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let p = p.as_chunks_mut::<LANES>().0;
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..groups];
    let held = const { contents(R::SLOTS) };
    let mut scratch = StateTile::<St, S>::scratch();
    let mut state = StateTile::<St, S>::new(slots, held, rounding, groups, &mut scratch);
    each_part!(St, V, groups, block, state.next(held), at => {
        let (x, g) = (of::<St, V>(v, p, at), of::<St, V>(v, g, at));
        let old = state.load(v, held, at);
        let mut s = old;
        rule.advance(x, g, &mut s);
        each!(k in S => {
            if held[k] != Content::Derived {
                s[k] = flush(s[k]);
            }
        });
        let stored = state.store(v, held, at, s);
        if !R::AS_STORED {
            store_part(rule.apply(x, g, &old, &s), &mut p[at.0], at.1);
        } else if !St::BLOCKWISE {
            store_part(rule.apply(x, g, &stored, &stored), &mut p[at.0], at.1);
        }
    }, {
        state.close(v, held, block);
        if R::AS_STORED {
            // The stored values of the states are known only after the block was encoded.
            state.reopen(held);
            for i in block * GROUPS..(block + 1) * GROUPS {
                let at = (i, 0);
                let s = state.load(v, held, at);
                let new = rule.apply(of::<St, V>(v, p, at), of::<St, V>(v, g, at), &s, &s);
                store_part(new, &mut p[i], 0);
            }
        }
    });
}

/// First pass of a rule that advances its states first: also computes the sums.
#[inline(always)]
pub(crate) fn advance<V, R, St, const S: usize, const K: usize>(
    v: V,
    rule: &R,
    mut tile: Tile<'_>,
    sums: &mut Sums,
) where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    match tile.direction.take() {
        Some(u) => each_form!(advance_lanes, V, St, rule [S, K, true] => (v, rule, tile, u, sums)),
        None => each_form!(advance_lanes, V, St, rule [S, K, false] => (v, rule, tile, &mut [], sums)),
    }
}

/// `LEAVES` says whether the direction is left in `direction`.
#[inline(always)]
fn advance_lanes<V, R, St, const S: usize, const K: usize, const LEAVES: bool>(
    v: V,
    rule: R,
    tile: Tile<'_>,
    direction: &mut [f32],
    sums: &mut Sums,
) where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let p = p.as_chunks::<LANES>().0;
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..groups];
    let direction = &mut direction.as_chunks_mut::<LANES>().0[..if LEAVES { groups } else { 0 }];
    let held = const { contents(R::SLOTS) };
    let mut scratch = StateTile::<St, S>::scratch();
    let mut state = StateTile::<St, S>::new(slots, held, rounding, groups, &mut scratch);
    macro_rules! observe {
        ($total:ident, $at:ident, $p:ident, $g:ident, $s:expr) => {{
            let s = $s;
            let u = rule.direction($p, $g, &s);
            if LEAVES {
                store_part(u, &mut direction[$at.0], $at.1);
            }
            $total.add($at, rule.reduce($p, $g, &s, u));
        }};
    }
    macro_rules! advance {
        ($at:ident, |$p:ident, $g:ident, $s:ident| $then:expr) => {
            let ($p, $g) = (of::<St, V>(v, p, $at), of::<St, V>(v, g, $at));
            let mut s = state.load(v, held, $at);
            rule.advance($p, $g, &mut s);
            each!(k in S => {
                s[k] = flush(s[k]);
            });
            let $s = state.store(v, held, $at, s);
            $then
        };
    }
    if LEAVES && !St::NARROWS {
        // The registers of most levels do not hold both the sums and the constants of the direction: the sums
        // are taken from the direction as it was left, while that is in the cache of the first level.
        for strip in (0..groups).step_by(STRIP) {
            let end = groups.min(strip + STRIP);
            each_part!(St, V, strip..end, at => {
                advance!(at, |p, g, s| store_part(rule.direction(p, g, &s), &mut direction[at.0], at.1));
            });
            // In memory between the strips, or they would take the registers after all.
            let sums = std::hint::black_box(&mut *sums);
            let mut total = Totals::<St, V, K>::load(v, sums);
            each_part!(St, V, strip..end, at => {
                let (p, g) = (of::<St, V>(v, p, at), of::<St, V>(v, g, at));
                let u = of::<St, V>(v, direction, at);
                total.add(at, rule.reduce(p, g, &state.load(v, held, at), u));
            });
            total.store(sums);
        }
    } else {
        let mut total = Totals::<St, V, K>::load(v, sums);
        each_part!(St, V, groups, block, state.next(held), at => {
            advance!(at, |p, g, s| if !St::BLOCKWISE {
                observe!(total, at, p, g, s);
            });
        }, {
            state.close(v, held, block);
            // The stored values of the states are known only after the block was encoded.
            state.reopen(held);
            for i in block * GROUPS..(block + 1) * GROUPS {
                let at = (i, 0);
                let (p, g) = (of::<St, V>(v, p, at), of::<St, V>(v, g, at));
                observe!(total, at, p, g, state.load(v, held, at));
            }
        });
        total.store(sums);
    }
}

/// Second pass of such a rule: moves the parameter along the stored direction, or computes it again.
#[inline(always)]
pub(crate) fn apply<V, R, St, const S: usize, const K: usize>(v: V, rule: &R, mut tile: Tile<'_>)
where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    match tile.direction.take() {
        Some(u) => each_form!(apply_left, V, St, rule [S, K] => (v, rule, tile.p, u)),
        None => each_form!(apply_lanes, V, St, rule [S, K] => (v, rule, tile)),
    }
}

#[inline(always)]
fn apply_left<V, R, St, const S: usize, const K: usize>(v: V, rule: R, p: &mut [f32], direction: &[f32])
where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    let p = p.as_chunks_mut::<LANES>().0;
    let groups = p.len();
    let u = &direction.as_chunks::<LANES>().0[..groups];
    each_part!(St, V, 0..groups, at => {
        let new = rule.apply(of::<St, V>(v, p, at), of::<St, V>(v, u, at));
        store_part(new, &mut p[at.0], at.1);
    });
}

#[inline(always)]
fn apply_lanes<V, R, St, const S: usize, const K: usize>(v: V, rule: R, tile: Tile<'_>)
where
    V: Simd,
    R: StateFirst<S, K>,
    St: Storage,
{
    let Tile { p, g, slots, rounding, .. } = tile;
    let p = p.as_chunks_mut::<LANES>().0;
    let groups = p.len();
    let g = &g.as_chunks::<LANES>().0[..if R::USES_GRADIENT { groups } else { 0 }];
    let held = const { contents(R::SLOTS) };
    let mut scratch = StateTile::<St, S>::scratch();
    let mut state = StateTile::<St, S>::new(slots, held, rounding, groups, &mut scratch);
    each_part!(St, V, groups, block, state.next(held), at => {
        let x = of::<St, V>(v, p, at);
        let g = if R::USES_GRADIENT { of::<St, V>(v, g, at) } else { x };
        let u = rule.direction(x, g, &state.load(v, held, at));
        store_part(rule.apply(x, u), &mut p[at.0], at.1);
    }, {});
}

/// The running sums of a chunk, for each part of a group; the second is not used where there is one part.
struct Totals<St: Storage, V: Simd, const K: usize>([[Sum<St::Lanes<V>>; K]; 2]);

impl<St: Storage, V: Simd, const K: usize> Totals<St, V, K> {
    #[inline(always)]
    fn load(v: V, sums: &Sums) -> Self {
        let mut total = [[Sum::load(v, &sums[0], 0); K]; 2];
        each!(k in K => {
            total[0][k] = Sum::load(v, &sums[k], 0);
            if const { parts::<St, V>() == 2 } {
                total[1][k] = Sum::load(v, &sums[k], 1);
            }
        });
        Totals(total)
    }

    #[inline(always)]
    fn add(&mut self, (_, part): (usize, usize), pairs: [(St::Lanes<V>, St::Lanes<V>); K]) {
        each!(k in K => {
            self.0[part][k] = self.0[part][k].add_product(pairs[k].0, pairs[k].1);
        });
    }

    #[inline(always)]
    fn store(self, sums: &mut Sums) {
        each!(k in K => {
            self.0[0][k].store(&mut sums[k], 0);
            if const { parts::<St, V>() == 2 } {
                self.0[1][k].store(&mut sums[k], 1);
            }
        });
    }
}
