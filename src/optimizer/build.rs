//! The parts of an optimizer that depend on its parameters: state, plans and sums.

use super::groups::Group;
use super::overrides::Override;
use super::plans::{Plans, Work};
use crate::algorithm::{Algorithm, Route};
use crate::engine::buffers::Tensor;
use crate::engine::centralize::Centralize;
use crate::engine::factored::FactoredMoments;
use crate::engine::partial_sums::{Chunks, PartialSums};
use crate::engine::plan::useful_threads;
use crate::engine::queue::WorkQueue;
use crate::engine::row_coefficients::RowCoefficients;
use crate::engine::state::{Array, Extras, Needs, State};
use crate::engine::threads::num_threads;
use crate::error::{Error, Kind, Result};
use crate::hash::hash_name;
use crate::hyper::{Value, Values, shared};
use crate::kernel::storage::StateDtype;
use crate::kernel::{Kernel, Passes};
use crate::rule::{Between, Derived, Initial, MAX_SCALARS, Scalars, Scope, Slot, Start};
use std::cell::RefCell;

/// The parts of an optimizer that depend on its parameters.
pub(super) struct Built {
    pub(super) names: Vec<String>,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) lengths: Vec<usize>,
    pub(super) groups: Vec<Group>,
    /// The algorithm's own rule, then the rule that some parameters follow instead.
    pub(super) kernels: Vec<Box<dyn Kernel>>,
    pub(super) rules: Vec<&'static str>,
    route: Option<Route>,
    pub(super) state: State,
    /// Whether the states that start as the parameter have done so.
    pub(super) started: bool,
    pub(super) scope: Scope,
    pub(super) scalars: Vec<Scalars>,
    pub(super) centralize: Option<Centralize>,
    pub(super) factored: Option<FactoredMoments>,
    pub(super) rows: Option<RowCoefficients>,
    /// Chunks of all tensors.
    pub(super) chunks: usize,
    /// The sums of the last step.
    pub(super) sums: PartialSums,
    /// Whether these sums are valid.
    pub(super) has_sums: bool,
    /// The sums for the norms of gradients; empty until they are needed.
    pub(super) gradient_sums: PartialSums,
    pub(super) plans: Plans,
    pub(super) queue: RefCell<WorkQueue>,
}

impl Built {
    /// Groups, rules and state for parameters of these names and shapes.
    pub(super) fn new(
        algorithm: &Algorithm,
        values: &Values,
        parameters: &[(&str, &[usize])],
        overrides: &[Vec<Override>],
    ) -> Result<Built> {
        let mut kernels = vec![(algorithm.make)(values)?];
        let mut rules = vec![algorithm.name];
        if let Some(route) = algorithm.route {
            kernels.push((route.make)(values)?);
            rules.push(route.rule);
        }
        let dtype = StateDtype::named(values.shared_text(shared::STATE_DTYPE));
        let least =
            if values.shared(shared::GRADIENT_CENTRALIZATION) == Value::Text("conv_only") { 4 } else { 2 };
        let centralizes = values.shared(shared::GRADIENT_CENTRALIZATION) != Value::Bool(false);
        let mut groups: Vec<Group> = Vec::new();
        let (mut tensors, mut needs) = (Vec::new(), Vec::new());
        let (mut centralized, mut by_rows) = (Vec::new(), Vec::new());
        let mut chunks = 0;
        for (i, &(name, shape)) in parameters.iter().enumerate() {
            let len = size(name, shape)?;
            let own = overrides.get(i).map_or(&[][..], Vec::as_slice);
            let here = |o: &&Override| !matches!(o, Override::Trainable(_) | Override::Routed(_));
            let kept: Vec<Override> = own.iter().filter(here).cloned().collect();
            let group = match groups.iter().position(|group| group.overrides == kept) {
                Some(group) => group,
                None => {
                    let group = Group::new(values, &kept).map_err(|e| of_override(name, e))?;
                    group.check_effects().map_err(|e| of_override(name, e))?;
                    groups.push(group);
                    groups.len() - 1
                }
            };
            let routed = own.contains(&Override::Routed(false));
            let elsewhere = algorithm.route.is_some_and(|r| routed || (r.takes)(values, name, shape));
            let kernel = usize::from(elsewhere);
            let rule = &kernels[kernel];
            if !kept.is_empty() {
                let make = algorithm.route.filter(|_| elsewhere).map_or(algorithm.make, |route| route.make);
                let alone = make(&groups[group].values).map_err(|e| of_override(name, e))?;
                if alone.slots().len() > rule.slots().len() {
                    return Err(of_override(name, needs_state(&kept)));
                }
            }
            let tensor = Tensor {
                len,
                group: (!own.contains(&Override::Trainable(false))).then_some(group),
                kernel,
                storage: dtype.for_size(len),
                hash: hash_name(name),
                chunks: Chunks::new(chunks, len),
                follows: false,
            };
            needs.push(Needs { len, storage: tensor.storage, slots: rule.slots(), shape });
            centralized.push(centralizes && shape.len() >= least);
            by_rows.push(rule.between() == Between::Rows);
            chunks += tensor.chunks.count;
            tensors.push(tensor);
        }
        let sync = values.shared(shared::SYNC_PERIOD) != Value::None;
        let extras = Extras {
            average: values.shared(shared::USE_EMA) == Value::Bool(true),
            accumulated: values.shared(shared::GRADIENT_ACCUMULATION_STEPS) != Value::None,
            slow: sync,
            slow_momentum: sync && values.shared_text(shared::PULLBACK_MOMENTUM) == "pullback",
        };
        let shapes: Vec<Vec<usize>> = parameters.iter().map(|(_, shape)| shape.to_vec()).collect();
        let slots: Vec<&[Slot]> = needs.iter().map(|needs| needs.slots).collect();
        let lengths: Vec<usize> = tensors.iter().map(|t| t.len).collect();
        let scopes = match (algorithm.scalars.len(), algorithm.scope) {
            (0, _) => 0,
            (_, Scope::Group) => groups.len(),
            (_, Scope::Parameter) => tensors.len(),
            (_, Scope::All) => 1,
        };
        let mut built = Built {
            names: parameters.iter().map(|(name, _)| (*name).to_string()).collect(),
            state: State::new(&needs, extras)?,
            centralize: Centralize::new(&shapes, &centralized),
            factored: FactoredMoments::new(&shapes, &slots),
            rows: RowCoefficients::new(&shapes, &by_rows),
            shapes,
            queue: RefCell::default(),
            plans: Plans::default(),
            chunks,
            sums: PartialSums::new(chunks),
            has_sums: false,
            gradient_sums: PartialSums::default(),
            started: false,
            scope: algorithm.scope,
            scalars: vec![Scalars::default(); scopes],
            tensors,
            lengths,
            groups,
            kernels,
            rules,
            route: algorithm.route,
        };
        for i in 1..built.tensors.len() {
            built.tensors[i].follows = built.follows(i);
        }
        built.fill_initial(algorithm, values);
        built.plan(num_threads())?;
        Ok(built)
    }

    /// Whether a tensor may be updated in one tile with the one before.
    fn follows(&self, tensor: usize) -> bool {
        let [before, own] = &self.tensors[tensor - 1..=tensor] else { return false };
        let kernel = &self.kernels[own.kernel];
        let alike = (before.group, before.kernel, before.storage) == (own.group, own.kernel, own.storage);
        let slots = 0..kernel.slots().len();
        alike
            && own.group.is_some()
            && kernel.passes() == Passes::OnePass
            && slots.into_iter().all(|k| self.state.follow(tensor - 1, tensor, k, before.len))
    }

    /// Gives the states and scalars that do not start at zero their first value.
    pub(super) fn fill_initial(&mut self, algorithm: &Algorithm, values: &Values) {
        for i in 0..self.tensors.len() {
            for (k, slot) in self.kernels[self.tensors[i].kernel].slots().iter().enumerate() {
                if let (Initial::Hyper(position), Some(array)) =
                    (slot.initial, self.state.tensors[i].slots[k])
                {
                    let x = values.number(position) as f32;
                    let x = if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x };
                    self.state.fill(&array, self.lengths[i], self.tensors[i].storage.block(), x);
                }
            }
        }
        for (i, scalars) in self.scalars.iter_mut().enumerate() {
            let values = match self.scope {
                Scope::Group => &self.groups[i].values,
                _ => values,
            };
            debug_assert!(algorithm.scalars.len() <= MAX_SCALARS);
            for (scalar, x) in algorithm.scalars.iter().zip(scalars) {
                *x = match scalar.initial {
                    Start::At(x) => x,
                    Start::Hyper(position) => values.number(position),
                };
            }
        }
        self.started = false;
    }

    /// Copies each parameter into the states that start as its copy, if that was not done yet.
    ///
    /// # Safety
    ///
    /// Every pointer is valid for reading as many elements as its parameter has.
    pub(super) unsafe fn start(&mut self, params: &[*mut f32]) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for (i, &p) in params.iter().enumerate() {
            for array in self.copies(i) {
                // SAFETY: guaranteed by the caller.
                let values = unsafe { std::slice::from_raw_parts(p, self.lengths[i]) };
                for (to, &x) in self.state.write(&array, values.len()).iter_mut().zip(values) {
                    *to = if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x };
                }
            }
        }
    }

    /// The arrays of a tensor that start as copies of it.
    fn copies(&self, tensor: usize) -> Vec<Array> {
        let arrays = &self.state.tensors[tensor];
        let slots = self.kernels[self.tensors[tensor].kernel].slots().iter().zip(&arrays.slots);
        let starting = slots.filter(|(slot, _)| slot.initial == Initial::Parameter);
        starting.filter_map(|(_, array)| *array).chain(arrays.average).chain(arrays.slow).collect()
    }

    /// The named arrays of a tensor, and their shapes.
    pub(super) fn arrays(&self, tensor: usize) -> Vec<(&'static str, Array, Vec<usize>)> {
        let arrays = &self.state.tensors[tensor];
        let shape = &self.shapes[tensor];
        let slots = self.kernels[self.tensors[tensor].kernel].slots().iter().zip(&arrays.slots);
        let mut named: Vec<_> = slots
            .filter_map(|(slot, array)| array.map(|a| (slot.name, a)))
            .chain(arrays.average.map(|a| ("average", a)))
            .chain(arrays.slow.map(|a| ("slow", a)))
            .chain(arrays.slow_momentum.map(|a| ("slow_momentum", a)))
            .chain(arrays.accumulated.map(|a| ("gradient_accumulator", a)))
            .map(|(name, array)| (name, array, shape.clone()))
            .collect();
        let kernel = &self.kernels[self.tensors[tensor].kernel];
        for (slot, factors) in kernel.slots().iter().zip(arrays.factored) {
            if let (Some(Derived::Factored { names, .. }), Some(arrays)) = (slot.derived, factors) {
                named.extend(
                    names.into_iter().zip(arrays).zip(factor_shapes(shape)).map(|((n, a), s)| (n, a, s)),
                );
            }
        }
        named
    }

    /// Makes the plans for this number of threads, if they do not exist yet.
    pub(super) fn plan(&mut self, available: usize) -> Result<()> {
        let threads = useful_threads(self.lengths.iter().sum(), available);
        if self.plans.threads == threads {
            return Ok(());
        }
        let between: Vec<_> =
            self.tensors.iter().map(|tensor| self.kernels[tensor.kernel].between()).collect();
        let passes: Vec<_> = self.kernels.iter().map(|kernel| kernel.passes()).collect();
        let bands = |k: usize| self.factored.as_ref().map_or(&[][..], |factored| &factored.bands[k]);
        let work = Work {
            lengths: &self.lengths,
            passes: &passes,
            between: &between,
            row_means: self.centralize.as_ref().map_or(&[], |centralize| &centralize.rows.items),
            row_sums: self.rows.as_ref().map_or(&[], |rows| &rows.rows.items),
            bands: [bands(0), bands(1)],
        };
        self.plans.plan(&work, threads)
    }

    /// The weight decay of a tensor, according to the rule that it follows; none if it has none.
    pub(super) fn decay_of(&self, tensor: usize, group: &Group) -> Option<f64> {
        let routed = self.route.filter(|_| self.tensors[tensor].kernel > 0).and_then(|route| route.decay);
        match (group.decay, routed) {
            (Some(decay), _) => decay,
            (None, Some(position)) => Some(group.values.number(position)),
            (None, None) => group.values.shared_number(shared::WEIGHT_DECAY),
        }
    }

    /// The factor of a tensor's learning rate, according to the rule that it follows.
    pub(super) fn rate_factor(&self, tensor: usize, group: &Group) -> f64 {
        let routed = self.route.filter(|_| self.tensors[tensor].kernel > 0).and_then(|route| route.rate);
        routed.map_or(1.0, |position| group.values.number(position))
    }
}

/// Shapes of the row and column moments of a tensor of this shape.
fn factor_shapes(shape: &[usize]) -> [Vec<usize>; 2] {
    let mut shapes = [shape.to_vec(), shape.to_vec()];
    let axes = shape.len();
    shapes[0].remove(axes - 1);
    shapes[1].remove(axes - 2);
    shapes
}

/// An error about the override for a parameter.
fn of_override(parameter: &str, error: Error) -> Error {
    Error::new(error.kind, format!("override for parameter '{parameter}': {}", error.message))
}

/// The error for an override with which a parameter would need more state than the others.
fn needs_state(overrides: &[Override]) -> Error {
    let names: Vec<&str> = overrides.iter().filter_map(Override::hyperparameter).collect();
    let message = format!(
        "{} needs a state that the optimizer is built without; set it in the constructor, and override \
         the parameters that shall not have it",
        names.join(" or ")
    );
    Error::new(Kind::Hyperparameter, message)
}

/// The elements of a parameter.
fn size(name: &str, shape: &[usize]) -> Result<usize> {
    let len = shape.iter().try_fold(1usize, |len, &n| len.checked_mul(n));
    len.filter(|&len| len <= 1 << 40).ok_or_else(|| {
        Error::new(
            Kind::Overflow,
            format!(
                "parameter '{name}' of shape {shape:?} has too many elements; at most 2^40 are supported"
            ),
        )
    })
}
