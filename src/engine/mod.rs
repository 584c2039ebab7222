//! The engine: takes rules, storages and stages over memory, in parallel, with the same bits
//! however it is done.

pub(crate) mod fpenv;
pub(crate) mod memory;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod shaping;
pub(crate) mod span;
pub(crate) mod stages;
pub(crate) mod state;
pub(crate) mod sweep;
