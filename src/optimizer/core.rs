//! An optimizer: hyperparameters, state and counters of one training run.

use super::build::Built;
use super::groups::Group;
use super::overrides::Override;
use crate::algorithm::Algorithm;
use crate::engine::buffers::Gradient;
use crate::engine::threads::asked_threads;
use crate::error::{Error, Kind, Result};
use crate::hyper::{Domain, Value, Values, shared};
use crate::powers::Powers;
use crate::registry;
use crate::simd::Isa;

/// A gradient as a slice, as long as its parameter.
#[derive(Clone, Copy, Debug)]
pub enum GradientSlice<'a> {
    /// No gradient: the parameter is not changed.
    None,
    /// IEEE single precision.
    Float32(&'a [f32]),
    /// bfloat16 bits.
    Bfloat16(&'a [u16]),
    /// IEEE half bits.
    Float16(&'a [u16]),
}

/// Learning rates of the updates so far, before overrides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Of the first update, if there was one.
    pub first: Option<f64>,
    /// The largest.
    pub largest: f64,
    /// Of the last update, if it is known.
    pub last: Option<f64>,
}

/// An optimizer. See the crate's example.
pub struct Optimizer {
    pub(super) algorithm: &'static Algorithm,
    pub(super) values: Values,
    pub(super) built: Option<Built>,
    pub(super) powers: Powers,
    pub(super) isa: Isa,
    pub(super) iterations: u64,
    pub(super) calls: u64,
    pub(super) skipped: u64,
    pub(super) last_skip: Option<String>,
    pub(super) gradient_norm: Option<f64>,
    pub(super) rates: Rates,
}

impl Optimizer {
    /// The algorithm called `name` at its defaults.
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn new(name: &str) -> Result<Optimizer> {
        let algorithm = registry::named(name)?;
        Ok(Optimizer::with(algorithm, algorithm.defaults(), Isa::best()))
    }

    fn with(algorithm: &'static Algorithm, values: Values, isa: Isa) -> Optimizer {
        Optimizer {
            algorithm,
            values,
            built: None,
            powers: Powers::default(),
            isa,
            iterations: 0,
            calls: 0,
            skipped: 0,
            last_skip: None,
            gradient_norm: None,
            rates: Rates::default(),
        }
    }

    /// The row of the registry.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }

    /// Runs on this SIMD level.
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    /// The hyperparameters.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Updates done.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Calls of `apply` that were not skipped.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Calls skipped for a non-finite gradient.
    pub fn skipped_steps(&self) -> u64 {
        self.skipped
    }

    /// Why the last skipped call was skipped.
    pub fn last_skip(&self) -> Option<&str> {
        self.last_skip.as_deref()
    }

    /// L2 norm of all gradients of the last update, where a norm clip or a check computed it.
    pub fn gradient_norm(&self) -> Option<f64> {
        self.gradient_norm
    }

    /// Learning rates of the updates so far.
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// An error unless a hyperparameter may have this value.
    ///
    /// # Errors
    ///
    /// An unknown name, or a value out of range.
    pub fn check_value(&self, name: &str, value: Value) -> Result<()> {
        self.values.find(name)?.1.check(value).map(|_| ())
    }

    /// Whether [`Optimizer::build`] was called.
    pub fn is_built(&self) -> bool {
        self.built.is_some()
    }

    /// Names of the parameters.
    pub fn names(&self) -> &[String] {
        self.built.as_ref().map_or(&[], |b| &b.names)
    }

    /// Elements of all parameters.
    pub fn elements(&self) -> usize {
        self.built.as_ref().map_or(0, |b| b.lengths.iter().sum())
    }

    /// Sets a hyperparameter: before `build` any, afterwards only those that may change between steps.
    ///
    /// # Errors
    ///
    /// An unknown name, a value out of range, a combination that is refused, or a switch that is
    /// fixed after `build`; then nothing is changed.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        self.configure([(name, value)])
    }

    /// Sets several hyperparameters that may only be legal together.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::set`].
    pub fn configure<'a>(&mut self, settings: impl IntoIterator<Item = (&'a str, Value)>) -> Result<()> {
        let settings: Vec<(&str, Value)> = settings.into_iter().collect();
        let names: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
        // After `build`, an option may be turned off although others have no effect without it.
        let only = self.built.is_some().then_some(&names[..]);
        self.change(&settings, |values| values.check_effects(only))
    }

    /// Sets several hyperparameters after `check` has accepted the new values.
    fn change(
        &mut self,
        settings: &[(&str, Value)],
        check: impl FnOnce(&Values) -> Result<()>,
    ) -> Result<()> {
        let mut values = self.values.clone();
        for &(name, value) in settings {
            let (_, hyper) = values.find(name)?;
            if self.built.is_some() && !hyper.dynamic {
                return Err(Error::new(
                    Kind::Hyperparameter,
                    format!("{name} is fixed once the optimizer is built; set it in the constructor"),
                ));
            }
            values.set(name, value)?;
        }
        values.check()?;
        check(&values)?;
        let slots = (self.algorithm.make)(&values)?.slots().len();
        if let Some(built) = &mut self.built {
            if slots > built.kernels[0].slots().len() {
                return Err(Error::new(
                    Kind::Hyperparameter,
                    "this value needs a state that the optimizer was built without; set it in the constructor",
                ));
            }
            let groups: Result<Vec<Group>> =
                built.groups.iter().map(|group| Group::new(&values, &group.overrides)).collect();
            built.groups = groups?;
        }
        self.values = values;
        Ok(())
    }

    /// Sets a number that a schedule or callable computed. The groups derive their learning rates from
    /// the new one.
    pub fn set_moving(&mut self, name: &str, x: f64) -> Result<()> {
        if name == self.algorithm.hypers[0].name {
            return self.values.set(name, Value::Number(x));
        }
        self.change(&[(name, Value::Number(x))], |_| Ok(()))
    }

    /// Prepares for a hyperparameter that [`Optimizer::set_moving`] will set: a decay rate that is 0
    /// gets another value before `build`, since it needs its state from the start.
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn will_move(&mut self, name: &str) -> Result<()> {
        let (position, hyper) = self.values.find(name)?;
        if self.built.is_none() && hyper.domain == Domain::Unit && self.values.number(position) == 0.0 {
            self.change(&[(hyper.name, Value::Number(0.5))], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Sets the hyperparameters that have no effect to their defaults, and returns their names.
    pub fn drop_without_effect(&mut self) -> Vec<&'static str> {
        self.values.drop_without_effect()
    }

    /// Sets several hyperparameters, those without effect included.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::set`].
    pub fn configure_leniently(&mut self, settings: &[(&str, Value)]) -> Result<()> {
        self.change(settings, |_| Ok(()))
    }

    /// Whether the next call is the last one of its accumulation window, and so an update.
    pub fn next_call_updates(&self) -> bool {
        self.next_update_call() == self.calls
    }

    /// The number, from 0, of the next call that updates.
    pub fn next_update_call(&self) -> u64 {
        let window = self.values.shared_integer(shared::GRADIENT_ACCUMULATION_STEPS).unwrap_or(1);
        (self.calls / window + 1).saturating_mul(window) - 1
    }

    /// The same optimizer before `build`: hyperparameters only.
    pub fn unbuilt(&self) -> Optimizer {
        Optimizer::with(self.algorithm, self.values.clone(), self.isa)
    }

    /// Binds names and lengths of the parameters, all of one axis, and allocates the state.
    ///
    /// # Errors
    ///
    /// A second call, hyperparameters that cannot be combined, no memory, or an environment variable
    /// `LAMB_RS_NUM_THREADS` that is not a number of threads.
    pub fn build(&mut self, parameters: &[(&str, usize)]) -> Result<()> {
        let shapes: Vec<[usize; 1]> = parameters.iter().map(|&(_, len)| [len]).collect();
        let named = parameters.iter().zip(&shapes).map(|(&(name, _), shape)| (name, &shape[..]));
        self.build_with(&named.collect::<Vec<_>>(), &[])
    }

    /// [`Optimizer::build`] with shapes and overrides: one list of overrides for each parameter, or none
    /// at all.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::build`], and for an override that is not legal.
    pub fn build_with(&mut self, parameters: &[(&str, &[usize])], overrides: &[Vec<Override>]) -> Result<()> {
        if self.built.is_some() {
            return Err(Error::new(
                Kind::ParameterSet,
                "the optimizer is built already; make a new one for other parameters",
            ));
        }
        asked_threads()?;
        self.values.check()?;
        self.built = Some(Built::new(self.algorithm, &self.values, parameters, overrides)?);
        Ok(())
    }

    pub(super) fn built(&self) -> Result<&Built> {
        self.built.as_ref().ok_or_else(not_built)
    }

    /// One call: an update, or an accumulation. Returns whether the parameters were updated.
    ///
    /// # Errors
    ///
    /// Wrong numbers or lengths of slices, or a non-finite gradient if that is an error. Nothing is
    /// changed then.
    pub fn apply(&mut self, params: &mut [&mut [f32]], gradients: &[GradientSlice<'_>]) -> Result<bool> {
        let built = self.built()?;
        if params.len() != built.tensors.len() || gradients.len() != built.tensors.len() {
            return Err(Error::new(
                Kind::ParameterSet,
                format!(
                    "{} parameters are bound; got {} and {} gradients",
                    built.tensors.len(),
                    params.len(),
                    gradients.len()
                ),
            ));
        }
        let mut raw = Vec::with_capacity(gradients.len());
        for (i, gradient) in gradients.iter().enumerate() {
            let (len, gradient) = match gradient {
                GradientSlice::None => (built.lengths[i], Gradient::None),
                GradientSlice::Float32(g) => (g.len(), Gradient::Float32(g.as_ptr())),
                GradientSlice::Bfloat16(g) => (g.len(), Gradient::Bfloat16(g.as_ptr())),
                GradientSlice::Float16(g) => (g.len(), Gradient::Float16(g.as_ptr())),
            };
            if len != built.lengths[i] || params[i].len() != built.lengths[i] {
                return Err(Error::new(
                    Kind::Shape,
                    format!(
                        "parameter '{}' was built with {} elements; got {} and a gradient of {len}",
                        built.names[i],
                        built.lengths[i],
                        params[i].len()
                    ),
                ));
            }
            raw.push(gradient);
        }
        let params: Vec<*mut f32> = params.iter_mut().map(|p| p.as_mut_ptr()).collect();
        // SAFETY: the slices have the lengths that were built, and are borrowed for the call.
        unsafe { self.apply_raw(&params, &raw) }
    }
}

pub(super) fn not_built() -> Error {
    Error::new(
        Kind::NotBuilt,
        "the optimizer is not built; call build(params) first, or apply(grads, params)",
    )
}
