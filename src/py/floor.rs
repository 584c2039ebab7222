//! The memory floor: streams arrays as a kernel would, without computing anything.

use crate::engine::plan::{CHUNK, Item, Plan};
use crate::engine::pool::{self, Board, num_threads};
use crate::py::arrays::{Role, read};
use crate::simd::LANES;
use pyo3::prelude::*;
use std::hint::black_box;
use std::sync::Mutex;

struct Pointers(Vec<*mut u8>);
// SAFETY: every element is given to one thread by the plan.
unsafe impl Sync for Pointers {}

static BOARD: Mutex<Option<(usize, usize, Plan, Board)>> = Mutex::new(None);

/// Reads and writes back every array in place, the last `reads` of them without writing, on the
/// library's threads. All arrays are float32 and as long as the first.
#[pyfunction]
#[pyo3(signature = (arrays, reads, /))]
pub(crate) fn stream_floor(
    py: Python<'_>,
    arrays: Vec<Bound<'_, PyAny>>,
    reads: usize,
) -> PyResult<()> {
    let mut pointers = Vec::new();
    let mut len = usize::MAX;
    for (i, array) in arrays.iter().enumerate() {
        let array = read(array, Role::Parameter, &|| i.to_string())?;
        len = len.min(array.len);
        pointers.push(array.data);
    }
    let len = if pointers.is_empty() { 0 } else { len };
    let writes = pointers.len().saturating_sub(reads);
    let pointers = Pointers(pointers);
    let threads = num_threads();
    py.detach(|| {
        let mut cached = BOARD
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if cached.as_ref().is_none_or(|c| (c.0, c.1) != (len, threads)) {
            *cached = Some((
                len,
                threads,
                Plan::single(&[len], threads),
                Board::default(),
            ));
        }
        let Some((_, _, plan, board)) = cached.as_mut() else {
            return;
        };
        let pointers = &pointers;
        pool::run(plan, board, &|_, item| {
            let range = match item {
                Item::Chunk { start, end, .. } => *start..*end,
                Item::Whole(_) => 0..len.min(CHUNK),
            };
            let nothing = black_box([0u32; LANES]);
            let mut seen = nothing;
            for first in range.clone().step_by(LANES) {
                let n = LANES.min(range.end - first);
                for (k, &start) in pointers.0.iter().enumerate() {
                    // SAFETY: elements `first..first + n` exist and are this thread's.
                    let lanes = unsafe {
                        std::slice::from_raw_parts_mut(start.cast::<u32>().add(first), n)
                    };
                    for (x, (s, o)) in lanes.iter_mut().zip(seen.iter_mut().zip(&nothing)) {
                        if k < writes {
                            *x ^= o;
                        } else {
                            *s ^= *x;
                        }
                    }
                }
            }
            black_box(seen);
        });
    });
    Ok(())
}
