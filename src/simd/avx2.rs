//! What AVX2 has an instruction for and the common interface of all levels has not. The results are the same.

#[cfg(target_arch = "x86")]
use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;
use fearless_simd::prelude::*;
use fearless_simd::{Avx2, f32x8, f32x16, i32x8, i32x16, u8x32};

/// The registers that sixteen lanes are in.
#[inline(always)]
fn floats<V: Simd>(avx2: Avx2, x: f32x16<V>) -> [f32x8<Avx2>; 2] {
    let x: f32x16<Avx2> = x.to_array().simd_into(avx2);
    let (low, high) = x.split();
    [low, high]
}

#[inline(always)]
fn integers<V: Simd>(avx2: Avx2, x: i32x16<V>) -> [i32x8<Avx2>; 2] {
    let x: i32x16<Avx2> = x.to_array().simd_into(avx2);
    let (low, high) = x.split();
    [low, high]
}

/// [`super::flush`] of one register.
#[inline(always)]
pub(super) fn flush(avx2: Avx2, x: [f32; 8]) -> [f32; 8] {
    flush_register(avx2, x.simd_into(avx2)).to_array()
}

/// [`super::flush`] of two registers.
#[inline(always)]
pub(super) fn flush_both(avx2: Avx2, x: [f32; 16]) -> [f32; 16] {
    let x: f32x16<Avx2> = x.simd_into(avx2);
    let (low, high) = x.split();
    flush_register(avx2, low).combine(flush_register(avx2, high)).to_array()
}

fearless_simd::kernel!(
    #[inline(always)]
    fn flush_register(avx2: Avx2, x: f32x8<Avx2>) -> f32x8<Avx2> {
        let bits = _mm256_castps_si256(x.into());
        let exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f80_0000));
        // "Sign" is 0 where the second operand is 0, and the first one where that is positive.
        _mm256_castsi256_ps(_mm256_sign_epi32(bits, exponent)).simd_into(avx2)
    }
);

/// [`super::signed`] of one register.
#[inline(always)]
pub(super) fn signed(avx2: Avx2, x: [f32; 8], size: f32) -> [f32; 8] {
    signed_register(avx2, x.simd_into(avx2), size).to_array()
}

/// [`super::signed`] of two registers.
#[inline(always)]
pub(super) fn signed_both(avx2: Avx2, x: [f32; 16], size: f32) -> [f32; 16] {
    let x: f32x16<Avx2> = x.simd_into(avx2);
    let (low, high) = x.split();
    signed_register(avx2, low, size).combine(signed_register(avx2, high, size)).to_array()
}

fearless_simd::kernel!(
    #[inline(always)]
    fn signed_register(avx2: Avx2, x: f32x8<Avx2>, size: f32) -> f32x8<Avx2> {
        let x = x.into();
        // The selection looks at the sign bit alone.
        let size = _mm256_blendv_ps(_mm256_set1_ps(size), _mm256_set1_ps(-size), x);
        let nonzero = _mm256_cmp_ps::<_CMP_NEQ_OQ>(x, _mm256_setzero_ps());
        _mm256_blendv_ps(x, size, nonzero).simd_into(avx2)
    }
);

/// [`super::narrow_signed8`].
#[inline(always)]
pub(super) fn narrow_signed8<V: Simd>(avx2: Avx2, [a, b]: [i32x16<V>; 2], out: &mut [u8; 32]) {
    let ([a, b], [c, d]) = (integers(avx2, a), integers(avx2, b));
    signed8(avx2, a, b, c, d).store_slice(out);
}

/// [`super::narrow_positive8`].
#[inline(always)]
pub(super) fn narrow_positive8<V: Simd>(
    avx2: Avx2,
    [a, b]: [i32x16<V>; 2],
    positive: [f32x16<V>; 2],
    out: &mut [u8; 32],
) {
    let ([a, b], [c, d]) = (integers(avx2, a), integers(avx2, b));
    let [e, f] = floats(avx2, positive[0]);
    let [g, h] = floats(avx2, positive[1]);
    let least = ones(avx2, e, f, g, h);
    positive8(avx2, a, b, c, d, least).store_slice(out);
}

// Packing works in halves of registers, so groups of four bytes come out as 0, 2, 4, 6, 1, 3, 5, 7.
fearless_simd::kernel!(
    #[inline(always)]
    fn in_order(avx2: Avx2, x: __m256i) -> u8x32<Avx2> {
        _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)).simd_into(avx2)
    }
);

fearless_simd::kernel!(
    #[inline(always)]
    fn signed8(avx2: Avx2, a: i32x8<Avx2>, b: i32x8<Avx2>, c: i32x8<Avx2>, d: i32x8<Avx2>) -> u8x32<Avx2> {
        let low = _mm256_packs_epi32(a.into(), b.into());
        let high = _mm256_packs_epi32(c.into(), d.into());
        let least = _mm256_set1_epi16(-128);
        let low = _mm256_or_si256(low, _mm256_max_epi16(low, least));
        let high = _mm256_or_si256(high, _mm256_max_epi16(high, least));
        in_order(avx2, _mm256_packs_epi16(low, high))
    }
);

// 1 in the byte of each lane that is positive, 0 in that of each lane that is 0, before they are put in order.
fearless_simd::kernel!(
    #[inline(always)]
    fn ones(avx2: Avx2, a: f32x8<Avx2>, b: f32x8<Avx2>, c: f32x8<Avx2>, d: f32x8<Avx2>) -> u8x32<Avx2> {
        let low = _mm256_packs_epi32(_mm256_castps_si256(a.into()), _mm256_castps_si256(b.into()));
        let high = _mm256_packs_epi32(_mm256_castps_si256(c.into()), _mm256_castps_si256(d.into()));
        _mm256_min_epi8(_mm256_packs_epi16(low, high), _mm256_set1_epi8(1)).simd_into(avx2)
    }
);

fearless_simd::kernel!(
    #[inline(always)]
    fn positive8(
        avx2: Avx2,
        a: i32x8<Avx2>,
        b: i32x8<Avx2>,
        c: i32x8<Avx2>,
        d: i32x8<Avx2>,
        least: u8x32<Avx2>,
    ) -> u8x32<Avx2> {
        let low = _mm256_packs_epi32(a.into(), b.into());
        let high = _mm256_packs_epi32(c.into(), d.into());
        in_order(avx2, _mm256_max_epu8(_mm256_packus_epi16(low, high), least.into()))
    }
);
