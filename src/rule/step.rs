//! The input of a rule for the computation of its scalars.

use crate::hyper::{Values, shared};
use crate::powers::Powers;

/// The input of a rule in addition to the sums over a tensor or over all tensors.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayerScalars {
    /// Number of elements.
    pub len: usize,
    /// The scalars that the algorithm keeps; a rule may change them for the next update.
    pub scalars: Scalars,
}

/// The most scalars of an algorithm.
pub const MAX_SCALARS: usize = 3;
/// The scalars of an algorithm, in the order of its table.
pub type Scalars = [f64; MAX_SCALARS];

/// The input of a rule for the computation of its scalars in an update.
pub struct Step<'a> {
    /// Hyperparameters of the parameter's group.
    pub values: &'a Values,
    /// Number of the update in progress, from 1.
    pub t: u64,
    /// Learning rate of this update and group.
    pub learning_rate: f64,
    /// Learning rate of this update without the overrides of a group.
    pub base_rate: f64,
    /// The group's largest learning rate so far.
    pub largest_rate: f64,
    /// The group's first learning rate.
    pub first_rate: f64,
    /// Whether layer adaptation is on for this group.
    pub adapt: bool,
    /// The weight decay that an override sets for the group; 0 if the group is excluded from it.
    pub overridden_decay: Option<f64>,
    /// The scalars of the group, or of all parameters; a rule may change them for the next update.
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

    /// The weight decay of the group; 0 if none is set, or if LARC adds it to the gradient.
    pub fn weight_decay(&self) -> f64 {
        self.decay_or(self.values.shared_number(shared::WEIGHT_DECAY).unwrap_or(0.0))
    }

    /// The same for a rule with a weight decay of its own, which an override for the group replaces.
    pub fn decay_or(&self, own: f64) -> f64 {
        let larc = self.values.shared_number(shared::LARC_COEFFICIENT).is_some();
        if larc { 0.0 } else { self.overridden_decay.unwrap_or(own) }
    }

    /// The weight decay if it is added to the gradient, else 0.
    pub fn coupled(&self) -> f64 {
        if self.values.shared_text(shared::WEIGHT_DECAY_MODE) == "l2" { self.weight_decay() } else { 0.0 }
    }
}
