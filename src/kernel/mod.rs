//! Rules over tiles of memory: the loops, the storages of states, and one face for all of them.

/// Runs `$body` for each position of an array of at most four slots or sums, each as a constant. In a loop
/// over positions the compiler would know the arrays too late to drop the checks of what they refer to.
macro_rules! each {
    ($k:ident in $n:ident => $body:block) => {
        if $n > 0 {
            let $k = 0;
            $body
        }
        if $n > 1 {
            let $k = 1;
            $body
        }
        if $n > 2 {
            let $k = 2;
            $body
        }
        if $n > 3 {
            let $k = 3;
            $body
        }
    };
}

mod erased;
mod interface;
mod passes;
pub(crate) mod storage;

pub(crate) use self::erased::{one_pass, reduce_first, state_first};
pub(crate) use self::interface::{Kernel, Passes, TileContext};
pub(crate) use self::passes::{MAX_SUMS, Sums, Tile};
pub(crate) use self::storage::MAX_SLOTS;
