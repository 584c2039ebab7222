//! Settings that differ between parameters.

use crate::hyper::Value;

/// A setting of one parameter that replaces that of the optimizer.
#[derive(Clone, Debug, PartialEq)]
pub enum Override {
    /// A hyperparameter of this name.
    Value(String, Value),
    /// Learning rate in place of the optimizer's.
    LearningRate(f64),
    /// Factor of the optimizer's learning rate.
    Multiplier(f64),
    /// Whether the trust ratio applies.
    Adapt(bool),
    /// Whether the parameter is updated at all.
    Trainable(bool),
    /// Whether it follows the algorithm's own rule, for algorithms with a second rule.
    Routed(bool),
}

impl Override {
    /// The hyperparameter of the rule that it sets, if it sets one.
    pub(super) fn hyperparameter(&self) -> Option<&str> {
        match self {
            Override::Value(name, _) => Some(name),
            _ => None,
        }
    }
}
