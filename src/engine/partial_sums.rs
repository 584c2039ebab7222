//! Sums over tensors, kept per chunk and added in order, so that they do not depend on the threads.

use crate::engine::plan::CHUNK;
use crate::kernel::{MAX_SUMS, Sums};
use crate::simd::fold;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that several threads write at the same time.
#[derive(Debug, Default)]
pub(crate) struct SharedNumbers(Vec<AtomicU64>);

impl SharedNumbers {
    pub(crate) fn zeros(n: usize) -> SharedNumbers {
        SharedNumbers(std::iter::repeat_with(AtomicU64::default).take(n).collect())
    }

    pub(crate) fn set(&self, i: usize, x: f64) {
        self.0[i].store(x.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self, i: usize) -> f64 {
        f64::from_bits(self.0[i].load(Ordering::Relaxed))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The place of the sums of a tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunks {
    /// Index of its first chunk.
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl Chunks {
    /// The place after `first` other chunks, for a tensor with this number of elements. An empty tensor has a
    /// chunk too.
    pub(crate) fn new(first: usize, len: usize) -> Chunks {
        Chunks { first, count: len.div_ceil(CHUNK).max(1) }
    }
}

/// The sums of every chunk of every tensor.
#[derive(Debug, Default)]
pub(crate) struct PartialSums(SharedNumbers);

impl PartialSums {
    pub(crate) fn new(chunks: usize) -> PartialSums {
        PartialSums(SharedNumbers::zeros(chunks * MAX_SUMS))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Stores the sums of the chunk that starts at an element of a tensor.
    pub(crate) fn store(&self, chunks: Chunks, start: usize, sums: &[f64; MAX_SUMS]) {
        let first = (chunks.first + start / CHUNK) * MAX_SUMS;
        for (k, &sum) in sums.iter().enumerate() {
            self.0.set(first + k, sum);
        }
    }

    /// Stores the sums of a whole tensor.
    pub(crate) fn store_total(&self, chunks: Chunks, sums: &[f64; MAX_SUMS]) {
        for chunk in 0..chunks.count {
            self.store(chunks, chunk * CHUNK, if chunk == 0 { sums } else { &[0.0; MAX_SUMS] });
        }
    }

    /// The sums of a tensor.
    pub(crate) fn total(&self, chunks: Chunks) -> [f64; MAX_SUMS] {
        let mut totals = [0.0; MAX_SUMS];
        for chunk in chunks.first..chunks.first + chunks.count {
            for (k, total) in totals.iter_mut().enumerate() {
                *total += self.0.get(chunk * MAX_SUMS + k);
            }
        }
        totals
    }

    /// The sums of some tensors together.
    pub(crate) fn total_of(&self, tensors: impl Iterator<Item = Chunks>) -> [f64; MAX_SUMS] {
        let mut total = [0.0; MAX_SUMS];
        for chunks in tensors {
            for (total, sum) in total.iter_mut().zip(self.total(chunks)) {
                *total += sum;
            }
        }
        total
    }
}

/// The sums of a chunk, from the sums of its lanes.
pub(crate) fn folded(sums: &Sums) -> [f64; MAX_SUMS] {
    sums.map(|lanes| fold(&lanes))
}
