//! Moments in 8 bits: a small float, and a power-of-two scale for each block of 256.

use super::rounding::Draw;
use super::{BLOCK, Format, SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{
    F32, I32, LANES, Simd, U32, load, narrow_positive8, narrow_signed8, store, widen_signed8, widen8,
};
use fearless_simd::prelude::*;
use fearless_simd::u32x16;

/// 8 bits: a small float and a power-of-two scale per block of 256.
#[derive(Clone, Copy)]
pub(crate) struct Float8;

/// Lane groups of a block.
const GROUPS: usize = BLOCK / LANES;

/// The numbers of a block.
type Numbers = [[f32; LANES]; GROUPS];

/// One slot of 8-bit state, and the new values of the block in hand.
pub(crate) struct Float8View<'a> {
    /// The codes and the scale of the block in hand, and of those behind it.
    codes: &'a mut [[u8; LANES]],
    scale: &'a mut [u8],
    later_codes: &'a mut [[u8; LANES]],
    later_scales: &'a mut [u8],
    /// What the codes of the open block are multiplied with.
    down: f32,
    fresh: &'a mut Numbers,
    /// Exponent of the sealed block.
    exponent: i32,
    /// What its numbers are multiplied with, to be codes at the head of their bits.
    up: f32,
}

/// The two small floats. A code read as the top bits of a `float32` is the value times
/// `2^-base`; the largest code is then `480 * 2^exponent`.
#[derive(Clone, Copy)]
struct Small {
    /// Whether the first bit of the code is a sign.
    signed: bool,
    /// Exponent that brings a code, read as above, to at most 480.
    base: i32,
    /// Smallest block exponent: the least code is then the least normal `float32`.
    lowest: i32,
}

const SIGNED: Small = Small { signed: true, base: 120, lowest: -117 };
const SQUARE: Small = Small { signed: false, base: 104, lowest: -101 };
const MAGNITUDE: u32 = 0x7fff_ffff;
/// Scale codes: 0 a block of zeros, 255 a block with a NaN, else the exponent plus this.
const SCALE_BIAS: i32 = 128;
const SCALE_NAN: u8 = 255;

/// The small float of a slot.
#[inline(always)]
fn small(content: Content) -> Small {
    if content == Content::Square { SQUARE } else { SIGNED }
}

/// `2^e` for `-149 <= e <= 127`.
#[inline(always)]
fn power_of_two(e: i32) -> f32 {
    if e < -126 { f32::from_bits(1 << (e + 149)) } else { f32::from_bits(((e + 127) as u32) << 23) }
}

/// The factor that a scale code stands for.
#[inline(always)]
fn scale_factor(code: u8) -> f32 {
    match code {
        0 => 0.0,
        SCALE_NAN => f32::NAN,
        code => power_of_two(i32::from(code) - SCALE_BIAS),
    }
}

/// The number that an 8-bit code and its block's scale code stand for.
pub fn decode8(format: Format, code: u8, scale: u8) -> f32 {
    let small = if format == Format::Square8 { SQUARE } else { SIGNED };
    let mask = if small.signed { 0x7f } else { 0xff };
    let x = f32::from_bits((u32::from(code) & mask) << 20) * power_of_two(small.base) * scale_factor(scale);
    if small.signed && code > 0x7f { -x } else { x }
}

/// The code of `x` in a block with this exponent, rounded with 16 random bits.
fn encode8(small: Small, x: f32, exponent: i32, bits: u32) -> u8 {
    let magnitude = x.abs() * power_of_two(-exponent) * power_of_two(-small.base);
    // 20 bits are dropped; 16 random ones and a half keep the expectation.
    let code = (magnitude.to_bits() + ((bits << 4) | 8)) >> 20;
    if small.signed {
        code as u8 | ((x.to_bits() >> 24) as u8 & 0x80)
    } else {
        // A positive second moment never becomes 0, or m / sqrt(v) could explode.
        code.max(x.to_bits().min(1)) as u8
    }
}

impl Storage for Float8 {
    const BLOCKWISE: bool = true;
    const NARROWS: bool = true;
    type Scratch = Numbers;
    type View<'a> = Float8View<'a>;
    type Lanes<V: Simd> = F32<V>;

    #[inline(always)]
    fn scratch() -> Numbers {
        [[0.0; LANES]; GROUPS]
    }

    #[inline(always)]
    fn empty(fresh: &mut Numbers) -> Float8View<'_> {
        Float8View {
            codes: &mut [],
            scale: &mut [],
            later_codes: &mut [],
            later_scales: &mut [],
            down: 1.0,
            fresh,
            exponent: 0,
            up: 1.0,
        }
    }

    #[inline(always)]
    fn bind<'a>(view: &mut Float8View<'a>, slot: SlotTile<'a>, _: usize) {
        if let SlotTile::Float8 { codes, scales } = slot {
            (view.later_codes, view.later_scales) = (codes.as_chunks_mut().0, scales);
        }
    }

    #[inline(always)]
    fn next(view: &mut Float8View<'_>) {
        (view.codes, view.later_codes) = std::mem::take(&mut view.later_codes).split_at_mut(GROUPS);
        (view.scale, view.later_scales) = std::mem::take(&mut view.later_scales).split_at_mut(1);
    }

    #[inline(always)]
    fn open(view: &mut Float8View<'_>) {
        view.down = scale_factor(view.scale[0]);
    }

    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Float8View<'_>, content: Content, lane: usize) -> F32<V> {
        let format = small(content);
        let codes = &view.codes[lane % GROUPS];
        let bits = if format.signed {
            // The sign to the front, exponent and mantissa to the head of the magnitude.
            (widen_signed8(v, codes) << 20) & 0x87f0_0000
        } else {
            widen8(v, codes) << 20
        };
        F32::from_bits(bits) * power_of_two(format.base) * view.down
    }

    #[inline(always)]
    fn store<V: Simd>(
        _: V,
        view: &mut Float8View<'_>,
        _: Content,
        lane: usize,
        x: F32<V>,
        _: U32<V>,
    ) -> F32<V> {
        store(x, &mut view.fresh[lane % GROUPS]);
        x
    }

    #[inline(always)]
    #[allow(clippy::disallowed_methods, reason = "the maximum of integers is the same on every CPU")]
    fn seal<V: Simd>(v: V, view: &mut Float8View<'_>, content: Content) {
        let small = small(content);
        let mut most = u32x16::splat(v, 0);
        for x in view.fresh.iter() {
            let x = load(v, x).to_bits();
            // A second moment has no sign, unless it is not a number.
            most = most.max(if small.signed { x & MAGNITUDE } else { x });
        }
        let most = most.reduce_max();
        // The least exponent for which the largest element is at most 480 times its power.
        let exponent = ((((most & MAGNITUDE) + 0x000f_ffff) >> 23) as i32 - 127 - 8).max(small.lowest);
        view.exponent = exponent;
        view.up = power_of_two((-exponent - small.base).max(-149));
        view.scale[0] = match most {
            0 => 0,
            0x7f80_0000.. => SCALE_NAN,
            _ => (exponent + SCALE_BIAS) as u8,
        };
    }

    #[inline(always)]
    fn encode<V: Simd>(v: V, view: &mut Float8View<'_>, content: Content, group: usize, bits: [U32<V>; 2]) {
        let x = [load(v, &view.fresh[group]), load(v, &view.fresh[group + 1])];
        // 20 bits are dropped: 4, then 16 after as many random ones were added.
        let low = (signed((x[0] * view.up).to_bits() + 8) >> 4) + signed(bits[0]);
        let high = (signed((x[1] * view.up).to_bits() + 8) >> 4) + signed(bits[1]);
        let codes = view.codes[group..group + 2].as_flattened_mut().as_chunks_mut().0;
        if small(content).signed {
            // A negative number is its code less 2048.
            narrow_signed8(v, [low >> 16, high >> 16], &mut codes[0]);
        } else {
            // A positive second moment never becomes 0, or m / sqrt(v) could explode.
            narrow_positive8(v, [low >> 16, high >> 16], x, &mut codes[0]);
        }
    }

    #[inline(always)]
    fn mend(view: &mut Float8View<'_>, content: Content, block: usize, draw: Draw, slot: usize) {
        let small = small(content);
        // What is not finite, and a factor below the least positive number.
        if view.scale[0] == SCALE_NAN || view.exponent + small.base > 149 {
            let numbers = *view.fresh;
            encode_one_by_one(small, &numbers, view.exponent, view.codes, move |i| {
                draw.one(block * BLOCK + i, slot)
            });
        }
    }
}

/// Encodes a block in which not everything is finite, or is very large.
#[cold]
#[inline(never)]
fn encode_one_by_one(
    small: Small,
    numbers: &Numbers,
    exponent: i32,
    codes: &mut [[u8; LANES]],
    bits: impl Fn(usize) -> u32,
) {
    for (i, (x, code)) in numbers.as_flattened().iter().zip(codes.as_flattened_mut()).enumerate() {
        *code = encode8(small, *x, exponent, bits(i));
    }
}

#[inline(always)]
fn signed<V: Simd>(x: U32<V>) -> I32<V> {
    x.bitcast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::storage::rounding::Rounding;
    use crate::kernel::storage::state_tile::StateTile;
    use crate::simd::{Isa, with_isa};

    const CONTENTS: [Content; 2] = [Content::Moment, Content::Square];
    const FORMATS: [Format; 2] = [Format::Signed8, Format::Square8];
    const ROUNDING: Rounding = Rounding { key: 0x0123_4567_89ab_cdef, start: 512, nearest: false };

    /// Blocks of numbers of every kind that a state may hold: normal ones and 0, and what is not finite.
    fn numbers() -> Vec<f32> {
        let mut seed = 1;
        let mut random = || {
            seed = crate::hash::mix(seed);
            seed
        };
        let mut numbers = Vec::new();
        for (least, most) in [(-20, 0), (-126, -100), (-126, 127), (90, 127), (0, 0), (-3, 6)] {
            for _ in 0..BLOCK {
                let exponent = least + (random() % (most - least + 1) as u64) as i32;
                let mantissa = (random() & 0x007f_ffff) as u32;
                let x = f32::from_bits((((exponent + 127).max(1) as u32) << 23) | mantissa);
                numbers.push(if random().is_multiple_of(5) { 0.0 } else { x });
            }
        }
        numbers.extend([0.0; BLOCK]);
        numbers.extend((0..BLOCK).map(|i| if i == 77 { f32::from_bits(0x7fc1_2345) } else { i as f32 }));
        numbers.extend((0..BLOCK).map(|i| if i == 3 { f32::INFINITY } else { 0.0 }));
        numbers.extend((0..BLOCK).map(|i| if i < 9 { f32::from_bits(0xffff_ffff) } else { 1.0 }));
        numbers
    }

    /// The exponent and the scale of a block, one number after the other.
    fn scale(small: Small, block: &[f32]) -> (i32, u8) {
        let most = block.iter().map(|x| x.to_bits() & MAGNITUDE).max().unwrap_or(0);
        let exponent = (((most + 0x000f_ffff) >> 23) as i32 - 135).max(small.lowest);
        match most {
            0 => (exponent, 0),
            0x7f80_0000.. => (exponent, SCALE_NAN),
            _ => (exponent, (exponent + SCALE_BIAS) as u8),
        }
    }

    #[test]
    fn lanes_are_encoded_as_single_numbers_are() {
        let numbers = numbers();
        let (groups, blocks) = (numbers.len() / LANES, numbers.len() / BLOCK);
        let rounding = Rounding { start: 4096, ..ROUNDING };
        let draw = Draw::new(rounding, groups);
        for isa in Isa::available() {
            let mut codes = [vec![0; numbers.len()], vec![0; numbers.len()]];
            let mut scales = [vec![0; blocks], vec![0; blocks]];
            let mut read = [vec![0.0; numbers.len()], vec![0.0; numbers.len()]];
            let slot =
                |k: usize, i: usize| if k == 0 && i.is_multiple_of(3) { -numbers[i] } else { numbers[i] };
            let x = [0, 1].map(|k| (0..numbers.len()).map(|i| slot(k, i)).collect::<Vec<f32>>());
            let [c0, c1] = &mut codes;
            let [s0, s1] = &mut scales;
            let slots = [
                SlotTile::Float8 { codes: c0, scales: s0 },
                SlotTile::Float8 { codes: c1, scales: s1 },
                SlotTile::Float32(&mut []),
                SlotTile::Float32(&mut []),
            ];
            with_isa!(isa, v => {
                let mut scratch = StateTile::<Float8, 2>::scratch();
                let mut tile = StateTile::<Float8, 2>::new(slots, CONTENTS, rounding, groups, &mut scratch);
                for block in 0..blocks {
                    tile.next(CONTENTS);
                    for i in block * GROUPS..(block + 1) * GROUPS {
                        let x = [0, 1].map(|k| load(v, &x[k].as_chunks().0[i]));
                        tile.store(v, CONTENTS, (i, 0), x);
                    }
                    tile.close(v, CONTENTS, block);
                    tile.reopen(CONTENTS);
                    for i in block * GROUPS..(block + 1) * GROUPS {
                        for (x, read) in tile.load(v, CONTENTS, (i, 0)).into_iter().zip(&mut read) {
                            store(x, &mut read.as_chunks_mut().0[i]);
                        }
                    }
                }
            });
            for k in 0..2 {
                for block in 0..blocks {
                    let (exponent, code) = scale(small(CONTENTS[k]), &x[k][block * BLOCK..][..BLOCK]);
                    assert_eq!(scales[k][block], code, "scale of block {block}, {isa:?}");
                    for i in block * BLOCK..(block + 1) * BLOCK {
                        let code = encode8(small(CONTENTS[k]), x[k][i], exponent, draw.one(i, k));
                        assert_eq!(codes[k][i], code, "{} of slot {k}, block {block}, {isa:?}", x[k][i]);
                        let one = decode8(FORMATS[k], code, scales[k][block]);
                        assert!(one == read[k][i] || one.is_nan() && read[k][i].is_nan(), "{code}");
                        assert!(
                            x[k][i] <= 0.0 || one.is_nan() || k == 0 || one > 0.0,
                            "{} became 0",
                            x[k][i]
                        );
                    }
                }
            }
        }
    }
}
