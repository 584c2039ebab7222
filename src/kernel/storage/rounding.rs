//! Rounding of narrow states.

use crate::simd::{LANES, Simd, U32, iota};

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
pub(crate) struct Draw {
    keys: [u32; 2],
    start: u32,
    mask: u32,
    add: u32,
}

impl Draw {
    #[inline(always)]
    pub(super) fn new(rounding: Rounding) -> Self {
        let key = rounding.key ^ crate::hash::mix(rounding.start >> 32);
        let (mask, add) = if rounding.nearest { (0, 0x8000) } else { (0xffff, 0) };
        Draw { keys: [key as u32, (key >> 32) as u32], start: rounding.start as u32, mask, add }
    }

    /// Sixteen 16-bit random numbers for lane group `lane` of slot `slot`. Two slots share one
    /// hash: the lower and the upper half.
    #[inline(always)]
    pub(super) fn bits<V: Simd>(&self, v: V, lane: usize, slot: usize) -> U32<V> {
        let pair = (slot as u32 / 2).wrapping_mul(0x9e37_79b9);
        let x = iota(v, self.start.wrapping_add((lane * LANES) as u32)) ^ (self.keys[0] ^ pair);
        let x = (x ^ (x >> 16)) * 0x7feb_352d;
        let x = (x ^ (x >> 15) ^ self.keys[1]) * 0x846c_a68b;
        let x = x ^ (x >> 16);
        let half = if slot.is_multiple_of(2) { x & self.mask } else { (x >> 16) & self.mask };
        half + self.add
    }
}
