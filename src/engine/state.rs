//! The memory of the states: one block, every array on a cache line of its own.

use crate::engine::memory::{ALIGN, Block};
use crate::engine::plan::STAGED;
use crate::error::Result;
use crate::kernel::MAX_SLOTS;
use crate::kernel::storage::float8::decode8;
use crate::kernel::storage::{BLOCK, Format, SlotTile, StateDtype};
use crate::matrix::Matrices;
use crate::rule::{Derived, Slot};
use crate::simd::LANES;
use std::ops::Range;

/// Size in bytes from which arrays are separated by a gap.
const LARGE: usize = 1 << 18;
/// The gap between them. Streams of arrays that start at the same offset of a page, or a power of two
/// apart, compete for the same cache sets (AdamW 1.67 times the memory floor instead of 1.02 at
/// 2^26 elements, Zen 4).
const GAP: usize = 5 * 4096 + 5 * ALIGN;

/// One state array of one tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array {
    pub(crate) format: Format,
    /// Offset of its elements in the block.
    pub(crate) offset: usize,
    /// Offset of its scales, for 8-bit formats.
    pub(crate) scales: usize,
}

/// The state arrays of one tensor.
#[derive(Clone, Debug)]
pub(crate) struct Arrays {
    pub(crate) slots: [Option<Array>; MAX_SLOTS],
    pub(crate) average: Option<Array>,
    pub(crate) accumulated: Option<Array>,
    /// The slot of the momentum that Lookahead resets or pulls back.
    pub(crate) pulled_back: Option<usize>,
    /// Lookahead's slow weights, and the momentum that is pulled back with them.
    pub(crate) slow: Option<Array>,
    pub(crate) slow_momentum: Option<Array>,
    /// The moments of rows and columns of each slot that is factored.
    pub(crate) factored: [Option<[Array; 2]>; MAX_SLOTS],
}

/// State that every tensor has in addition to the slots of its rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) average: bool,
    pub(crate) accumulated: bool,
    pub(crate) slow: bool,
    pub(crate) slow_momentum: bool,
}

/// The state that a tensor needs.
#[derive(Debug)]
pub(crate) struct Needs<'a> {
    pub(crate) len: usize,
    pub(crate) storage: StateDtype,
    pub(crate) slots: &'static [Slot],
    pub(crate) shape: &'a [usize],
}

/// How many tensors from the first on have their states next to each other, slot by slot: small ones, which are
/// updated in one tile where the rule allows it.
fn bundle(tensors: &[Needs<'_>]) -> usize {
    let first = &tensors[0];
    let mut elements = 0;
    let fits = |tensor: &&Needs<'_>| {
        elements += tensor.len.next_multiple_of(LANES);
        elements <= STAGED && tensor.storage == StateDtype::Float32 && std::ptr::eq(tensor.slots, first.slots)
    };
    tensors.iter().take_while(fits).count().max(1)
}

/// All state of an optimizer.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) block: Block,
    pub(crate) tensors: Vec<Arrays>,
}

impl State {
    /// Zeroed state.
    pub(crate) fn new(tensors: &[Needs<'_>], extras: Extras) -> Result<State> {
        let mut used = 0usize;
        let mut place = |len: usize, block: usize, format: Format| {
            let padded = len.next_multiple_of(block);
            let mut take = |bytes: usize| {
                let offset = used;
                used += bytes.next_multiple_of(ALIGN) + if bytes >= LARGE { GAP } else { 0 };
                offset
            };
            let offset = take(padded * format.bytes());
            let scales = if format.bytes() == 1 { take(padded / BLOCK) } else { 0 };
            Array { format, offset, scales }
        };
        let mut slots = vec![[None; MAX_SLOTS]; tensors.len()];
        let mut arrays = Vec::with_capacity(tensors.len());
        let mut bundled = 0;
        for (i, tensor) in tensors.iter().enumerate() {
            let block = tensor.storage.block();
            if i == bundled {
                bundled += bundle(&tensors[i..]);
                for (k, slot) in tensor.slots.iter().enumerate().filter(|(_, slot)| slot.derived.is_none()) {
                    for (tensor, own) in tensors[i..bundled].iter().zip(&mut slots[i..]) {
                        own[k] = Some(place(tensor.len, block, tensor.storage.format(slot.content)));
                    }
                }
            }
            let mut also = |wanted: bool| wanted.then(|| place(tensor.len, block, Format::Float32));
            arrays.push(Arrays {
                slots: slots[i],
                average: also(extras.average),
                accumulated: also(extras.accumulated),
                pulled_back: tensor.slots.iter().position(|slot| slot.pulls_back),
                slow: also(extras.slow),
                slow_momentum: also(extras.slow_momentum),
                factored: std::array::from_fn(|k| match tensor.slots.get(k)?.derived? {
                    Derived::Factored { .. } => {
                        let sizes = Matrices::of(tensor.shape).factors();
                        Some(sizes.map(|len| place(len, LANES, Format::Float32)))
                    }
                    Derived::Row => None,
                }),
            });
        }
        // Reads in full groups of lanes that start at any element may end after the last array.
        Ok(State { block: Block::zeroed(used + ALIGN)?, tensors: arrays })
    }

    /// Whether a slot of one tensor, of `len` elements, is `float32` and ends where that of another begins.
    pub(crate) fn follow(&self, before: usize, behind: usize, slot: usize, len: usize) -> bool {
        match (self.tensors[before].slots[slot], self.tensors[behind].slots[slot]) {
            (Some(a), Some(b)) if a.format == Format::Float32 && b.format == Format::Float32 => {
                a.offset + len.next_multiple_of(LANES) * Format::Float32.bytes() == b.offset
            }
            _ => false,
        }
    }

    /// The byte ranges of an array's elements, without padding, and of its scales.
    pub(crate) fn places(array: &Array, len: usize) -> (Range<usize>, Option<Range<usize>>) {
        let elements = array.offset..array.offset + len * array.format.bytes();
        let scales = (array.format.bytes() == 1).then(|| array.scales..array.scales + len.div_ceil(BLOCK));
        (elements, scales)
    }

    /// Elements `range` of an array, for one thread. `range` starts at a multiple of 256 and may
    /// end in the padding.
    ///
    /// # Safety
    ///
    /// No two threads may hold overlapping ranges of one array.
    #[inline(always)]
    pub(crate) unsafe fn tile(&self, array: &Array, range: Range<usize>) -> SlotTile<'_> {
        let n = range.len();
        // SAFETY: the arrays were placed inside the block, padded to whole blocks of elements and
        // aligned to 64 bytes; the caller gives out each range once.
        unsafe {
            let start = self.block.as_ptr().add(array.offset + range.start * array.format.bytes());
            match array.format {
                Format::Float32 => SlotTile::Float32(std::slice::from_raw_parts_mut(start.cast(), n)),
                Format::Bfloat16 => SlotTile::Bfloat16(std::slice::from_raw_parts_mut(start.cast(), n)),
                Format::Signed8 | Format::Square8 => {
                    let scales = self.block.as_ptr().add(array.scales + range.start / BLOCK);
                    SlotTile::Float8 {
                        codes: std::slice::from_raw_parts_mut(start, n),
                        scales: std::slice::from_raw_parts_mut(scales, n.div_ceil(BLOCK)),
                    }
                }
            }
        }
    }

    /// Elements `range` of a `float32` array, for reading.
    ///
    /// # Safety
    ///
    /// No thread may write to the range.
    pub(crate) unsafe fn values(&self, array: &Array, range: Range<usize>) -> &[f32] {
        debug_assert_eq!(array.format, Format::Float32);
        // SAFETY: the array was placed inside the block, padded and aligned.
        unsafe {
            let start = self.block.as_ptr().add(array.offset).cast::<f32>().add(range.start);
            std::slice::from_raw_parts(start, range.len())
        }
    }

    /// Copies elements `range` of an array as `float32` numbers.
    ///
    /// # Safety
    ///
    /// No thread may write to the range.
    pub(crate) unsafe fn decode(&self, array: &Array, range: Range<usize>, out: &mut [f32]) {
        // SAFETY: the array and its scales were placed inside the block; single elements are read.
        unsafe {
            let start = self.block.as_ptr().add(array.offset);
            for (i, x) in range.zip(out) {
                *x = match array.format {
                    Format::Float32 => *start.cast::<f32>().add(i),
                    Format::Bfloat16 => f32::from_bits(u32::from(*start.cast::<u16>().add(i)) << 16),
                    format => {
                        let scale = *self.block.as_ptr().add(array.scales + i / BLOCK);
                        decode8(format, *start.add(i), scale)
                    }
                };
            }
        }
    }

    /// All elements of a `float32` array.
    pub(crate) fn read(&self, array: &Array, len: usize) -> &[f32] {
        bytemuck::cast_slice(&self.block.bytes()[Self::places(array, len).0])
    }

    /// All elements of a `float32` array, for writing.
    pub(crate) fn write(&mut self, array: &Array, len: usize) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.block.bytes_mut()[Self::places(array, len).0])
    }

    /// Sets every element of a `float32` array, and the padding to whole blocks behind it.
    pub(crate) fn fill(&mut self, array: &Array, len: usize, block: usize, x: f32) {
        self.write(array, len.next_multiple_of(block)).fill(x);
    }
}
