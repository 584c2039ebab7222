//! The memory floor: streams arrays like a kernel, without computing anything.

use crate::engine::plan::{CHUNK, Item, Plan};
use crate::engine::queue::{self, WorkQueue};
use crate::engine::threads::num_threads;
use crate::py::arrays::{Role, read};
use crate::py::simd_level::isa;
use crate::simd::{Isa, LANES, load, store, with_isa};
use pyo3::prelude::*;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Mutex;

struct Pointers(Vec<*mut u8>);
// SAFETY: every element is given to one thread by the plan.
unsafe impl Sync for Pointers {}

static BOARD: Mutex<Option<(usize, usize, Plan, WorkQueue)>> = Mutex::new(None);

/// Reads and writes back every array in place, the last `reads` of them without writing, on the
/// library's threads. All arrays are float32 and as long as the first.
#[pyfunction]
#[pyo3(signature = (arrays, reads, /))]
pub(crate) fn stream_floor(py: Python<'_>, arrays: Vec<Bound<'_, PyAny>>, reads: usize) -> PyResult<()> {
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
    let isa = isa().unwrap_or(Isa::best());
    py.detach(|| {
        let mut cached = BOARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cached.as_ref().is_none_or(|c| (c.0, c.1) != (len, threads)) {
            *cached = Some((len, threads, Plan::single(&[len], threads), WorkQueue::default()));
        }
        let Some((_, _, plan, queue)) = cached.as_mut() else {
            return;
        };
        let pointers = &pointers;
        queue::run(plan, queue, &|_, item| {
            let range = match item {
                Item::Chunk { start, end, .. } => *start..*end,
                Item::Whole(_) => 0..len.min(CHUNK),
            };
            // SAFETY: the range lies in every array and is this thread's.
            unsafe { stream(isa, &pointers.0, writes, range) };
        });
    });
    Ok(())
}

/// Reads sixteen lanes of every array in turn, and writes back those of the first `writes`.
///
/// # Safety
///
/// Every array has the range, and no other code uses it.
unsafe fn stream(isa: Isa, arrays: &[*mut u8], writes: usize, range: Range<usize>) {
    let n = range.len() / LANES;
    let groups = |start: &*mut u8| {
        // SAFETY: passed on to the caller.
        unsafe { std::slice::from_raw_parts_mut(start.cast::<f32>().add(range.start), n * LANES) }
            .as_chunks_mut()
            .0
    };
    let (mut written, mut read): (Vec<&mut [[f32; LANES]]>, Vec<_>) =
        (arrays[..writes].iter().map(groups).collect(), arrays[writes..].iter().map(groups).collect());
    let mut seen = [0.0; LANES];
    // Minus zero, hidden from the compiler: adding it changes no bit.
    let nothing = black_box([-0.0f32; LANES]);
    with_isa!(isa, v => {
        let nothing = load(v, &nothing);
        let mut sum = nothing;
        for i in 0..n {
            for groups in &mut written {
                store(load(v, &groups[i]) + nothing, &mut groups[i]);
            }
            for groups in &mut read {
                sum += load(v, &groups[i]);
            }
        }
        store(sum, &mut seen);
    });
    black_box(seen);
}
