//! The slots of one tile, behind one face for the kernels.

use super::rounding::{Draw, Rounding};
use super::{BLOCK, MAX_SLOTS, SlotTile, Storage};
use crate::rule::Content;
use crate::simd::{LANES, Simd, load_part, store_part, zeros};

/// The slots of one tile, each as its rule and storage want it.
pub(crate) struct StateTile<'a, St: Storage, const S: usize> {
    wide: [&'a mut [[f32; LANES]]; MAX_SLOTS],
    narrow: [St::View<'a>; S],
    draw: Draw,
}

impl<'a, St: Storage, const S: usize> StateTile<'a, St, S> {
    /// Memory that the slots of a tile need beside their own.
    #[inline(always)]
    pub(crate) fn scratch() -> [St::Scratch; S] {
        std::array::from_fn(|_| St::scratch())
    }

    /// For a tile of this many lane groups.
    #[inline(always)]
    pub(crate) fn new(
        slots: [SlotTile<'a>; MAX_SLOTS],
        contents: [Content; S],
        rounding: Rounding,
        groups: usize,
        scratch: &'a mut [St::Scratch; S],
    ) -> Self {
        let mut narrow: [St::View<'a>; S] = scratch.each_mut().map(St::empty);
        let [slot_0, slot_1, slot_2, slot_3] = slots;
        let wide = [
            bind::<St, S>(&mut narrow, 0, slot_0, contents, groups),
            bind::<St, S>(&mut narrow, 1, slot_1, contents, groups),
            bind::<St, S>(&mut narrow, 2, slot_2, contents, groups),
            bind::<St, S>(&mut narrow, 3, slot_3, contents, groups),
        ];
        StateTile { wide, narrow, draw: Draw::new(rounding, if St::NARROWS { groups } else { 0 }) }
    }

    /// Goes to the next block of a blockwise storage, at first to the first one, and gets it ready to be loaded.
    #[inline(always)]
    pub(crate) fn next(&mut self, contents: [Content; S]) {
        each!(k in S => {
            if narrows::<St>(contents[k]) {
                St::next(&mut self.narrow[k]);
                St::open(&mut self.narrow[k]);
            }
        });
    }

    /// Gets the block ready to be loaded again, with the values that were stored.
    #[inline(always)]
    pub(crate) fn reopen(&mut self, contents: [Content; S]) {
        each!(k in S => {
            if narrows::<St>(contents[k]) {
                St::open(&mut self.narrow[k]);
            }
        });
    }

    /// The lanes of a part of a group.
    #[inline(always)]
    pub(crate) fn load<V: Simd>(
        &self,
        v: V,
        contents: [Content; S],
        (lane, part): (usize, usize),
    ) -> [St::Lanes<V>; S] {
        let mut s = [zeros(v); S];
        each!(k in S => {
            s[k] = if narrows::<St>(contents[k]) {
                St::load(v, &self.narrow[k], contents[k], lane)
            } else {
                load_part(v, &self.wide[k][lane], part)
            };
        });
        s
    }

    /// Stores the lanes, and returns them as they were stored.
    #[inline(always)]
    pub(crate) fn store<V: Simd>(
        &mut self,
        v: V,
        contents: [Content; S],
        (lane, part): (usize, usize),
        x: [St::Lanes<V>; S],
    ) -> [St::Lanes<V>; S] {
        let mut stored = x;
        each!(k in S => {
            stored[k] = if narrows::<St>(contents[k]) {
                St::store(v, &mut self.narrow[k], contents[k], lane, x[k], self.draw.bits(v, lane, k))
            } else {
                if contents[k] != Content::Derived {
                    store_part(x[k], &mut self.wide[k][lane], part);
                }
                x[k]
            };
        });
        stored
    }

    /// Encodes a block of a blockwise storage, once all its lanes were stored.
    #[inline(always)]
    pub(crate) fn close<V: Simd>(&mut self, v: V, contents: [Content; S], block: usize) {
        if !St::BLOCKWISE {
            return;
        }
        each!(k in S => {
            if narrows::<St>(contents[k]) {
                St::seal(v, &mut self.narrow[k], contents[k]);
            }
        });
        for pair in 0..BLOCK / LANES / 2 {
            let group = 2 * pair;
            each!(k in S => {
                if narrows::<St>(contents[k]) {
                    let bits = [
                        self.draw.bits_of_block(v, block * BLOCK, group, k),
                        self.draw.bits_of_block(v, block * BLOCK, group + 1, k),
                    ];
                    St::encode(v, &mut self.narrow[k], contents[k], group, bits);
                }
            });
        }
        each!(k in S => {
            if narrows::<St>(contents[k]) {
                St::mend(&mut self.narrow[k], contents[k], block, self.draw, k);
            }
        });
    }
}

/// The lanes of a slot that is not narrowed; a narrow one is bound to its view.
#[inline(always)]
fn bind<'a, St: Storage, const S: usize>(
    narrow: &mut [St::View<'a>; S],
    k: usize,
    slot: SlotTile<'a>,
    contents: [Content; S],
    groups: usize,
) -> &'a mut [[f32; LANES]] {
    if k >= S {
        return &mut [];
    }
    if narrows::<St>(contents[k]) {
        St::bind(&mut narrow[k], slot, groups);
        return &mut [];
    }
    let SlotTile::Float32(x) = slot else { panic!("a state that is not narrowed is float32") };
    // As long as the loops, which then need no checks.
    &mut x.as_chunks_mut().0[..groups]
}

/// Whether a slot is in the narrow storage. The contents are constants of the rule, handed to each
/// method so that this is decided when the kernel is compiled.
#[inline(always)]
fn narrows<St: Storage>(content: Content) -> bool {
    St::NARROWS && !matches!(content, Content::Full | Content::Derived)
}
