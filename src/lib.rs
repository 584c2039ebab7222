//! Optimizers for training on CPUs: LAMB, LARS and their family, in place, at memory speed, with
//! the same bits on every CPU and for every number of threads.
//!
//! ```
//! use lamb_rs::{GradientSlice, Optimizer, Value};
//!
//! let mut weights = vec![1.0f32; 1000];
//! let gradient = vec![0.5f32; 1000];
//! let mut optimizer = Optimizer::new("lamb")?;
//! optimizer.set("weight_decay", Value::Number(0.01))?;
//! optimizer.build(&[("weights", weights.len())])?;
//! optimizer.apply(&mut [&mut weights], &[GradientSlice::Float32(&gradient)])?;
//! assert!(weights[0] < 1.0);
//! # Ok::<(), lamb_rs::Error>(())
//! ```
//!
//! The modules from bottom to top: [`simd`], [`hyper`] (tables of hyperparameters), [`rule`] (the traits of
//! algorithms), `kernel` (rules over tiles of memory), [`algorithm`] (a row of the registry), `engine` (plan,
//! threads, state, stages around a rule) and `optim` (one file per algorithm), [`registry`] (the table),
//! [`optimizer`].

pub mod algorithm;
pub(crate) mod engine;
pub mod error;
pub(crate) mod hash;
pub mod hyper;
pub(crate) mod kernel;
pub mod matrix;
pub(crate) mod optim;
pub mod optimizer;
pub mod powers;
pub mod registry;
pub mod rule;
pub mod simd;

#[cfg(feature = "python")]
mod py;

pub use engine::buffers::Gradient;
pub use engine::threads::{num_threads, pop_threads, push_threads, set_num_threads, threads_and_source};
pub use error::{Error, Result};
pub use hyper::Value;
pub use kernel::storage::Format;
pub use kernel::storage::float8::decode8;
pub use optimizer::{Entry, GradientSlice, Optimizer, Override, Row};

/// Version of the numerics, raised by every release that changes a bit of any result.
pub const NUMERICS_VERSION: u64 = 1;
/// Version of the layout of `state_dict`.
pub const FORMAT_VERSION: u64 = 1;
