//! Groups of parameters with the same hyperparameters.

use super::overrides::Override;
use crate::error::{Error, Kind, Result};
use crate::hyper::{Domain, Hyper, Value, Values, number, shared};

/// Parameters with the same hyperparameters.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) overrides: Vec<Override>,
    pub(super) values: Values,
    pub(super) adapt: bool,
    /// The weight decay of an override; `Some(None)` if the override turns it off.
    pub(super) decay: Option<Option<f64>>,
    /// The learning rate of an override.
    rate: Option<f64>,
    multiplier: f64,
}

/// The factor of a learning rate, as a row of a table.
const MULTIPLIER: Hyper = Hyper { name: "learning_rate_multiplier", ..number(1.0, Domain::AtLeast(0.0), "") };

impl Group {
    pub(super) fn new(base: &Values, overrides: &[Override]) -> Result<Group> {
        let mut group = Group {
            overrides: overrides.to_vec(),
            values: base.clone(),
            adapt: true,
            decay: None,
            rate: None,
            multiplier: 1.0,
        };
        let mut rate = None;
        let mut multiplier = 1.0;
        for one in overrides {
            match one {
                Override::Value(name, value) => {
                    let (_, hyper) = base.find(name)?;
                    let why = match (hyper.dynamic, hyper.per_parameter) {
                        (false, _) => "is fixed at construction",
                        (true, false) => "is the same for all parameters",
                        _ => "",
                    };
                    if !why.is_empty() {
                        return Err(Error::new(
                            Kind::Hyperparameter,
                            format!("{name} {why} and cannot differ between parameters"),
                        ));
                    }
                    group.values.set(name, *value)?;
                    if name == "weight_decay" {
                        group.decay = Some(group.values.shared_number(shared::WEIGHT_DECAY));
                    }
                }
                Override::Adapt(adapt) => group.adapt = *adapt,
                Override::LearningRate(x) => {
                    base.find("learning_rate")?.1.check(Value::Number(*x))?;
                    rate = Some(*x);
                }
                Override::Multiplier(x) => {
                    MULTIPLIER.check(Value::Number(*x))?;
                    multiplier = *x;
                }
                Override::Trainable(_) | Override::Routed(_) => {}
            }
        }
        (group.rate, group.multiplier) = (rate, multiplier);
        Ok(group)
    }

    /// An error if an override gives a value that has no effect, as for the arguments of the constructor.
    pub(super) fn check_effects(&self) -> Result<()> {
        let names: Vec<&str> = self.overrides.iter().filter_map(Override::hyperparameter).collect();
        self.values.check_effects(Some(&names))
    }

    pub(super) fn learning_rate(&self, base: f64) -> f64 {
        self.rate.unwrap_or(base) * self.multiplier
    }
}
