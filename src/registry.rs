//! The table: one row per algorithm.

use crate::engine::stepper::Stepper;
use crate::error::{Error, Kind, Result, nearest};
use crate::hyper::{Hyper, Value, Values};
use crate::optim;

/// An algorithm: its names, its hyperparameters, and how to make it.
#[derive(Clone, Copy)]
pub struct Algorithm {
    /// Name in this table.
    pub name: &'static str,
    /// Name of the Python class.
    pub class_name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The update, in one line.
    pub formula: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// Its own hyperparameters; the learning rate is the first.
    pub hypers: &'static [Hyper],
    /// Default of `weight_decay`.
    pub weight_decay: Value,
    /// Default of `weight_decay_mode`.
    pub weight_decay_mode: &'static str,
    /// Whether its step is scaled by a trust ratio.
    pub layerwise: bool,
    /// The algorithm with its switches set; an error for a combination that means nothing.
    pub(crate) make: fn(&Values) -> Result<Box<dyn Stepper>>,
}

/// Every algorithm.
pub static ALGORITHMS: &[Algorithm] = &[
    optim::sgd::SGD,
    optim::adagrad::ADAGRAD,
    optim::adam::ADAM,
    optim::adam::ADAMW,
    optim::radam::RADAM,
    optim::lion::LION,
    optim::lars::LARS,
    optim::lamb::LAMB,
];

impl Algorithm {
    /// The algorithm called `name`.
    pub fn named(name: &str) -> Result<&'static Algorithm> {
        ALGORITHMS.iter().find(|a| a.name == name).ok_or_else(|| {
            let hint = nearest(name, ALGORITHMS.iter().map(|a| a.name));
            Error::new(Kind::Hyperparameter, format!("unknown algorithm '{name}'{hint}"))
        })
    }

    /// Its hyperparameters at their defaults.
    pub fn defaults(&self) -> Values {
        Values::defaults(self.hypers, self.weight_decay, self.weight_decay_mode)
    }
}
