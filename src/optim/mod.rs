//! One file per algorithm.

pub(crate) mod adafactor;
pub(crate) mod adagrad;
pub(crate) mod adam;
pub(crate) mod lamb;
pub(crate) mod lars;
pub(crate) mod lion;
pub(crate) mod mars;
pub(crate) mod muon;
pub(crate) mod nadam;
pub(crate) mod novograd;
pub(crate) mod prodigy;
pub(crate) mod radam;
pub(crate) mod schedule_free;
pub(crate) mod sgd;
