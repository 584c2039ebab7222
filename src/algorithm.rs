//! The type of a row of the registry.

use crate::error::{Error, Kind, Result};
use crate::hyper::{Hyper, Value, Values, shared};
use crate::kernel::Kernel;
use crate::rule::{Formula, Scalar, Scope};

/// An algorithm: its names, its hyperparameters, and how to make it.
#[derive(Clone, Copy)]
pub struct Algorithm {
    /// Name in this table.
    pub name: &'static str,
    /// Name of the Python class.
    pub class_name: &'static str,
    /// Description in one line.
    pub summary: &'static str,
    /// The update of its own rule: see [`Algorithm::formula`].
    pub(crate) formula: fn(&mut Formula<'_>),
    /// Where it was published.
    pub source: &'static str,
    /// Its own hyperparameters; the learning rate is the first.
    pub hypers: &'static [Hyper],
    /// Defaults of shared hyperparameters that differ from the shared ones.
    pub defaults: &'static [(&'static str, Value)],
    /// Whether its step is scaled by a trust ratio.
    pub layerwise: bool,
    /// Whether it multiplies matrices, which promises the same bits on one machine only.
    pub matrix: bool,
    /// Scalars that are kept from step to step, in addition to the slots.
    pub scalars: &'static [Scalar],
    /// The scope of each of these scalars.
    pub scope: Scope,
    /// The average to be evaluated, if the parameter is a mixture that contains it.
    pub(crate) evaluation: Option<Evaluation>,
    /// Parameters that follow another rule.
    pub(crate) route: Option<Route>,
    /// The algorithm with its switches set; an error for a combination without a meaning.
    pub(crate) make: Make,
}

/// A parameter `y = (1 - b) z + b x` of which the average `x` is to be evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation {
    /// Name of the state that holds `z`.
    pub(crate) slot: &'static str,
    /// The share of the average, `b`.
    pub(crate) share: fn(&Values) -> f64,
}

/// How an algorithm is made from its hyperparameters.
pub(crate) type Make = fn(&Values) -> Result<Box<dyn Kernel>>;

/// A second rule for some parameters of an algorithm.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// Name of the rule that they follow.
    pub(crate) rule: &'static str,
    /// A description of these parameters.
    pub(crate) which: &'static str,
    /// Whether a parameter with this name and shape follows it.
    pub(crate) takes: fn(&Values, &str, &[usize]) -> bool,
    /// Position of its own weight decay in the algorithm's table, if it has one.
    pub(crate) decay: Option<usize>,
    /// Position of the factor of its learning rate, if it has one.
    pub(crate) rate: Option<usize>,
    /// The update of that rule.
    pub(crate) formula: fn(&mut Formula<'_>),
    /// That rule.
    pub(crate) make: Make,
}

impl Algorithm {
    /// The values that most algorithms share.
    pub(crate) const BASE: Algorithm = Algorithm {
        name: "",
        class_name: "",
        summary: "",
        formula: |_| {},
        source: "",
        hypers: &[],
        defaults: &[],
        layerwise: false,
        matrix: false,
        scalars: &[],
        scope: Scope::Group,
        evaluation: None,
        route: None,
        make: |_| Err(Error::new(Kind::Hyperparameter, "an algorithm without a rule")),
    };

    /// The update with these hyperparameters, in the grammar of [`Formula`].
    pub fn formula(&self, values: &Values) -> String {
        let decay = self.weight_decay(values, false);
        self.formula_of_parameter(values, false, decay != 0.0, true)
    }

    /// The update of the parameters that follow another rule, if there are any.
    pub fn routed_formula(&self, values: &Values) -> Option<String> {
        self.route?;
        let decay = self.weight_decay(values, true);
        Some(self.formula_of_parameter(values, true, decay != 0.0, true))
    }

    /// The update of a parameter: whether it is `routed` to the other rule, whether it `decays`, and whether
    /// a layer-wise rule `adapts` its step.
    pub(crate) fn formula_of_parameter(
        &self,
        values: &Values,
        routed: bool,
        decays: bool,
        adapts: bool,
    ) -> String {
        let route = self.route.filter(|_| routed);
        let own = route.and_then(|route| route.decay);
        let name = own.map_or("weight_decay", |position| self.hypers[position].name);
        let mut formula = Formula::new(values, decays.then_some(name), adapts);
        formula.start_slow();
        formula.gradient();
        route.map_or(self.formula, |route| route.formula)(&mut formula);
        formula.synchronize();
        formula.text()
    }

    fn weight_decay(&self, values: &Values, routed: bool) -> f64 {
        let own = self.route.filter(|_| routed).and_then(|route| route.decay);
        own.map_or_else(
            || values.shared_number(shared::WEIGHT_DECAY).unwrap_or(0.0),
            |position| values.number(position),
        )
    }

    /// The parameters that follow another rule, in words, if there are any.
    pub fn routed(&self) -> Option<&'static str> {
        self.route.map(|route| route.which)
    }

    /// Its hyperparameters at their defaults.
    pub fn defaults(&self) -> Values {
        Values::defaults(self.hypers, self.defaults)
    }
}
