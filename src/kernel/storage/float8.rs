//! Moments in 8 bits: a small float, and a power-of-two scale for each block of 256.

use super::{BLOCK, Format, SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{F32, LANES, Simd, SimdBase, U32, load, narrow8, store, widen8};
use fearless_simd::prelude::*;
use fearless_simd::{i32x16, u32x16};

/// 8 bits: a small float and a power-of-two scale per block of 256.
#[derive(Clone, Copy)]
pub(crate) struct Float8;

/// Lane groups of a block.
const GROUPS: usize = BLOCK / LANES;

/// One slot of 8-bit state, and the new values of the block in hand.
pub(crate) struct Float8View<'a> {
    codes: &'a mut [[u8; LANES]],
    scales: &'a mut [u8],
    /// What the codes of the open block are multiplied with.
    down: f32,
    fresh: [[f32; LANES]; GROUPS],
    /// Largest magnitudes so far, as bits.
    largest: [u32; LANES],
    /// What brings the sealed block's largest magnitude to at most 480.
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

impl Storage for Float8 {
    const BLOCKWISE: bool = true;
    const NARROWS: bool = true;
    type View<'a> = Float8View<'a>;
    type Lanes<V: Simd> = F32<V>;

    #[inline(always)]
    fn empty<'a>() -> Float8View<'a> {
        Float8View {
            codes: &mut [],
            scales: &mut [],
            down: 1.0,
            fresh: [[0.0; LANES]; GROUPS],
            largest: [0; LANES],
            up: 1.0,
        }
    }

    #[inline(always)]
    fn bind<'a>(view: &mut Float8View<'a>, slot: SlotTile<'a>) {
        if let SlotTile::Float8 { codes, scales } = slot {
            (view.codes, view.scales) = (codes.as_chunks_mut().0, scales);
        }
    }

    #[inline(always)]
    fn open(view: &mut Float8View<'_>, block: usize) {
        view.down = scale_factor(view.scales[block]);
    }

    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Float8View<'_>, content: Content, lane: usize) -> F32<V> {
        let format = small(content);
        let code = widen8(v, &view.codes[lane]);
        let bits = if format.signed {
            // The sign to the front, exponent and mantissa to the head of the magnitude.
            let wide: i32x16<V> = (code << 24).bitcast();
            let wide: U32<V> = (wide >> 4).bitcast();
            wide & 0x87f0_0000
        } else {
            code << 20
        };
        F32::from_bits(bits) * power_of_two(format.base) * view.down
    }

    #[inline(always)]
    fn store<V: Simd>(v: V, view: &mut Float8View<'_>, lane: usize, x: F32<V>, _: U32<V>) -> F32<V> {
        store(x, &mut view.fresh[lane % GROUPS]);
        let largest = u32x16::from_slice(v, &view.largest);
        let magnitude = x.to_bits() & MAGNITUDE;
        larger(largest, magnitude).store_slice(&mut view.largest);
        x
    }

    #[inline(always)]
    fn seal(view: &mut Float8View<'_>, content: Content, block: usize) {
        let mut most = 0;
        for x in &mut view.largest {
            most = most.max(*x);
            *x = 0;
        }
        // The least exponent for which the largest element is at most 480 times its power.
        let exponent = (((most + 0x000f_ffff) >> 23) as i32 - 127 - 8).max(small(content).lowest);
        view.up = power_of_two(-exponent);
        view.scales[block] = match most {
            0 => 0,
            0x7f80_0000.. => SCALE_NAN,
            _ => (exponent + SCALE_BIAS) as u8,
        };
    }

    #[inline(always)]
    fn encode<V: Simd>(v: V, view: &mut Float8View<'_>, content: Content, lane: usize, bits: U32<V>) {
        let format = small(content);
        let x = load(v, &view.fresh[lane % GROUPS]);
        let magnitude = F32::<V>::from_bits(x.to_bits() & MAGNITUDE) * view.up * power_of_two(-format.base);
        // 20 bits are dropped; 16 random ones and a half keep the expectation.
        let dropped = (bits << 4) | 8;
        let code = (magnitude.to_bits() + dropped) >> 20;
        let code = if format.signed {
            code | ((x.to_bits() >> 24) & 0x80)
        } else {
            // A positive second moment never becomes 0, or m / sqrt(v) could explode.
            let least = smaller(x.to_bits(), u32x16::splat(v, 1));
            larger(code, least)
        };
        narrow8(code, &mut view.codes[lane]);
    }
}

/// The larger of two unsigned numbers below 2^31.
#[inline(always)]
fn larger<V: Simd>(a: U32<V>, b: U32<V>) -> U32<V> {
    let (x, y): (i32x16<V>, i32x16<V>) = (a.bitcast(), b.bitcast());
    x.simd_gt(y).select(a, b)
}

/// The smaller of two unsigned numbers below 2^31.
#[inline(always)]
fn smaller<V: Simd>(a: U32<V>, b: U32<V>) -> U32<V> {
    let (x, y): (i32x16<V>, i32x16<V>) = (a.bitcast(), b.bitcast());
    x.simd_gt(y).select(b, a)
}
