//! Hyperparameters: values, domains of legal values, tables, and the values of one run.

mod domain;
pub mod shared;
pub(crate) mod table;
mod values;

pub use self::domain::{Domain, Value};
pub use self::shared::SHARED;
pub(crate) use self::table::hypers;
pub use self::table::{Condition, Hyper, Needs};
pub(crate) use self::table::{
    beta_1, beta_2, choice, decay_rate, epsilon, flag, integer, learning_rate, number, optional,
};
pub use self::values::Values;
