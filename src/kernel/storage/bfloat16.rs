//! Moments in bfloat16: the upper half of a `float32`.

use super::{SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{F32, LANES, Simd, U32, from_bf16, narrow16};
use fearless_simd::prelude::*;
use fearless_simd::u32x16;

/// bfloat16, lane by lane.
#[derive(Clone, Copy)]
pub(crate) struct Bfloat16;

/// The bits of the one NaN that is stored.
const NAN: u32 = 0x7fc0_0000;

impl Storage for Bfloat16 {
    const BLOCKWISE: bool = false;
    const NARROWS: bool = true;
    type Scratch = ();
    type View<'a> = &'a mut [[u16; LANES]];
    type Lanes<V: Simd> = F32<V>;

    fn scratch() {}
    #[inline(always)]
    fn empty((): &mut ()) -> Self::View<'_> {
        &mut []
    }
    #[inline(always)]
    fn bind<'a>(view: &mut Self::View<'a>, slot: SlotTile<'a>, groups: usize) {
        let x = if let SlotTile::Bfloat16(x) = slot { x } else { &mut [] };
        *view = &mut x.as_chunks_mut().0[..groups];
    }
    #[inline(always)]
    fn load<V: Simd>(v: V, view: &Self::View<'_>, _: Content, lane: usize) -> F32<V> {
        from_bf16(v, &view[lane])
    }
    #[inline(always)]
    fn store<V: Simd>(
        v: V,
        view: &mut Self::View<'_>,
        content: Content,
        lane: usize,
        x: F32<V>,
        bits: U32<V>,
    ) -> F32<V> {
        // Adding to a NaN could carry it into the sign bit.
        let rounded = if content == Content::Square {
            // As bits a NaN of either sign is larger than any other second moment.
            x.to_bits().min(NAN) + bits
        } else {
            x.simd_eq(x).select(x.to_bits() + bits, u32x16::splat(v, NAN))
        };
        narrow16(rounded >> 16, &mut view[lane]);
        F32::from_bits(rounded & 0xffff_0000)
    }
}
