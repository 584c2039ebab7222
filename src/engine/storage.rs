//! How states are stored: as they are, in 16 bits, or in 8 bits with a scale per block.
//!
//! A storage knows nothing of rules. It loads and stores sixteen lanes; a blockwise one decodes a
//! whole block before its lanes are loaded and encodes it after they were stored.

use crate::rule::Content;
use crate::simd::{
    F32, LANES, Simd, SimdBase, U32, flush, from_bf16, iota, load, narrow8, narrow16, splat, store,
    widen8,
};
use fearless_simd::prelude::*;
use fearless_simd::u32x16;

/// Elements that share one scale in 8-bit storage.
pub(crate) const BLOCK: usize = 256;
/// Tensors below this many elements keep their moments in `float32` under 8-bit storage.
pub(crate) const FLOAT8_MIN_ELEMENTS: usize = 4096;

/// The format of one state array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// IEEE single precision.
    Float32,
    /// The upper half of a `float32`.
    Bfloat16,
    /// Sign, 4 exponent bits, 3 mantissa bits, and a power-of-two scale per 256 elements.
    Signed8,
    /// 5 exponent bits, 3 mantissa bits, and a power-of-two scale per 256 elements.
    Square8,
}

impl Format {
    /// Bytes of an element, without scales.
    pub const fn bytes(self) -> usize {
        match self {
            Format::Float32 => 4,
            Format::Bfloat16 => 2,
            Format::Signed8 | Format::Square8 => 1,
        }
    }

    /// Name in `describe` and `state_dict`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Float32 => "float32",
            Format::Bfloat16 => "bfloat16",
            Format::Signed8 | Format::Square8 => "float8",
        }
    }
}

/// The storage of an optimizer's moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateDtype {
    /// No narrowing.
    Float32,
    /// 16 bits.
    Bfloat16,
    /// 8 bits, for tensors that are large enough.
    Float8,
}

impl StateDtype {
    /// The storage called `name` in the table of hyperparameters.
    pub(crate) fn named(name: &str) -> StateDtype {
        match name {
            "bfloat16" => StateDtype::Bfloat16,
            "float8" => StateDtype::Float8,
            _ => StateDtype::Float32,
        }
    }

    /// What a tensor of this many elements gets.
    pub(crate) fn for_size(self, elements: usize) -> StateDtype {
        if self == StateDtype::Float8 && elements < FLOAT8_MIN_ELEMENTS {
            StateDtype::Float32
        } else {
            self
        }
    }

    /// The format of a slot.
    pub(crate) fn format(self, content: Content) -> Format {
        match (self, content) {
            (StateDtype::Float32, _) | (_, Content::Full) => Format::Float32,
            (StateDtype::Bfloat16, _) => Format::Bfloat16,
            (StateDtype::Float8, Content::Moment) => Format::Signed8,
            (StateDtype::Float8, Content::Square) => Format::Square8,
        }
    }

    /// Elements that must be loaded and stored together.
    pub(crate) fn granule(self) -> usize {
        if self == StateDtype::Float8 {
            BLOCK
        } else {
            LANES
        }
    }
}

/// Rounding of narrow states: a counter hash of (seed, name, step, element), or to nearest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    /// Key of this tensor and step.
    pub(crate) key: u64,
    /// Index of the tile's first element in its tensor.
    pub(crate) start: u64,
    /// To nearest instead of stochastically.
    pub(crate) nearest: bool,
}

/// [`Rounding`] as the lanes need it.
#[derive(Clone, Copy)]
struct Draw {
    keys: [u32; 2],
    start: u32,
    mask: u32,
    add: u32,
}

impl Draw {
    #[inline(always)]
    fn new(rounding: Rounding) -> Self {
        let key = rounding.key ^ crate::scalars::mix(rounding.start >> 32);
        let (mask, add) = if rounding.nearest {
            (0, 0x8000)
        } else {
            (0xffff, 0)
        };
        Draw {
            keys: [key as u32, (key >> 32) as u32],
            start: rounding.start as u32,
            mask,
            add,
        }
    }

    /// Sixteen 16-bit random numbers for lane group `lane` of slot `slot`. Two slots share one
    /// hash: the lower and the upper half.
    #[inline(always)]
    fn bits<V: Simd>(&self, v: V, lane: usize, slot: usize) -> U32<V> {
        let pair = (slot as u32 / 2).wrapping_mul(0x9e37_79b9);
        let x = iota(v, self.start.wrapping_add((lane * LANES) as u32)) ^ (self.keys[0] ^ pair);
        let x = (x ^ (x >> 16)) * 0x7feb_352d;
        let x = (x ^ (x >> 15) ^ self.keys[1]) * 0x846c_a68b;
        let x = x ^ (x >> 16);
        let half = if slot % 2 == 0 {
            x & self.mask
        } else {
            (x >> 16) & self.mask
        };
        half + self.add
    }
}

/// The memory of one slot of one tile.
pub(crate) enum SlotTile<'a> {
    Float32(&'a mut [f32]),
    Bfloat16(&'a mut [u16]),
    Float8 {
        codes: &'a mut [u8],
        scales: &'a mut [u8],
    },
}

/// A way to store the slots that may be narrowed.
pub(crate) trait Storage: Copy {
    /// Whether lanes can only be loaded and stored a block at a time.
    const BLOCKWISE: bool;
    /// Whether it narrows at all.
    const NARROWS: bool;
    type View<'a>;

    fn view(slot: SlotTile<'_>, content: Content) -> Self::View<'_>;
    fn empty<'a>() -> Self::View<'a>;
    fn open<V: Simd>(v: V, view: &mut Self::View<'_>, block: usize);
    fn load<V: Simd>(v: V, view: &Self::View<'_>, lane: usize) -> F32<V>;
    /// Stores and returns the lanes as a later load will see them, blockwise storage excepted.
    fn store<V: Simd>(
        v: V,
        view: &mut Self::View<'_>,
        lane: usize,
        x: F32<V>,
        bits: U32<V>,
    ) -> F32<V>;
    fn close<V: Simd>(
        v: V,
        view: &mut Self::View<'_>,
        block: usize,
        bits: impl Fn(usize) -> U32<V>,
    );
}

/// No narrowing.
#[derive(Clone, Copy)]
pub(crate) struct Float32;

impl Storage for Float32 {
    const BLOCKWISE: bool = false;
    const NARROWS: bool = false;
    type View<'a> = ();

    fn view(_: SlotTile<'_>, _: Content) {}
    fn empty<'a>() -> Self::View<'a> {}
    #[inline(always)]
    fn open<V: Simd>(_: V, (): &mut (), _: usize) {}
    #[inline(always)]
    fn load<V: Simd>(v: V, (): &(), _: usize) -> F32<V> {
        load(v, &[0.0; LANES])
    }
    #[inline(always)]
    fn store<V: Simd>(_: V, (): &mut (), _: usize, x: F32<V>, _: U32<V>) -> F32<V> {
        x
    }
    #[inline(always)]
    fn close<V: Simd>(_: V, (): &mut (), _: usize, _: impl Fn(usize) -> U32<V>) {}
}

/// bfloat16, lane by lane.
#[derive(Clone, Copy)]
pub(crate) struct Bfloat16;

impl Storage for Bfloat16 {
    const BLOCKWISE: bool = false;
    const NARROWS: bool = true;
    type View<'a> = &'a mut [[u16; LANES]];

    #[inline(always)]
    fn view(slot: SlotTile<'_>, _: Content) -> Self::View<'_> {
        match slot {
            SlotTile::Bfloat16(x) => x.as_chunks_mut().0,
            _ => &mut [],
        }
    }
    #[inline(always)]
    fn empty<'a>() -> Self::View<'a> {
        &mut []
    }
    #[inline(always)]
    fn open<V: Simd>(_: V, _: &mut Self::View<'_>, _: usize) {}
    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Self::View<'_>, lane: usize) -> F32<V> {
        from_bf16(v, &view[lane])
    }
    #[inline(always)]
    fn store<V: Simd>(
        v: V,
        view: &mut Self::View<'_>,
        lane: usize,
        x: F32<V>,
        bits: U32<V>,
    ) -> F32<V> {
        let x = flush(x);
        let rounded = x.to_bits() + bits;
        // Adding to a NaN could carry it into the sign bit.
        let rounded = x.simd_eq(x).select(rounded, u32x16::splat(v, 0x7fc0_0000));
        narrow16(rounded >> 16, &mut view[lane]);
        F32::from_bits(rounded & 0xffff_0000)
    }
    #[inline(always)]
    fn close<V: Simd>(_: V, _: &mut Self::View<'_>, _: usize, _: impl Fn(usize) -> U32<V>) {}
}

/// 8 bits: a small float and a power-of-two scale per block of 256.
#[derive(Clone, Copy)]
pub(crate) struct Float8;

/// One slot of 8-bit state, with the block that is open decoded.
pub(crate) struct Float8View<'a> {
    codes: &'a mut [[u8; BLOCK]],
    scales: &'a mut [u8],
    format: Small,
    open: [f32; BLOCK],
}

/// The two small floats. A code read as the top bits of a `float32` is the value times
/// `2^-base`; the largest code is then `480 * 2^exponent`.
#[derive(Clone, Copy)]
struct Small {
    /// Bits of the code that hold exponent and mantissa.
    mask: u32,
    /// The sign bit, or 0.
    sign: u32,
    /// Exponent of the first of the two powers of two that scale a code.
    base: i32,
    /// Smallest block exponent: the least code is then the least normal `float32`.
    lowest: i32,
    /// Positive elements never round to 0, or `m / sqrt(v)` could explode.
    positive_stays: bool,
}

const SIGNED: Small = Small {
    mask: 0x7f,
    sign: 0x80,
    base: 120,
    lowest: -117,
    positive_stays: false,
};
const SQUARE: Small = Small {
    mask: 0xff,
    sign: 0,
    base: 104,
    lowest: -101,
    positive_stays: true,
};
/// Scale codes: 0 a block of zeros, 255 a block with a NaN, else the exponent plus this.
const SCALE_BIAS: i32 = 128;
const SCALE_NAN: u8 = 255;

/// `2^e` for `-149 <= e <= 127`.
#[inline(always)]
fn power_of_two(e: i32) -> f32 {
    if e < -126 {
        f32::from_bits(1 << (e + 149))
    } else {
        f32::from_bits(((e + 127) as u32) << 23)
    }
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
    let small = if format == Format::Signed8 {
        SIGNED
    } else {
        SQUARE
    };
    let code = u32::from(code);
    let x =
        f32::from_bits((code & small.mask) << 20) * power_of_two(small.base) * scale_factor(scale);
    if code & small.sign != 0 { -x } else { x }
}

impl Storage for Float8 {
    const BLOCKWISE: bool = true;
    const NARROWS: bool = true;
    type View<'a> = Float8View<'a>;

    #[inline(always)]
    fn view(slot: SlotTile<'_>, content: Content) -> Float8View<'_> {
        let format = if content == Content::Square {
            SQUARE
        } else {
            SIGNED
        };
        match slot {
            SlotTile::Float8 { codes, scales } => Float8View {
                codes: codes.as_chunks_mut().0,
                scales,
                format,
                open: [0.0; BLOCK],
            },
            _ => Self::empty(),
        }
    }
    #[inline(always)]
    fn empty<'a>() -> Float8View<'a> {
        Float8View {
            codes: &mut [],
            scales: &mut [],
            format: SIGNED,
            open: [0.0; BLOCK],
        }
    }
    #[inline(always)]
    fn open<V: Simd>(v: V, view: &mut Float8View<'_>, block: usize) {
        let Small {
            mask, sign, base, ..
        } = view.format;
        let factor = scale_factor(view.scales[block]);
        let first = power_of_two(base);
        let codes = view.codes[block].as_chunks::<LANES>().0;
        for (codes, out) in codes.iter().zip(view.open.as_chunks_mut::<LANES>().0) {
            let code = widen8(v, codes);
            let x = F32::from_bits((code & mask) << 20) * first * factor;
            let signs = (code & sign) << 24;
            store(F32::from_bits(x.to_bits() | signs), out);
        }
    }
    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Float8View<'_>, lane: usize) -> F32<V> {
        load(v, &view.open.as_chunks::<LANES>().0[lane % (BLOCK / LANES)])
    }
    #[inline(always)]
    fn store<V: Simd>(
        _: V,
        view: &mut Float8View<'_>,
        lane: usize,
        x: F32<V>,
        _: U32<V>,
    ) -> F32<V> {
        let x = flush(x);
        store(
            x,
            &mut view.open.as_chunks_mut::<LANES>().0[lane % (BLOCK / LANES)],
        );
        x
    }
    #[inline(always)]
    fn close<V: Simd>(
        v: V,
        view: &mut Float8View<'_>,
        block: usize,
        bits: impl Fn(usize) -> U32<V>,
    ) {
        const MAGNITUDE: u32 = 0x7fff_ffff;
        let Small {
            mask,
            sign,
            base,
            lowest,
            positive_stays,
        } = view.format;
        let mut largest = u32x16::splat(v, 0);
        for lanes in view.open.as_chunks::<LANES>().0 {
            let magnitude = load(v, lanes).to_bits() & MAGNITUDE;
            largest = largest.simd_gt(magnitude).select(largest, magnitude);
        }
        let mut most = 0;
        for &x in largest.as_slice() {
            most = most.max(x);
        }
        // The least exponent for which the largest element is at most 480 times its power.
        let exponent = (((most + 0x000f_ffff) >> 23) as i32 - 127 - 8).max(lowest);
        view.scales[block] = match most {
            0 => 0,
            0x7f80_0000.. => SCALE_NAN,
            _ => (exponent + SCALE_BIAS) as u8,
        };
        let (up, last) = (power_of_two(-exponent), power_of_two(-base));
        let codes = view.codes[block].as_chunks_mut::<LANES>().0;
        for (lane, (lanes, out)) in view
            .open
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(codes)
            .enumerate()
        {
            let x = load(v, lanes);
            let magnitude = F32::<V>::from_bits(x.to_bits() & MAGNITUDE) * up;
            // 20 bits are dropped; 16 random ones and a half keep the expectation.
            let dropped = (bits(lane) << 4) | 8;
            let mut code = ((magnitude * last).to_bits() + dropped) >> 20;
            if positive_stays {
                let one = u32x16::splat(v, 1);
                let lost = x.simd_gt(splat(x, 0.0)) & code.simd_lt(one);
                code = lost.select(one, code);
            }
            let limit = u32x16::splat(v, mask);
            let code = code.simd_gt(limit).select(limit, code);
            narrow8(code | ((x.to_bits() >> 24) & sign), out);
        }
    }
}

/// The slots of one tile, each as its rule and storage want it.
pub(crate) struct Cells<'a, St: Storage, const S: usize> {
    contents: [Content; S],
    wide: [&'a mut [[f32; LANES]]; S],
    narrow: [St::View<'a>; S],
    draw: Draw,
}

impl<'a, St: Storage, const S: usize> Cells<'a, St, S> {
    #[inline(always)]
    pub(crate) fn new(
        slots: &'a mut [SlotTile<'_>],
        contents: [Content; S],
        rounding: Rounding,
    ) -> Self {
        let mut slots = slots.iter_mut();
        let mut wide: [&'a mut [[f32; LANES]]; S] = std::array::from_fn(|_| Default::default());
        let mut narrow: [St::View<'a>; S] = std::array::from_fn(|_| St::empty());
        for k in 0..S {
            match slots.next() {
                Some(SlotTile::Float32(x)) => wide[k] = x.as_chunks_mut().0,
                Some(SlotTile::Bfloat16(x)) => {
                    narrow[k] = St::view(SlotTile::Bfloat16(x), contents[k])
                }
                Some(SlotTile::Float8 { codes, scales }) => {
                    narrow[k] = St::view(SlotTile::Float8 { codes, scales }, contents[k]);
                }
                None => {}
            }
        }
        Cells {
            contents,
            wide,
            narrow,
            draw: Draw::new(rounding),
        }
    }

    #[inline(always)]
    fn narrows(&self, k: usize) -> bool {
        St::NARROWS && self.contents[k] != Content::Full
    }

    /// Decodes a block of a blockwise storage.
    #[inline(always)]
    pub(crate) fn open<V: Simd>(&mut self, v: V, block: usize) {
        for k in 0..S {
            if self.narrows(k) {
                St::open(v, &mut self.narrow[k], block);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn load<V: Simd>(&self, v: V, lane: usize) -> [F32<V>; S] {
        std::array::from_fn(|k| {
            if self.narrows(k) {
                St::load(v, &self.narrow[k], lane)
            } else {
                load(v, &self.wide[k][lane])
            }
        })
    }

    /// Stores the lanes, and returns them as they were stored.
    #[inline(always)]
    pub(crate) fn store<V: Simd>(&mut self, v: V, lane: usize, x: [F32<V>; S]) -> [F32<V>; S] {
        std::array::from_fn(|k| {
            if self.narrows(k) {
                St::store(
                    v,
                    &mut self.narrow[k],
                    lane,
                    x[k],
                    self.draw.bits(v, lane, k),
                )
            } else {
                let x = flush(x[k]);
                store(x, &mut self.wide[k][lane]);
                x
            }
        })
    }

    /// Encodes a block of a blockwise storage.
    #[inline(always)]
    pub(crate) fn close<V: Simd>(&mut self, v: V, block: usize) {
        let draw = self.draw;
        for k in 0..S {
            if self.narrows(k) {
                let first = block * (BLOCK / LANES);
                St::close(v, &mut self.narrow[k], block, |lane| {
                    draw.bits(v, first + lane, k)
                });
            }
        }
    }
}
