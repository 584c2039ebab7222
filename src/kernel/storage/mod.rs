//! How states are stored: as they are, in 16 bits, or in 8 bits with a scale per block.
//!
//! A storage knows nothing of rules. It loads and stores sixteen lanes; a blockwise one keeps what
//! is stored until the block is complete, then encodes it.

pub(crate) mod bfloat16;
pub(crate) mod float8;
pub(crate) mod rounding;
pub(crate) mod state_tile;

use crate::rule::Content;
use crate::simd::{LANES, Lanes, Simd, U32, zeros};
use fearless_simd::{f32x8, f32x16};
use rounding::Draw;

/// Most slots that a rule may have.
pub(crate) const MAX_SLOTS: usize = 4;
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
        if self == StateDtype::Float8 && elements < FLOAT8_MIN_ELEMENTS { StateDtype::Float32 } else { self }
    }

    /// The format of a slot.
    pub(crate) fn format(self, content: Content) -> Format {
        match (self, content) {
            (StateDtype::Float32, _) | (_, Content::Full | Content::Derived) => Format::Float32,
            (StateDtype::Bfloat16, _) => Format::Bfloat16,
            (StateDtype::Float8, Content::Moment) => Format::Signed8,
            (StateDtype::Float8, Content::Square) => Format::Square8,
        }
    }

    /// Elements that must be loaded and stored together.
    pub(crate) fn block(self) -> usize {
        if self == StateDtype::Float8 { BLOCK } else { LANES }
    }
}

/// The memory of one slot of one tile.
pub(crate) enum SlotTile<'a> {
    Float32(&'a mut [f32]),
    Bfloat16(&'a mut [u16]),
    Float8 { codes: &'a mut [u8], scales: &'a mut [u8] },
}

impl SlotTile<'_> {
    /// A slot without elements.
    pub(crate) fn empty() -> Self {
        SlotTile::Float32(&mut [])
    }

    /// Makes every element zero.
    pub(crate) fn clear(self) {
        match self {
            SlotTile::Float32(x) => x.fill(0.0),
            SlotTile::Bfloat16(x) => x.fill(0),
            SlotTile::Float8 { codes, scales } => {
                codes.fill(0);
                scales.fill(0);
            }
        }
    }
}

/// A way to store the slots that may be narrowed.
pub(crate) trait Storage: Copy {
    /// Whether lanes are encoded a block at a time.
    const BLOCKWISE: bool;
    /// Whether it narrows at all.
    const NARROWS: bool;
    /// Memory for the numbers of a block. It lies beside the view: the compiler keeps what is indexed in
    /// memory, and the rest of the view in registers.
    type Scratch;
    /// One slot of one tile.
    type View<'a>;
    /// The lanes that a rule works on at a time.
    type Lanes<V: Simd>: Lanes<Level = V>;

    fn scratch() -> Self::Scratch;
    fn empty(scratch: &mut Self::Scratch) -> Self::View<'_>;
    /// Binds the slot of a tile of this many lane groups.
    fn bind<'a>(view: &mut Self::View<'a>, slot: SlotTile<'a>, groups: usize);
    /// Blockwise storage: goes to the next block, at first to the first one.
    #[inline(always)]
    fn next(_: &mut Self::View<'_>) {}
    /// Blockwise storage: gets the block ready to be loaded.
    #[inline(always)]
    fn open(_: &mut Self::View<'_>) {}
    fn load<V: Simd>(v: V, view: &Self::View<'_>, content: Content, lane: usize) -> Self::Lanes<V>;
    /// Stores and returns the lanes as a later load will see them, blockwise storage excepted.
    fn store<V: Simd>(
        v: V,
        view: &mut Self::View<'_>,
        content: Content,
        lane: usize,
        x: Self::Lanes<V>,
        bits: U32<V>,
    ) -> Self::Lanes<V>;
    /// Blockwise storage: ends a block whose lanes were all stored.
    #[inline(always)]
    fn seal<V: Simd>(_: V, _: &mut Self::View<'_>, _: Content) {}
    /// Blockwise storage: encodes the lane groups `group` and `group + 1` of the sealed block.
    #[inline(always)]
    fn encode<V: Simd>(_: V, _: &mut Self::View<'_>, _: Content, _group: usize, _bits: [U32<V>; 2]) {}
    /// Blockwise storage: encodes a sealed block whose numbers [`Storage::encode`] is not made for.
    #[inline(always)]
    fn mend(_: &mut Self::View<'_>, _: Content, _block: usize, _: Draw, _slot: usize) {}
}

/// No narrowing.
#[derive(Clone, Copy)]
pub(crate) struct Float32;

/// No narrowing, half a group of lanes at a time: for levels where a group takes several registers.
#[derive(Clone, Copy)]
pub(crate) struct Float32Halves;

macro_rules! as_they_are {
    ($storage:ident, $lanes:ident) => {
        impl Storage for $storage {
            const BLOCKWISE: bool = false;
            const NARROWS: bool = false;
            type Scratch = ();
            type View<'a> = ();
            type Lanes<V: Simd> = $lanes<V>;

            fn scratch() {}
            fn empty((): &mut ()) {}
            fn bind<'a>((): &mut Self::View<'a>, _: SlotTile<'a>, _: usize) {}
            #[inline(always)]
            fn load<V: Simd>(v: V, (): &(), _: Content, _: usize) -> $lanes<V> {
                zeros(v)
            }
            #[inline(always)]
            fn store<V: Simd>(_: V, (): &mut (), _: Content, _: usize, x: $lanes<V>, _: U32<V>) -> $lanes<V> {
                x
            }
        }
    };
}
as_they_are!(Float32, f32x16);
as_they_are!(Float32Halves, f32x8);
