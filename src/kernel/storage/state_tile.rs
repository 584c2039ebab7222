//! The slots of one tile, behind one face for the kernels.

use super::rounding::{Draw, Rounding};
use super::{BLOCK, SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{F32, LANES, Simd, load, store, zeros};

/// The slots of one tile, each as its rule and storage want it.
pub(crate) struct StateTile<'a, St: Storage, const S: usize> {
    wide: [&'a mut [[f32; LANES]]; S],
    narrow: [St::View<'a>; S],
    draw: Draw,
}

#[allow(
    clippy::needless_range_loop,
    reason = "loops over the slots unroll in place; a closure may end up in a function of its own, without the SIMD level"
)]
impl<'a, St: Storage, const S: usize> StateTile<'a, St, S> {
    #[inline(always)]
    pub(crate) fn new<const N: usize>(slots: [SlotTile<'a>; N], rounding: Rounding) -> Self {
        let mut wide: [&'a mut [[f32; LANES]]; S] = std::array::from_fn(|_| Default::default());
        let mut narrow: [St::View<'a>; S] = std::array::from_fn(|_| St::empty());
        for (k, slot) in slots.into_iter().enumerate().take(S) {
            match slot {
                SlotTile::Float32(x) => wide[k] = x.as_chunks_mut().0,
                slot => St::bind(&mut narrow[k], slot),
            }
        }
        StateTile { wide, narrow, draw: Draw::new(rounding) }
    }

    /// Gets a block of a blockwise storage ready to be loaded.
    #[inline(always)]
    pub(crate) fn open(&mut self, contents: [Content; S], block: usize) {
        for k in 0..S {
            if narrows::<St>(contents[k]) {
                St::open(&mut self.narrow[k], block);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn load<V: Simd>(&self, v: V, contents: [Content; S], lane: usize) -> [F32<V>; S] {
        let mut s = [zeros(v); S];
        for k in 0..S {
            s[k] = if narrows::<St>(contents[k]) {
                St::load(v, &self.narrow[k], contents[k], lane)
            } else {
                load(v, &self.wide[k][lane])
            };
        }
        s
    }

    /// Stores the lanes, and returns them as they were stored.
    #[inline(always)]
    pub(crate) fn store<V: Simd>(
        &mut self,
        v: V,
        contents: [Content; S],
        lane: usize,
        x: [F32<V>; S],
    ) -> [F32<V>; S] {
        let mut stored = x;
        for k in 0..S {
            stored[k] = if narrows::<St>(contents[k]) {
                St::store(v, &mut self.narrow[k], lane, x[k], self.draw.bits(v, lane, k))
            } else {
                if contents[k] != Content::Derived {
                    store(x[k], &mut self.wide[k][lane]);
                }
                x[k]
            };
        }
        stored
    }

    /// Encodes a block of a blockwise storage, once all its lanes were stored.
    #[inline(always)]
    pub(crate) fn close<V: Simd>(&mut self, v: V, contents: [Content; S], block: usize) {
        if !St::BLOCKWISE {
            return;
        }
        for k in 0..S {
            if narrows::<St>(contents[k]) {
                St::seal(&mut self.narrow[k], contents[k], block);
            }
        }
        for lane in block * (BLOCK / LANES)..(block + 1) * (BLOCK / LANES) {
            for k in 0..S {
                if narrows::<St>(contents[k]) {
                    St::encode(v, &mut self.narrow[k], contents[k], lane, self.draw.bits(v, lane, k));
                }
            }
        }
    }
}

/// Whether a slot is in the narrow storage. The contents are constants of the rule, handed to each
/// method so that this is decided when the kernel is compiled.
#[inline(always)]
fn narrows<St: Storage>(content: Content) -> bool {
    St::NARROWS && !matches!(content, Content::Full | Content::Derived)
}
