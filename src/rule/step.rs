//! What a rule may know when it computes its scalars.

use crate::hyper::{Values, shared};
use crate::powers::Powers;

/// The tensor, or all of them together, for which a rule is settled.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayerScalars {
    /// Number of elements.
    pub len: usize,
    /// Its scalars: read, and changed for the next step.
    pub scalars: Scalars,
}

/// The most scalars of an algorithm.
pub const MAX_SCALARS: usize = 3;
/// The scalars of an algorithm, in the order of its table.
pub type Scalars = [f64; MAX_SCALARS];

/// What a rule may know when it computes its scalars for a step.
pub struct Step<'a> {
    /// Hyperparameters of the parameter's group.
    pub values: &'a Values,
    /// Number of the update in progress, from 1.
    pub t: u64,
    /// Learning rate of this update and group.
    pub learning_rate: f64,
    /// Learning rate of this update, before what a group has of its own.
    pub base_rate: f64,
    /// The group's largest learning rate so far.
    pub largest_rate: f64,
    /// The group's first learning rate.
    pub first_rate: f64,
    /// Whether layer adaptation is on for this group.
    pub adapt: bool,
    /// The weight decay that an override gives the group; 0 where it is excluded.
    pub overridden_decay: Option<f64>,
    /// The scalars of the group, or of all parameters: read, and changed for the next step.
    pub scalars: &'a mut Scalars,
    pub(crate) powers: &'a mut Powers,
}

impl Step<'_> {
    /// `beta**t`.
    pub fn pow(&mut self, beta: f64) -> f64 {
        self.powers.pow(beta, self.t)
    }

    /// The bias correction `1 - beta**t`.
    pub fn correction(&mut self, beta: f64) -> f64 {
        self.powers.one_minus_pow(beta, self.t)
    }

    /// The weight decay of the group; 0 where none is set, or where LARC puts it into the gradient.
    pub fn weight_decay(&self) -> f64 {
        self.decay_or(self.values.shared_number(shared::WEIGHT_DECAY).unwrap_or(0.0))
    }

    /// The same for a rule with a weight decay of its own, which an override of the group's replaces.
    pub fn decay_or(&self, own: f64) -> f64 {
        let larc = self.values.shared_number(shared::LARC).is_some();
        if larc { 0.0 } else { self.overridden_decay.unwrap_or(own) }
    }

    /// The weight decay where it is added to the gradient, else 0.
    pub fn coupled(&self) -> f64 {
        if self.values.shared_text(shared::MODE) == "l2" { self.weight_decay() } else { 0.0 }
    }
}
