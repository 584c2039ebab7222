//! Zeroed memory that starts on a cache line.

use crate::error::{Error, Kind, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Alignment of every state array, in bytes.
pub(crate) const ALIGN: usize = 64;

/// What a block is made of, for its alignment.
#[repr(align(64))]
struct Line;

/// A block of zeroed memory, aligned to 64 bytes, that is read and written through raw pointers.
#[derive(Debug)]
pub(crate) struct Block {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a block owns its memory; who may touch which part is the business of its user.
unsafe impl Send for Block {}
// SAFETY: as above; `&Block` only hands out a pointer.
unsafe impl Sync for Block {}

impl Block {
    /// `len` zeroed bytes.
    pub(crate) fn zeroed(len: usize) -> Result<Block> {
        if len == 0 {
            return Ok(Block::empty());
        }
        let layout = Self::layout(len);
        // SAFETY: the layout is never empty.
        let start = unsafe { alloc_zeroed(layout) };
        NonNull::new(start).map(|start| Block { start, len }).ok_or_else(|| {
            Error::new(
                Kind::Memory,
                format!("cannot allocate {len} bytes of optimizer state; nothing was changed"),
            )
        })
    }

    /// No bytes, and nothing allocated.
    pub(crate) fn empty() -> Block {
        Block { start: NonNull::<Line>::dangling().cast(), len: 0 }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len.max(ALIGN), ALIGN).unwrap_or(Layout::new::<[u8; ALIGN]>())
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All bytes, for reading.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is initialized and owned; the engine writes only while it holds the
        // optimizer mutably, so no shared borrow is alive then.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All bytes, for writing.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the memory is initialized, owned and mutably borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: allocated in `zeroed` with the same layout.
            unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) }
        }
    }
}
