//! Rounding of narrow states.

use crate::simd::{LANES, Simd, U32};
use fearless_simd::prelude::*;
use fearless_simd::u32x16;

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

/// Lane groups of which [`ELEMENTS`] has the elements: those of a block of 8-bit state.
const GROUPS: usize = 16;

/// The numbers of the elements of these groups.
static ELEMENTS: [[u32; LANES]; GROUPS] = {
    let mut elements = [[0; LANES]; GROUPS];
    let mut i = 0;
    while i < GROUPS * LANES {
        elements[i / LANES][i % LANES] = i as u32;
        i += 1;
    }
    elements
};

/// [`Rounding`] as the lanes need it.
///
/// The 32 random bits of element `i` for the pair `k` of slots, in `u32` arithmetic that wraps:
///
/// ```text
/// x = i ^ key_0 ^ (k * 0x9e3779b9)
/// x = (x ^ (x >> 16)) * 0x7feb352d
/// x = (x ^ (x >> 15) ^ key_1) * 0x846ca68b
/// x = x ^ (x >> 16)
/// ```
///
/// The lower half of the last `x` is for the first slot of the pair, the upper half for the second one.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    start: u32,
    keys: [u32; 2],
    factors: [u32; 2],
}

impl Draw {
    /// The draw for a tile of so many lane groups.
    ///
    /// # Panics
    ///
    /// If the tile is too long, or does not start at a multiple of its length.
    #[inline(always)]
    pub(super) fn new(rounding: Rounding, groups: usize) -> Self {
        let length = (groups * LANES).next_power_of_two() as u64;
        assert!(length <= 1 << 16, "a tile has at most 65536 elements");
        assert!(rounding.start.is_multiple_of(length), "a tile starts at a multiple of its length");
        let key = rounding.key ^ crate::hash::mix(rounding.start >> 32);
        let keys = [key as u32, (key >> 32) as u32];
        let start = rounding.start as u32;
        if rounding.nearest {
            // Every product is then 2^31: half a unit in both halves.
            return Draw { start, keys: [keys[0], 1], factors: [0, 1 << 31] };
        }
        Draw { start, keys, factors: [0x7feb_352d, 0x846c_a68b] }
    }

    /// The first key of the pair of slots that `slot` belongs to.
    #[inline(always)]
    fn first_key(&self, slot: usize) -> u32 {
        self.keys[0] ^ (slot as u32 / 2).wrapping_mul(0x9e37_79b9)
    }

    /// Sixteen 16-bit random numbers for lane group `lane` of slot `slot`.
    #[inline(always)]
    pub(super) fn bits<V: Simd>(&self, v: V, lane: usize, slot: usize) -> U32<V> {
        self.bits_of_block(v, lane * LANES, 0, slot)
    }

    /// Sixteen 16-bit random numbers for lane group `group` of the block that starts at element `block`.
    #[inline(always)]
    pub(super) fn bits_of_block<V: Simd>(&self, v: V, block: usize, group: usize, slot: usize) -> U32<V> {
        // The elements of a tile differ in the lower half of their index alone: x ^ (x >> 16) is the
        // element's index in the tile ^ what it is for the first element.
        let first = self.start ^ self.first_key(slot);
        let x = u32x16::from_slice(v, &ELEMENTS[group]) ^ (first ^ (first >> 16) ^ block as u32);
        let x = x * self.factors[0];
        let x = (x ^ (x >> 15) ^ self.keys[1]) * self.factors[1];
        let upper = x >> 16;
        if slot.is_multiple_of(2) { (x ^ upper) & 0xffff } else { upper }
    }

    /// [`Draw::bits`] for one element of the tile.
    pub(super) fn one(&self, element: usize, slot: usize) -> u32 {
        let x = self.start.wrapping_add(element as u32) ^ self.first_key(slot);
        let x = (x ^ (x >> 16)).wrapping_mul(self.factors[0]);
        let x = (x ^ (x >> 15) ^ self.keys[1]).wrapping_mul(self.factors[1]);
        let x = x ^ (x >> 16);
        if slot.is_multiple_of(2) { x & 0xffff } else { x >> 16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, with_isa};

    fn lanes(isa: Isa, draw: &Draw, lane: usize, slot: usize) -> Vec<u32> {
        with_isa!(isa, v => draw.bits(v, lane, slot).to_array().to_vec())
    }

    #[test]
    fn lanes_and_single_elements_agree_at_every_level() {
        for isa in Isa::available() {
            for nearest in [false, true] {
                for (start, groups) in
                    [(0, 64), (64 * 1024, 64), (u64::from(u32::MAX) - 1023, 64), (1 << 35, 16), (48, 1)]
                {
                    let draw = Draw::new(Rounding { key: 0x0123_4567_89ab_cdef, start, nearest }, groups);
                    for slot in 0..4 {
                        for lane in [0, groups / 2, groups - 1] {
                            let one: Vec<u32> =
                                (0..LANES).map(|i| draw.one(lane * LANES + i, slot)).collect();
                            assert_eq!(lanes(isa, &draw, lane, slot), one);
                            assert!(!nearest || one == [0x8000; LANES]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "multiple of its length")]
    fn a_tile_across_a_boundary_is_refused() {
        let _ = Draw::new(Rounding { key: 0, start: 256, nearest: false }, 64);
    }
}
