//! SIMD: the only module that uses vector instructions.
//!
//! Every kernel works on groups of sixteen `f32` lanes on every CPU. They are one register with AVX-512, two
//! with AVX2, four with SSE2 and NEON, and an array at the scalar level. The program is the same, so the bits
//! are the same. Only operations that IEEE 754 rounds exactly are used, and nothing is fused except
//! `Sum::add_product`, whose product is exact.

use fearless_simd::prelude::*;
use fearless_simd::{Level, f32x8, f32x16, f64x4, f64x8, i32x16, u8x32, u16x16, u16x32, u32x16};
pub(crate) use fearless_simd::{Simd, SimdBase};
use std::ops::{Add, Mul, Sub};

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod avx2;

/// Sixteen `f32` lanes.
pub type F32<V> = f32x16<V>;
/// Sixteen `u32` lanes.
pub(crate) type U32<V> = u32x16<V>;
/// Sixteen `i32` lanes.
pub(crate) type I32<V> = i32x16<V>;

/// The number of lanes of every kernel. Part of the numeric contract.
pub const LANES: usize = 16;

/// A SIMD level that this CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Isa(Level);

/// The names of all levels, in rising order on each architecture.
pub const ISA_NAMES: [&str; 5] = ["scalar", "sse2", "avx2", "avx512", "neon"];

impl Isa {
    /// Every level that this CPU can run and this build contains, lowest first.
    pub fn available() -> Vec<Isa> {
        let best = Level::new();
        let mut levels = Vec::new();
        #[cfg(feature = "scalar")]
        levels.push(Level::fallback());
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            levels.extend(best.as_sse2().map(Level::Sse2));
            levels.extend(best.as_avx2().map(Level::Avx2));
            levels.extend(best.as_avx512().map(Level::Avx512));
        }
        #[cfg(target_arch = "aarch64")]
        levels.extend(best.as_neon().map(Level::Neon));
        if levels.is_empty() {
            levels.push(best);
        }
        levels.into_iter().map(Isa).collect()
    }

    /// The highest level of this CPU.
    pub fn best() -> Isa {
        Isa::available().last().copied().unwrap_or(Isa(Level::baseline()))
    }

    /// The level called `name`, if this CPU has it.
    pub fn named(name: &str) -> Option<Isa> {
        Isa::available().into_iter().find(|isa| isa.name() == name)
    }

    /// One of [`ISA_NAMES`].
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse2(_) | Level::Sse4_2(_) => "sse2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx2(_) => "avx2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => "neon",
            _ => "scalar",
        }
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

/// Runs `$body` with `$v` bound to the token of the level, compiled once for each level.
macro_rules! with_isa {
    ($isa:expr, $v:ident => $body:expr) => {{
        use fearless_simd::{Level, Simd};
        match $isa.level() {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512($v) => $v.vectorize(
                #[inline(always)]
                || $body,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx2($v) => $v.vectorize(
                #[inline(always)]
                || $body,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse2($v) => $v.vectorize(
                #[inline(always)]
                || $body,
            ),
            #[cfg(target_arch = "aarch64")]
            Level::Neon($v) => $v.vectorize(
                #[inline(always)]
                || $body,
            ),
            // No SIMD. Of the targets with SIMD in their baseline only tests compile this level: it
            // takes rustc ten times as long as all others together.
            #[cfg(any(
                feature = "scalar",
                not(any(
                    all(target_arch = "aarch64", target_feature = "neon"),
                    all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"),
                ))
            ))]
            Level::Fallback($v) => $v.vectorize(
                #[inline(always)]
                || $body,
            ),
            _ => unreachable!("Isa holds no other level"),
        }
    }};
}
pub(crate) use with_isa;

/// Lanes that a rule works on: all sixteen, or half of them at a time.
///
/// Where sixteen lanes take several registers, half of them leave more registers for constants. Lanes do not
/// depend on each other, so the results are the same.
pub trait Lanes: SimdFloat<<Self as Lanes>::Level, Element = f32> {
    /// The SIMD level.
    type Level: Simd;
    /// Half as many lanes in double precision.
    type Doubles: SimdFloat<Self::Level, Element = f64>;
    /// The lanes in double precision, exactly.
    fn widened(self) -> [Self::Doubles; 2];
    /// The nearest `f32` of each.
    fn narrowed(doubles: [Self::Doubles; 2]) -> Self;
    /// Zero where the magnitude is below the smallest normal number; NaN stays NaN.
    fn flushed(self) -> Self;
    /// `size` with the sign of each lane, and the lane itself where it is 0 or NaN.
    fn signed(self, size: f32) -> Self;
}

macro_rules! lanes {
    ($lanes:ident, $doubles:ident, $flush:ident, $signed:ident) => {
        impl<V: Simd> Lanes for $lanes<V> {
            type Level = V;
            type Doubles = $doubles<V>;
            #[inline(always)]
            fn widened(self) -> [Self::Doubles; 2] {
                let (low, high) = self.widen();
                [low, high]
            }
            #[inline(always)]
            fn narrowed([low, high]: [Self::Doubles; 2]) -> Self {
                low.narrow(high)
            }
            #[inline(always)]
            fn flushed(self) -> Self {
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                if let Level::Avx2(avx2) = self.token().level() {
                    return avx2::$flush(avx2, self.to_array()).simd_into(self.token());
                }
                // On the bits: zeros and subnormal numbers have an exponent field of 0.
                let bits = self.to_bits();
                let small = (bits & 0x7f80_0000).simd_eq(0);
                Self::from_bits(small.select(<Self as SimdFloat<V>>::Bits::splat(self.token(), 0), bits))
            }
            #[inline(always)]
            fn signed(self, size: f32) -> Self {
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                if let Level::Avx2(avx2) = self.token().level() {
                    return avx2::$signed(avx2, self.to_array(), size).simd_into(self.token());
                }
                let negative = self.simd_lt(0.0).select(splat(self, -size), self);
                self.simd_gt(0.0).select(splat(self, size), negative)
            }
        }
    };
}
lanes!(f32x16, f64x8, flush_both, signed_both);
lanes!(f32x8, f64x4, flush, signed);

/// Loads sixteen lanes.
#[inline(always)]
pub(crate) fn load<V: Simd>(v: V, lanes: &[f32; LANES]) -> F32<V> {
    f32x16::from_slice(v, lanes)
}

/// Loads the lanes of a part of a group.
#[inline(always)]
pub(crate) fn load_part<L: Lanes>(v: L::Level, lanes: &[f32; LANES], part: usize) -> L {
    L::from_slice(v, &lanes[part * L::LEN..(part + 1) * L::LEN])
}

/// Stores the lanes of a part of a group.
#[inline(always)]
pub(crate) fn store_part<L: Lanes>(x: L, lanes: &mut [f32; LANES], part: usize) {
    x.store_slice(&mut lanes[part * L::LEN..(part + 1) * L::LEN]);
}

/// Zero in every lane.
#[inline(always)]
pub(crate) fn zeros<L: Lanes>(v: L::Level) -> L {
    L::splat(v, 0.0)
}

/// Stores sixteen lanes.
#[inline(always)]
pub(crate) fn store<V: Simd>(x: F32<V>, lanes: &mut [f32; LANES]) {
    x.store_slice(lanes);
}

/// The same number in every lane.
#[inline(always)]
pub fn splat<L: Lanes>(like: L, x: f32) -> L {
    L::splat(like.token(), x)
}

/// `num / den`, and 0 where `den` is 0.
#[inline(always)]
pub fn div_or_zero<L: Lanes>(num: L, den: L) -> L {
    let zero = splat(num, 0.0);
    den.simd_ne(zero).select(num / den, zero)
}

/// The magnitude.
#[inline(always)]
pub fn abs<L: Lanes>(x: L) -> L {
    x.abs()
}

/// Square root, correctly rounded.
#[inline(always)]
pub fn sqrt<L: Lanes>(x: L) -> L {
    x.sqrt()
}

/// The larger of the two; a NaN in `b` wins.
#[inline(always)]
pub fn maximum<L: Lanes>(a: L, b: L) -> L {
    a.simd_gt(b).select(a, b)
}

/// `x` limited to `[low, high]`; NaN stays NaN.
#[inline(always)]
pub fn clamp<L: Lanes>(x: L, low: f32, high: f32) -> L {
    let (low, high) = (splat(x, low), splat(x, high));
    let x = x.simd_lt(low).select(low, x);
    x.simd_gt(high).select(high, x)
}

/// -1, 0 or 1 by the sign of `x`; NaN stays NaN.
#[inline(always)]
pub fn sign<L: Lanes>(x: L) -> L {
    signed(x, 1.0)
}

/// `size` with the sign of `x`; where `x` is 0 or NaN, `x`.
#[inline(always)]
pub fn signed<L: Lanes>(x: L, size: f32) -> L {
    x.signed(size)
}

/// `u` where it has the sign of `g`, else 0; NaN stays NaN. Where `g` is NaN, `u` is too.
#[inline(always)]
pub fn agreeing<L: Lanes>(u: L, g: L) -> L {
    let sign = g.to_bits() & 0x8000_0000;
    let (size, along) = (L::from_bits(g.to_bits() ^ sign), L::from_bits(u.to_bits() ^ sign));
    // The smaller of the two is positive where both are; `along` where that is NaN.
    let both = size.simd_lt(along).select(size, along);
    let zero = splat(u, 0.0);
    both.simd_le(zero).select(zero, u)
}

/// 0 where `x` is 0, else 1.
#[inline(always)]
pub fn nonzero<L: Lanes>(x: L) -> L {
    let zero = splat(x, 0.0);
    x.simd_ne(zero).select(splat(x, 1.0), zero)
}

/// `decay` where `x >= 0`, else 0.
#[inline(always)]
pub fn where_not_negative<L: Lanes>(x: L, decay: f32) -> L {
    let zero = splat(x, 0.0);
    x.simd_ge(zero).select(splat(x, decay), zero)
}

/// Zero where the magnitude is below the smallest normal number; NaN stays NaN.
#[inline(always)]
pub(crate) fn flush<L: Lanes>(x: L) -> L {
    x.flushed()
}

/// The lanes in `f64`, for rules whose differences cancel.
#[derive(Clone, Copy)]
pub struct F64<L: Lanes>([L::Doubles; 2]);

impl<L: Lanes> F64<L> {
    /// The lanes of `x`, exactly.
    #[inline(always)]
    pub fn new(x: L) -> Self {
        F64(x.widened())
    }

    /// The nearest `f32`.
    #[inline(always)]
    pub fn rounded(self) -> L {
        L::narrowed(self.0)
    }

    /// `self ** exponent`: the root where that is 0.5, else lane by lane.
    #[inline(always)]
    pub fn pow(self, exponent: f64) -> Self {
        let [mut low, mut high] = self.0;
        if exponent == 0.5 {
            return F64([low.sqrt(), high.sqrt()]);
        }
        for i in 0..L::Doubles::LEN {
            low[i] = libm::pow(low[i], exponent);
            high[i] = libm::pow(high[i], exponent);
        }
        F64([low, high])
    }

    /// `self` limited to `[-limit, limit]`; NaN stays NaN.
    #[inline(always)]
    pub fn clamp(self, limit: f64) -> Self {
        F64([clamp_half::<L>(self.0[0], limit), clamp_half::<L>(self.0[1], limit)])
    }

    /// `self / den`, and `other` where `den` is 0.
    #[inline(always)]
    pub fn div_or(self, den: Self, other: Self) -> Self {
        let low = den.0[0].simd_ne(0.0).select(self.0[0] / den.0[0], other.0[0]);
        F64([low, den.0[1].simd_ne(0.0).select(self.0[1] / den.0[1], other.0[1])])
    }
}

#[inline(always)]
fn clamp_half<L: Lanes>(x: L::Doubles, limit: f64) -> L::Doubles {
    let (low, high) = (L::Doubles::splat(x.token(), -limit), L::Doubles::splat(x.token(), limit));
    let x = x.simd_lt(low).select(low, x);
    x.simd_gt(high).select(high, x)
}

impl<L: Lanes> Add for F64<L> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        F64([self.0[0] + other.0[0], self.0[1] + other.0[1]])
    }
}

impl<L: Lanes> Sub for F64<L> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        F64([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }
}

impl<L: Lanes> Mul for F64<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        F64([self.0[0] * other.0[0], self.0[1] * other.0[1]])
    }
}

impl<L: Lanes> Mul<f64> for F64<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        F64([self.0[0] * factor, self.0[1] * factor])
    }
}

impl<L: Lanes> Add<f64> for F64<L> {
    type Output = Self;
    #[inline(always)]
    fn add(self, term: f64) -> Self {
        F64([self.0[0] + term, self.0[1] + term])
    }
}

/// As many `f64` lanes of a running sum of products of `f32` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Sum<L: Lanes>([L::Doubles; 2]);

impl<L: Lanes> Sum<L> {
    /// The lanes of a part of sixteen sums.
    #[inline(always)]
    pub(crate) fn load(v: L::Level, lanes: &[f64; LANES], part: usize) -> Self {
        let (at, half) = (part * L::LEN, L::LEN / 2);
        let low = L::Doubles::from_slice(v, &lanes[at..at + half]);
        Sum([low, L::Doubles::from_slice(v, &lanes[at + half..at + 2 * half])])
    }

    #[inline(always)]
    pub(crate) fn store(self, lanes: &mut [f64; LANES], part: usize) {
        let (at, half) = (part * L::LEN, L::LEN / 2);
        self.0[0].store_slice(&mut lanes[at..at + half]);
        self.0[1].store_slice(&mut lanes[at + half..at + 2 * half]);
    }

    /// Adds `a * b`. The product of two `f32` is exact in `f64`, so fusing it with the addition
    /// changes no bit: the only place where a fused operation is allowed.
    #[inline(always)]
    #[allow(clippy::disallowed_methods, reason = "the product is exact, so fused and not fused agree")]
    pub(crate) fn add_product(self, a: L, b: L) -> Self {
        let ([a0, a1], [b0, b1]) = (a.widened(), b.widened());
        Sum([a0.mul_add(b0, self.0[0]), a1.mul_add(b1, self.0[1])])
    }
}

/// The sum of sixteen partial sums, in a fixed order.
pub(crate) fn fold(lanes: &[f64; LANES]) -> f64 {
    let mut x = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            x[i] += x[i + width];
        }
        width /= 2;
    }
    x[0]
}

/// bfloat16 bits to `f32`.
#[inline(always)]
pub(crate) fn from_bf16<V: Simd>(v: V, bits: &[u16; LANES]) -> F32<V> {
    f32x16::from_bits(widen16(v, bits) << 16)
}

/// IEEE half bits to `f32`, exactly.
#[inline(always)]
pub(crate) fn from_f16<V: Simd>(v: V, bits: &[u16; LANES]) -> F32<V> {
    let h = widen16(v, bits);
    let sign = (h & 0x8000) << 16;
    let magnitude = (h & 0x7fff) << 13;
    // Scaling by 2^112 rebiases the exponent and turns half subnormals into normals.
    let scaled = f32x16::from_bits(magnitude) * f32::from_bits((112 + 127) << 23);
    let special = magnitude.simd_ge(u32x16::splat(v, 0x7c00 << 13));
    let wide = special.select(magnitude | 0x7f80_0000, scaled.to_bits());
    f32x16::from_bits(wide | sign)
}

/// Widens sixteen `u16`.
#[inline(always)]
pub(crate) fn widen16<V: Simd>(v: V, x: &[u16; LANES]) -> U32<V> {
    let (low, high) = u16x16::from_slice(v, x).widen();
    low.combine(high)
}

/// Keeps the low 16 bits of each lane.
#[inline(always)]
pub(crate) fn narrow16<V: Simd>(x: U32<V>, out: &mut [u16; LANES]) {
    let (low, high) = x.split();
    low.narrow(high).store_slice(out);
}

/// Widens sixteen `u8`.
#[inline(always)]
pub(crate) fn widen8<V: Simd>(v: V, x: &[u8; LANES]) -> U32<V> {
    x.map(u32::from).simd_into(v)
}

/// Widens sixteen `i8`.
#[inline(always)]
pub(crate) fn widen_signed8<V: Simd>(v: V, x: &[u8; LANES]) -> U32<V> {
    x.map(
        #[inline(always)]
        |x| i32::from(x as i8) as u32,
    )
    .simd_into(v)
}

/// The 8-bit codes of two groups of lanes: sign and magnitude of numbers that are `code`, or `code - 2048` for
/// a negative one, with codes below 128.
#[inline(always)]
#[allow(clippy::disallowed_methods, reason = "the maximum of integers is the same on every CPU")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64")),
    allow(unused_variables, reason = "a level of x86")
)]
pub(crate) fn narrow_signed8<V: Simd>(v: V, x: [I32<V>; 2], out: &mut [u8; 2 * LANES]) {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Level::Avx2(avx2) = v.level() {
        return avx2::narrow_signed8(avx2, x, out);
    }
    let x = x[0].relaxed_narrow(x[1]);
    let (low, high) = (x | x.max(-128)).split();
    low.relaxed_narrow(high).bitcast::<u8x32<V>>().store_slice(out);
}

/// The numbers of two groups of lanes, at most 255, as 8-bit codes. It is at least 1 where `positive` is, a
/// normal number or 0.
#[inline(always)]
#[allow(clippy::disallowed_methods, reason = "the maximum of integers is the same on every CPU")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64")),
    allow(unused_variables, reason = "a level of x86")
)]
pub(crate) fn narrow_positive8<V: Simd>(
    v: V,
    x: [I32<V>; 2],
    positive: [F32<V>; 2],
    out: &mut [u8; 2 * LANES],
) {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Level::Avx2(avx2) = v.level() {
        return avx2::narrow_positive8(avx2, x, positive, out);
    }
    let low = x[0].max(positive[0].to_bits().bitcast::<I32<V>>().min(1));
    let high = x[1].max(positive[1].to_bits().bitcast::<I32<V>>().min(1));
    let (low, high) = low.relaxed_narrow(high).bitcast::<u16x32<V>>().split();
    low.relaxed_narrow(high).store_slice(out);
}
