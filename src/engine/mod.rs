//! The engine: runs rules over memory, in parallel, with the same bits for any distribution of the work.

pub(crate) mod average;
pub(crate) mod buffers;
pub(crate) mod centralize;
pub(crate) mod derived;
pub(crate) mod factored;
pub(crate) mod fpenv;
pub(crate) mod gradient;
pub(crate) mod gradient_chain;
pub(crate) mod lane_sums;
pub(crate) mod larc;
pub(crate) mod layers;
pub(crate) mod memory;
pub(crate) mod partial_sums;
pub(crate) mod pass;
pub(crate) mod passes;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod row_coefficients;
pub(crate) mod rows;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod threads;
pub(crate) mod workers;
