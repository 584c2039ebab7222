//! An optimizer: hyperparameters, state and counters of one training run.

mod built;
mod group;
mod state;

use self::built::{Built, Finite, SWEEPS, room};
use self::group::Group;
use crate::engine::fpenv::DefaultMode;
use crate::engine::kernels::MAX_SUMS;
use crate::engine::memory::Block;
use crate::engine::plan::Plan;
use crate::engine::pool::{self, Board, num_threads};
use crate::engine::stages::{Average, Prepare};
use crate::engine::state::{Extras, State};
use crate::engine::storage::{Format, StateDtype};
use crate::engine::sweep::{Gradient, Sweep, Task, Tensor};
use crate::error::{Error, Kind, Result};
use crate::hyper::{Value, Values, shared};
use crate::registry::Algorithm;
use crate::rule::Step;
use crate::scalars::{Powers, hash_name, mix};
use crate::simd::Isa;
use std::sync::atomic::Ordering;

/// What differs for one parameter.
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
}

/// A gradient as a slice, as long as its parameter.
#[derive(Clone, Copy, Debug)]
pub enum GradientSlice<'a> {
    /// The parameter is left alone.
    None,
    /// IEEE single precision.
    Float32(&'a [f32]),
    /// bfloat16 bits.
    Bfloat16(&'a [u16]),
    /// IEEE half bits.
    Float16(&'a [u16]),
}

/// What `explain` tells about a parameter.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name.
    pub name: String,
    /// Number of elements.
    pub len: usize,
    /// Learning rate of the next update.
    pub learning_rate: f64,
    /// Weight decay, if any.
    pub weight_decay: Option<f64>,
    /// Whether the trust ratio applies; none for rules without one.
    pub layer_adaptation: Option<bool>,
    /// Whether it is updated.
    pub trainable: bool,
    /// Bytes of state.
    pub state_bytes: usize,
    /// Names and formats of its states.
    pub slots: Vec<(&'static str, Format)>,
}

/// One array of the state.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `"<parameter>/<slot>"`, with `_scale` behind it for the scales of 8-bit states.
    pub key: String,
    /// Index of the parameter.
    pub tensor: usize,
    /// Format of the elements; none for scales, which are bytes.
    pub format: Option<Format>,
    /// Where the bytes are.
    place: std::ops::Range<usize>,
}

/// An optimizer. See the crate's example.
pub struct Optimizer {
    algorithm: &'static Algorithm,
    values: Values,
    built: Option<Built>,
    powers: Powers,
    isa: Isa,
    iterations: u64,
    calls: u64,
    skipped: u64,
    last_skip: Option<String>,
    gradient_norm: Option<f64>,
    /// First and largest learning rate so far.
    first_rate: Option<f64>,
    largest_rate: f64,
}

impl Optimizer {
    /// The algorithm called `name` at its defaults.
    ///
    /// # Errors
    ///
    /// An unknown name.
    pub fn new(name: &str) -> Result<Optimizer> {
        let algorithm = Algorithm::named(name)?;
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
            first_rate: None,
            largest_rate: 0.0,
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

    /// Sets a hyperparameter; before `build` any of them, afterwards those that move.
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
        let mut values = self.values.clone();
        for (name, value) in settings {
            let (_, hyper) = values.find(name)?;
            if self.built.is_some() && !hyper.moves {
                return Err(Error::new(
                    Kind::Hyperparameter,
                    format!("{name} is fixed once the optimizer is built; set it in the constructor"),
                ));
            }
            values.set(name, value)?;
        }
        values.check()?;
        let slots = (self.algorithm.make)(&values)?.slots().len();
        if let Some(built) = &mut self.built {
            if slots > built.stepper.slots().len() {
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

    /// Sets a number that a schedule or callable computed; the learning rate without touching the
    /// groups, which derive theirs from it.
    pub fn set_moving(&mut self, name: &str, x: f64) -> Result<()> {
        if name == self.algorithm.hypers[0].name {
            return self.values.set(name, Value::Number(x));
        }
        self.set(name, Value::Number(x))
    }

    /// Whether the next call closes its window, hence updates.
    pub fn next_call_updates(&self) -> bool {
        let window = self.values.shared_number(shared::ACCUMULATION).unwrap_or(1.0);
        (self.calls + 1).is_multiple_of(window as u64)
    }

    /// The same optimizer before `build`: hyperparameters only.
    pub fn unbuilt(&self) -> Optimizer {
        Optimizer::with(self.algorithm, self.values.clone(), self.isa)
    }

    /// Binds names and lengths of the parameters and allocates the state.
    ///
    /// # Errors
    ///
    /// A second call, hyperparameters that do not go together, or no memory.
    pub fn build(&mut self, parameters: &[(&str, usize)]) -> Result<()> {
        self.build_with(parameters, &[])
    }

    /// [`Optimizer::build`] with what differs for some parameters: one list for each, or none.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::build`], and for an override that is not legal.
    pub fn build_with(&mut self, parameters: &[(&str, usize)], overrides: &[Vec<Override>]) -> Result<()> {
        if self.built.is_some() {
            return Err(Error::new(
                Kind::ParameterSet,
                "the optimizer is built already; make a new one for other parameters",
            ));
        }
        if let Some((name, len)) = parameters.iter().find(|(_, len)| *len > 1 << 40) {
            return Err(Error::new(
                Kind::Overflow,
                format!("parameter '{name}' has {len} elements; at most 2^40 are supported"),
            ));
        }
        self.values.check()?;
        let stepper = (self.algorithm.make)(&self.values)?;
        let dtype = StateDtype::named(self.values.shared_text(shared::STATE_DTYPE));
        let mut groups: Vec<Group> = Vec::new();
        let mut tensors = Vec::with_capacity(parameters.len());
        let mut first_chunk = 0;
        for (i, &(name, len)) in parameters.iter().enumerate() {
            let own = overrides.get(i).map_or(&[][..], Vec::as_slice);
            let trainable = !own.contains(&Override::Trainable(false));
            let own: Vec<Override> =
                own.iter().filter(|o| !matches!(o, Override::Trainable(_))).cloned().collect();
            let group = match groups.iter().position(|group| group.overrides == own) {
                Some(group) => group,
                None => {
                    groups.push(Group::new(&self.values, &own).map_err(|e| {
                        Error::new(e.kind, format!("override for parameter '{name}': {}", e.message))
                    })?);
                    groups.len() - 1
                }
            };
            let tensor = Tensor {
                len,
                group: trainable.then_some(group),
                storage: dtype.for_size(len),
                hash: hash_name(name),
                first_chunk,
            };
            first_chunk += tensor.chunks();
            tensors.push(tensor);
        }
        let extras = Extras {
            average: self.values.shared(shared::USE_EMA) == Value::Bool(true),
            accumulated: self.values.shared(shared::ACCUMULATION) != Value::None,
        };
        let lengths: Vec<usize> = tensors.iter().map(|t| t.len).collect();
        let sizes: Vec<(usize, StateDtype)> = tensors.iter().map(|t| (t.len, t.storage)).collect();
        let mut built = Built {
            names: parameters.iter().map(|(name, _)| (*name).to_string()).collect(),
            state: State::new(&sizes, stepper.slots(), extras)?,
            step_plan: Plan::single(&[], 1),
            flat_plan: Plan::single(&[], 1),
            board: Board::default(),
            scratch: Block::zeroed(0)?,
            partials: room(first_chunk * MAX_SUMS),
            norm_partials: Vec::new(),
            factors: Vec::new(),
            measured: false,
            tensors,
            lengths,
            groups,
            stepper,
        };
        built.fill_initial(&self.values);
        built.plan(num_threads())?;
        self.built = Some(built);
        Ok(())
    }

    fn built(&self) -> Result<&Built> {
        self.built.as_ref().ok_or_else(not_built)
    }

    /// One call: an update, or an accumulation. Returns whether the parameters were updated.
    ///
    /// # Errors
    ///
    /// Wrong numbers or lengths of slices, a non-finite gradient where that is an error. Nothing
    /// was changed then.
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

    /// [`Optimizer::apply`] over raw memory.
    ///
    /// # Safety
    ///
    /// Every pointer is valid for as many elements as its parameter was built with, aligned, and
    /// no parameter overlaps another one or a gradient. Nobody else writes to any of it.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::apply`].
    pub unsafe fn apply_raw(&mut self, params: &[*mut f32], gradients: &[Gradient]) -> Result<bool> {
        // The scalars of the step are computed in the default mode too.
        let _mode = DefaultMode::enter();
        let built = self.built()?;
        debug_assert_eq!(params.len(), built.tensors.len());
        if gradients.iter().all(|g| matches!(g, Gradient::None)) && !gradients.is_empty() {
            return Err(Error::new(
                Kind::ParameterSet,
                "every gradient is None; pass at least one, or do not call apply",
            ));
        }
        if self.calls >= i64::MAX as u64 {
            return Err(Error::new(Kind::Overflow, "the step counter can grow no further"));
        }
        let window = self.values.shared_number(shared::ACCUMULATION).unwrap_or(1.0);
        let updates = self.next_call_updates();
        let mut prepare = self.preparation();
        let threads = num_threads();
        let built = self.built.as_mut().ok_or_else(not_built)?;
        built.plan(threads)?;

        let clip = Clip::of(&self.values);
        let policy = self.values.shared_text(shared::NONFINITE);
        let checks = matches!(policy, "raise" | "skip") || policy == "auto" && clip.needs_norms();
        built.factors.clear();
        if checks || updates && clip.needs_norms() {
            let norms = built.norms(self.isa, params, gradients, prepare, window != 1.0);
            if checks && let Finite::No(message) = built.finite(&norms, gradients) {
                if policy != "skip" {
                    return Err(Error::new(Kind::NonFinite, message));
                }
                self.skipped += 1;
                self.last_skip = Some(message);
                return Ok(false);
            }
            if updates {
                let total = norms.iter().map(|x| x * x).sum::<f64>().sqrt() / window;
                self.gradient_norm = Some(total);
                match clip {
                    Clip::Each(limit) => {
                        let factor = |norm: f64| limit / (norm / window).max(limit);
                        built.factors.extend(norms.iter().map(|&x| (factor(x) / window) as f32));
                    }
                    Clip::Global(limit) => {
                        // A norm that is not finite makes every gradient NaN, as in Keras.
                        let factor = if total.is_finite() { limit / total.max(limit) } else { f64::NAN };
                        built.factors.resize(norms.len(), (factor / window) as f32);
                    }
                    Clip::None => {}
                }
            }
        }
        if built.factors.is_empty() && window != 1.0 {
            prepare.factor = (1.0 / window) as f32;
        }
        let average = self.average(updates);
        let built = self.built.as_mut().ok_or_else(not_built)?;
        let task = if updates {
            let base = match self.values.own(0) {
                Value::Number(x) => x,
                _ => 0.0,
            };
            self.first_rate.get_or_insert(base);
            self.largest_rate = self.largest_rate.max(base);
            for (i, group) in built.groups.iter().enumerate() {
                let mut step = Step {
                    values: &group.values,
                    t: self.iterations + 1,
                    learning_rate: group.learning_rate(base),
                    largest_rate: self.largest_rate,
                    first_rate: self.first_rate.unwrap_or(base),
                    adapt: group.adapt,
                    powers: &mut self.powers,
                };
                built.stepper.prepare(i, &mut step);
            }
            built.measured = true;
            let seed = self.values.shared_number(shared::SEED).unwrap_or(0.0) as u64;
            Task::Step {
                stepper: &*built.stepper,
                average,
                nearest: self.values.shared_text(shared::STATE_ROUNDING) == "nearest",
                key: mix(seed ^ mix(self.iterations + 1)),
            }
        } else {
            Task::Accumulate { average }
        };
        let plan = if updates { &built.step_plan } else { &built.flat_plan };
        let sweep = Sweep {
            task,
            isa: self.isa,
            tensors: &built.tensors,
            params,
            gradients,
            prepare,
            factors: &built.factors,
            accumulated: window != 1.0,
            state: &built.state,
            partials: &built.partials,
            scratch: built.scratch.as_ptr().cast(),
            id: SWEEPS.fetch_add(1, Ordering::Relaxed),
        };
        pool::run(plan, &mut built.board, &|stage, item| sweep.run(stage, item));
        self.calls += 1;
        self.iterations += u64::from(updates);
        Ok(updates)
    }

    /// What is done to every gradient, norm clips aside.
    fn preparation(&self) -> Prepare {
        let mut prepare = Prepare::NOTHING;
        if let Some(scale) = self.values.shared_number(shared::LOSS_SCALE) {
            prepare.unscale = (1.0 / scale) as f32;
        }
        if self.values.shared(shared::MAXIMIZE) == Value::Bool(true) {
            prepare.unscale = -prepare.unscale;
        }
        if let Some(limit) = self.values.shared_number(shared::CLIPVALUE) {
            prepare.limit = limit as f32;
        }
        prepare
    }

    /// What happens to the average in this call.
    fn average(&self, updates: bool) -> Option<Average> {
        if self.values.shared(shared::USE_EMA) != Value::Bool(true) {
            return None;
        }
        if !updates && self.values.shared_text(shared::EMA_EVERY) == "update" {
            return None;
        }
        let momentum = self.values.shared_number(shared::EMA_MOMENTUM).unwrap_or(0.0);
        let every = self.values.shared_number(shared::EMA_OVERWRITE).map(|f| f as u64);
        Some(Average {
            momentum: if self.iterations == 0 { 0.0 } else { momentum },
            overwrite: every.is_some_and(|f| (self.iterations + 1).is_multiple_of(f)),
        })
    }
}

fn not_built() -> Error {
    Error::new(
        Kind::NotBuilt,
        "the optimizer is not built; call build(params) first, or apply(grads, params)",
    )
}

/// The norm clip that is set.
#[derive(Clone, Copy)]
enum Clip {
    None,
    Each(f64),
    Global(f64),
}

impl Clip {
    fn of(values: &Values) -> Clip {
        match (values.shared_number(shared::CLIPNORM), values.shared_number(shared::GLOBAL_CLIPNORM)) {
            (Some(limit), _) => Clip::Each(limit),
            (_, Some(limit)) => Clip::Global(limit),
            _ => Clip::None,
        }
    }

    fn needs_norms(self) -> bool {
        !matches!(self, Clip::None)
    }
}
