//! Zeroed memory that starts on a cache line.

use crate::error::{Error, Kind, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Alignment of every state array, in bytes.
pub(crate) const ALIGN: usize = 64;

/// Bytes from which a block asks for huge pages, as NumPy does for its arrays. A step over tens of
/// megabytes then misses the translation buffer less often.
#[cfg(target_os = "linux")]
const HUGE: usize = 1 << 22;

/// The element of a block, which has its alignment.
#[repr(align(64))]
struct Line;

/// A block of zeroed memory, aligned to 64 bytes, that is read and written through raw pointers.
///
/// The system gives zeroed pages when they are first written, so a page of a large block is placed near
/// the thread that first makes a step over it.
#[derive(Debug)]
pub(crate) struct Block {
    /// What was allocated; the block starts at most `ALIGN` bytes behind it.
    allocated: NonNull<u8>,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a block owns its memory; its user decides which thread may access which part.
unsafe impl Send for Block {}
// SAFETY: as above; `&Block` only hands out a pointer.
unsafe impl Sync for Block {}

impl Block {
    /// `len` zeroed bytes.
    pub(crate) fn zeroed(len: usize) -> Result<Block> {
        if len == 0 {
            return Ok(Block::empty());
        }
        let allocated = Self::layout(len).and_then(|layout| {
            // SAFETY: the layout is never empty.
            NonNull::new(unsafe { alloc_zeroed(layout) })
        });
        let allocated = allocated.ok_or_else(|| {
            Error::new(
                Kind::Memory,
                format!("cannot allocate {len} bytes of optimizer state; nothing was changed"),
            )
        })?;
        let offset = allocated.align_offset(ALIGN);
        // The layout has `ALIGN` bytes more than the block.
        let start = NonNull::new(allocated.as_ptr().wrapping_add(offset)).unwrap_or(allocated);
        let block = Block { allocated, start, len };
        block.ask_for_huge_pages();
        Ok(block)
    }

    /// Advises the system to use huge pages for the whole pages of a large block.
    fn ask_for_huge_pages(&self) {
        #[cfg(target_os = "linux")]
        if self.len >= HUGE {
            const PAGE: usize = 4096;
            let skipped = self.start.align_offset(PAGE);
            // SAFETY: these pages lie in the block, which is owned; the advice changes no contents. Where
            // the system does not know it, the call fails and nothing happens.
            unsafe {
                let first = self.start.as_ptr().add(skipped);
                libc::madvise(first.cast(), (self.len - skipped) & !(PAGE - 1), libc::MADV_HUGEPAGE);
            }
        }
    }

    /// No bytes, and nothing allocated.
    pub(crate) fn empty() -> Block {
        let start = NonNull::<Line>::dangling().cast();
        Block { allocated: start, start, len: 0 }
    }

    /// Room for the block wherever it starts. A larger alignment would make the allocator write all
    /// zeros at once.
    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len.checked_add(ALIGN)?, align_of::<usize>()).ok()
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
        if let Some(layout) = Self::layout(self.len).filter(|_| self.len > 0) {
            // SAFETY: allocated in `zeroed` with the same layout.
            unsafe { dealloc(self.allocated.as_ptr(), layout) }
        }
    }
}
