//! Rules over tiles of memory: the loops, the storages of states, and one face for all of them.

mod erased;
mod interface;
mod passes;
pub(crate) mod storage;

pub(crate) use self::erased::{one_pass, reduce_first, state_first};
pub(crate) use self::interface::{Kernel, Passes, TileContext};
pub(crate) use self::passes::{MAX_SLOTS, MAX_SUMS, Sums, Tile};
