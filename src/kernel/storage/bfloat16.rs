//! Moments in bfloat16: the upper half of a `float32`.

use super::{SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{F32, LANES, Simd, U32, from_bf16, narrow16};
use fearless_simd::prelude::*;
use fearless_simd::u32x16;

/// bfloat16, lane by lane.
#[derive(Clone, Copy)]
pub(crate) struct Bfloat16;

impl Storage for Bfloat16 {
    const BLOCKWISE: bool = false;
    const NARROWS: bool = true;
    type View<'a> = &'a mut [[u16; LANES]];
    type Lanes<V: Simd> = F32<V>;

    #[inline(always)]
    fn empty<'a>() -> Self::View<'a> {
        &mut []
    }
    #[inline(always)]
    fn bind<'a>(view: &mut Self::View<'a>, slot: SlotTile<'a>) {
        if let SlotTile::Bfloat16(x) = slot {
            *view = x.as_chunks_mut().0;
        }
    }
    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Self::View<'_>, _: Content, lane: usize) -> F32<V> {
        from_bf16(v, &view[lane])
    }
    #[inline(always)]
    fn store<V: Simd>(v: V, view: &mut Self::View<'_>, lane: usize, x: F32<V>, bits: U32<V>) -> F32<V> {
        let rounded = x.to_bits() + bits;
        // Adding to a NaN could carry it into the sign bit.
        let rounded = x.simd_eq(x).select(rounded, u32x16::splat(v, 0x7fc0_0000));
        narrow16(rounded >> 16, &mut view[lane]);
        F32::from_bits(rounded & 0xffff_0000)
    }
}
