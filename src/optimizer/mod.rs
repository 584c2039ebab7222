//! An optimizer over named parameters: what a training run needs in addition to the algorithm.

mod build;
mod call;
mod clip;
mod core;
mod finite;
mod groups;
mod overrides;
mod passes;
mod plans;
mod report;

pub use self::core::{GradientSlice, Optimizer, Rates};
pub use self::overrides::Override;
pub use self::report::{Entry, Row};
