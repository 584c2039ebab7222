//! The rows of a tensor: its first axis.

use crate::engine::plan::{CHUNK, Item};
use std::ops::Range;

/// The rows of one tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    /// Elements of a row.
    pub(crate) len: usize,
    /// Index of the first row among the rows of all tensors.
    pub(crate) first: usize,
}

/// The rows of some tensors.
#[derive(Debug, Default)]
pub(crate) struct RowTable {
    pub(crate) of: Vec<Option<Rows>>,
    /// Number of rows of all tensors.
    pub(crate) total: usize,
    /// Whole rows, about a chunk in each item.
    pub(crate) items: Vec<Item>,
}

impl RowTable {
    /// The rows of the given tensors.
    pub(crate) fn new(shapes: &[Vec<usize>], wanted: &[bool]) -> RowTable {
        let mut table = RowTable::default();
        for (i, shape) in shapes.iter().enumerate() {
            let size: usize = shape.iter().product();
            let rows = (wanted[i] && size > 0 && !shape.is_empty()).then(|| Rows {
                count: shape[0],
                len: size / shape[0],
                first: table.total,
            });
            if let Some(rows) = rows {
                table.total += rows.count;
                let together = (CHUNK / rows.len).max(1);
                table.items.extend(pieces(i, 0..size, together * rows.len));
            }
            table.of.push(rows);
        }
        table
    }
}

/// Runs of `len` elements of a tensor.
pub(crate) fn pieces(tensor: usize, range: Range<usize>, len: usize) -> impl Iterator<Item = Item> {
    range.clone().step_by(len).map(move |start| Item::Chunk {
        tensor: tensor as u32,
        start,
        end: range.end.min(start + len),
        scratch: None,
    })
}

/// Calls `each` with the parts of `range` that lie in one row of `len`: row, column, part.
pub(crate) fn by_rows(range: Range<usize>, len: usize, mut each: impl FnMut(usize, usize, Range<usize>)) {
    let mut at = range.start;
    while at < range.end {
        let (row, column) = (at / len, at % len);
        let end = range.end.min(at + len - column);
        each(row, column, at - range.start..end - range.start);
        at = end;
    }
}
