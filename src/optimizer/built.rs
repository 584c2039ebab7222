//! What exists once the parameters are known: state, plans and sums.

use super::Override;
use super::group::Group;
use super::paths::{Detour, Job, Paths};
use crate::engine::kernels::MAX_SUMS;
use crate::engine::pool::{self, Board};
use crate::engine::shaping::{Shaped, Shaping, factor_sizes};
use crate::engine::stages::{Average, Prepare};
use crate::engine::state::{Array, Extras, Needs, State};
use crate::engine::stepper::Stepper;
use crate::engine::storage::StateDtype;
use crate::engine::sweep::{Gradient, Sweep, Task, Tensor, totals};
use crate::error::{Error, Kind, Result};
use crate::hyper::{Value, Values, shared};
use crate::registry::{Algorithm, Route};
use crate::rule::{Initial, Layer, MAX_SCALARS, Memory, Scope, Start};
use crate::scalars::hash_name;
use crate::simd::Isa;
use std::sync::atomic::{AtomicU64, Ordering};

/// What exists once the parameters are known.
pub(super) struct Built {
    pub(super) names: Vec<String>,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) lengths: Vec<usize>,
    pub(super) groups: Vec<Group>,
    /// The algorithm's own rule, then the one that some parameters follow instead.
    pub(super) steppers: Vec<Box<dyn Stepper>>,
    pub(super) rules: Vec<&'static str>,
    route: Option<Route>,
    pub(super) state: State,
    /// Whether the states that start as the parameter have done so.
    pub(super) started: bool,
    pub(super) scope: Scope,
    pub(super) memory: Vec<Memory>,
    pub(super) shaping: Option<Shaping>,
    pub(super) partials: Vec<AtomicU64>,
    /// The same for the norms of gradients; empty until they are wanted.
    pub(super) norm_partials: Vec<AtomicU64>,
    pub(super) paths: Paths,
    pub(super) board: Board,
    pub(super) factors: Vec<f32>,
    /// Whether the sums of the last step are there.
    pub(super) measured: bool,
}

/// What a call is given, and what is done to every gradient first.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) isa: Isa,
    pub(super) params: &'a [*mut f32],
    pub(super) gradients: &'a [Gradient],
    pub(super) prepare: Prepare,
    /// Whether gradients are accumulated.
    pub(super) accumulated: bool,
}

/// Whether every gradient is finite; else where the first is not.
pub(super) enum Finite {
    Yes,
    No(String),
}

/// Distinguishes sweeps, for what threads remember between items.
static SWEEPS: AtomicU64 = AtomicU64::new(1);

/// Room for partial sums.
fn room(n: usize) -> Vec<AtomicU64> {
    std::iter::repeat_with(AtomicU64::default).take(n).collect()
}

impl Built {
    /// Groups, rules and state for parameters of these names and shapes.
    pub(super) fn new(
        algorithm: &Algorithm,
        values: &Values,
        parameters: &[(&str, &[usize])],
        overrides: &[Vec<Override>],
    ) -> Result<Built> {
        let mut steppers = vec![(algorithm.make)(values)?];
        let mut rules = vec![algorithm.name];
        if let Some(route) = algorithm.route {
            steppers.push((route.make)(values)?);
            rules.push(route.rule);
        }
        let dtype = StateDtype::named(values.shared_text(shared::STATE_DTYPE));
        let least = if values.shared(shared::CENTRALIZATION) == Value::Text("conv_only") { 4 } else { 2 };
        let centres = values.shared(shared::CENTRALIZATION) != Value::Bool(false);
        let mut groups: Vec<Group> = Vec::new();
        let (mut tensors, mut needs) = (Vec::new(), Vec::new());
        let (mut centred, mut factored) = (Vec::new(), Vec::new());
        let mut first_chunk = 0;
        for (i, &(name, shape)) in parameters.iter().enumerate() {
            let len = size(name, shape)?;
            let own = overrides.get(i).map_or(&[][..], Vec::as_slice);
            let here = |o: &&Override| !matches!(o, Override::Trainable(_) | Override::Routed(_));
            let kept: Vec<Override> = own.iter().filter(here).cloned().collect();
            let group = match groups.iter().position(|group| group.overrides == kept) {
                Some(group) => group,
                None => {
                    groups.push(Group::new(values, &kept).map_err(|e| {
                        Error::new(e.kind, format!("override for parameter '{name}': {}", e.message))
                    })?);
                    groups.len() - 1
                }
            };
            let routed = own.contains(&Override::Routed(false));
            let elsewhere = algorithm.route.is_some_and(|r| routed || (r.takes)(values, name, shape));
            let stepper = usize::from(elsewhere);
            let rule = &steppers[stepper];
            let factors = rule.factors() && !elsewhere;
            let tensor = Tensor {
                len,
                group: (!own.contains(&Override::Trainable(false))).then_some(group),
                stepper,
                storage: dtype.for_size(len),
                hash: hash_name(name),
                first_chunk,
            };
            needs.push(Needs {
                len,
                storage: tensor.storage,
                slots: rule.slots(),
                factors: factors.then(|| factor_sizes(shape)),
            });
            centred.push(centres && shape.len() >= least);
            factored.push(factors);
            first_chunk += tensor.chunks();
            tensors.push(tensor);
        }
        let sync = values.shared(shared::SYNC_PERIOD) != Value::None;
        let extras = Extras {
            average: values.shared(shared::USE_EMA) == Value::Bool(true),
            accumulated: values.shared(shared::ACCUMULATION) != Value::None,
            slow: sync,
            slow_momentum: sync && values.shared_text(shared::PULLBACK) == "pullback",
        };
        let shapes: Vec<Vec<usize>> = parameters.iter().map(|(_, shape)| shape.to_vec()).collect();
        let shapes_matter =
            values.shared(shared::LARC) != Value::None || centred.iter().chain(&factored).any(|&is| is);
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
            shaping: shapes_matter.then(|| Shaping::new(&shapes, &centred, &factored)),
            shapes,
            board: Board::default(),
            paths: Paths::default(),
            partials: room(first_chunk * MAX_SUMS),
            norm_partials: Vec::new(),
            factors: Vec::new(),
            measured: false,
            started: false,
            scope: algorithm.scope,
            memory: vec![Memory::default(); scopes],
            tensors,
            lengths,
            groups,
            steppers,
            rules,
            route: algorithm.route,
        };
        built.fill_initial(algorithm, values);
        built.plan(pool::num_threads())?;
        Ok(built)
    }

    /// Gives the states and scalars that do not start at zero their first value.
    pub(super) fn fill_initial(&mut self, algorithm: &Algorithm, values: &Values) {
        for i in 0..self.tensors.len() {
            for (k, slot) in self.steppers[self.tensors[i].stepper].slots().iter().enumerate() {
                if let (Initial::Hyper(position), Some(array)) =
                    (slot.initial, self.state.tensors[i].slots[k])
                {
                    let x = values.number(position) as f32;
                    let x = if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x };
                    self.state.fill(&array, self.lengths[i], x);
                }
            }
        }
        for (i, memory) in self.memory.iter_mut().enumerate() {
            let values = match self.scope {
                Scope::Group => &self.groups[i].values,
                _ => values,
            };
            debug_assert!(algorithm.scalars.len() <= MAX_SCALARS);
            for (scalar, x) in algorithm.scalars.iter().zip(memory) {
                *x = match scalar.initial {
                    Start::At(x) => x,
                    Start::Hyper(position) => values.number(position),
                };
            }
        }
        self.started = false;
    }

    /// Starts every state that starts as a copy of its parameter, if that was not done.
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
                // SAFETY: as the caller promises.
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
        let slots = self.steppers[self.tensors[tensor].stepper].slots().iter().zip(&arrays.slots);
        let starting = slots.filter(|(slot, _)| slot.initial == Initial::Parameter);
        starting.filter_map(|(_, array)| *array).chain(arrays.average).chain(arrays.slow).collect()
    }

    /// The named arrays of a tensor, and their shapes.
    pub(super) fn arrays(&self, tensor: usize) -> Vec<(&'static str, Array, Vec<usize>)> {
        let arrays = &self.state.tensors[tensor];
        let shape = &self.shapes[tensor];
        let slots = self.steppers[self.tensors[tensor].stepper].slots().iter().zip(&arrays.slots);
        let mut named: Vec<_> = slots
            .filter_map(|(slot, array)| array.map(|a| (slot.name, a)))
            .chain(arrays.average.map(|a| ("average", a)))
            .chain(arrays.slow.map(|a| ("slow", a)))
            .chain(arrays.slow_momentum.map(|a| ("slow_momentum", a)))
            .chain(arrays.accumulated.map(|a| ("gradient_accumulator", a)))
            .map(|(name, array)| (name, array, shape.clone()))
            .collect();
        if let Some(factors) = arrays.factors {
            let shapes = crate::engine::shaping::factor_shapes(shape);
            named.extend(["row", "column"].into_iter().zip(factors).zip(shapes).map(|((n, a), s)| (n, a, s)));
        }
        named
    }

    /// Plans for this many threads, if they are not there yet.
    pub(super) fn plan(&mut self, available: usize) -> Result<()> {
        let between: Vec<_> =
            self.tensors.iter().map(|tensor| self.steppers[tensor.stepper].between()).collect();
        let passes: Vec<_> = self.steppers.iter().map(|stepper| stepper.passes()).collect();
        self.paths.plan(&self.lengths, &passes, &between, self.shaping.as_ref(), available)
    }

    /// A sweep over everything.
    pub(super) fn sweep<'a>(&'a self, inputs: Inputs<'a>, task: Task<'a>) -> Sweep<'a> {
        Sweep {
            task,
            isa: inputs.isa,
            tensors: &self.tensors,
            params: inputs.params,
            gradients: inputs.gradients,
            prepare: inputs.prepare,
            factors: &self.factors,
            accumulated: inputs.accumulated,
            shaping: self.shaping.as_ref(),
            shaped: Shaped::Raw,
            added: 0.0,
            state: &self.state,
            scope: self.scope,
            memory: &self.memory,
            total: None,
            partials: &self.partials,
            scratch: self.paths.scratch.as_ptr().cast(),
            id: SWEEPS.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Whether a tensor takes part in the update.
    pub(super) fn takes_part(&self, tensor: usize, inputs: Inputs<'_>) -> bool {
        let given = !matches!(inputs.gradients[tensor], Gradient::None);
        self.tensors[tensor].group.is_some() && (inputs.accumulated || given)
    }

    /// L2 norm of each gradient, as the rule will see it before clips.
    pub(super) fn norms(&mut self, inputs: Inputs<'_>) -> Vec<f64> {
        self.factors.clear();
        if self.norm_partials.is_empty() {
            self.norm_partials = room(self.partials.len());
        }
        let mut board = std::mem::take(&mut self.board);
        let sweep = Sweep { partials: &self.norm_partials, ..self.sweep(inputs, Task::Norm) };
        pool::run(&self.paths.flat, &mut board, &|stage, item| sweep.run(stage, item));
        let norm = |i: usize| {
            if self.takes_part(i, inputs) {
                totals(&self.norm_partials, &self.tensors[i])[0].sqrt()
            } else {
                0.0
            }
        };
        let norms = (0..self.tensors.len()).map(norm).collect();
        self.board = board;
        norms
    }

    /// The weight decay of a tensor, by the rule that it follows; none where it has none.
    pub(super) fn decay_of(&self, tensor: usize, group: &Group) -> Option<f64> {
        let routed = self.route.filter(|_| self.tensors[tensor].stepper > 0).and_then(|route| route.decay);
        match routed {
            _ if group.excluded() => None,
            Some(position) => Some(group.values.number(position)),
            None => group.values.shared_number(shared::WEIGHT_DECAY),
        }
    }

    /// The factor of a tensor's learning rate, by the rule that it follows.
    pub(super) fn rate_factor(&self, tensor: usize, group: &Group) -> f64 {
        let routed = self.route.filter(|_| self.tensors[tensor].stepper > 0).and_then(|route| route.rate);
        routed.map_or(1.0, |position| group.values.number(position))
    }

    /// Finds what the shapes of the tensors do to their gradients in this update.
    pub(super) fn shape(&mut self, inputs: Inputs<'_>, values: &Values, rate: f64) {
        if self.shaping.is_none() {
            return;
        }
        let mut board = std::mem::take(&mut self.board);
        if let Some(plan) = &self.paths.centring {
            let sweep = self.sweep(inputs, Task::Centre);
            pool::run(plan, &mut board, &|stage, item| sweep.run(stage, item));
        }
        if let Some(coefficient) = values.shared_number(shared::LARC) {
            let sweep = Sweep { shaped: Shaped::Centred, ..self.sweep(inputs, Task::Layer) };
            pool::run(&self.paths.flat, &mut board, &|stage, item| sweep.run(stage, item));
            let clip = values.shared(shared::LARC_CLIP) == Value::Bool(true);
            let epsilon = values.shared_number(shared::LARC_EPSILON).unwrap_or(0.0);
            let pulls = (0..self.tensors.len()).map(|i| {
                let group = self.tensors[i].group.map(|group| &self.groups[group]);
                let (Some(group), true) = (group, self.takes_part(i, inputs)) else { return (1.0, 0.0) };
                let sums = totals(&self.partials, &self.tensors[i]);
                let (weight, gradient) = (sums[0].sqrt(), sums[1].sqrt());
                if weight == 0.0 || gradient == 0.0 {
                    return (1.0, 0.0);
                }
                let decay = self.decay_of(i, group).unwrap_or(0.0);
                let q = coefficient * weight / (gradient + decay * weight + epsilon);
                let rate = group.learning_rate(rate);
                let q = match clip {
                    false => q,
                    true if q >= rate => 1.0,
                    true => q / rate,
                };
                (q, q * decay)
            });
            let pulls = pulls.collect();
            if let Some(shaping) = &mut self.shaping {
                shaping.pulls = pulls;
            }
        }
        if values.shared_text(shared::MODE) == "l2" && self.paths.factoring.is_some() {
            // The rule sees the gradient only after it was divided.
            let pulls = self.tensors.iter().enumerate().map(|(i, tensor)| match tensor.group {
                Some(group) if tensor.stepper == 0 => {
                    (1.0, self.decay_of(i, &self.groups[group]).unwrap_or(0.0))
                }
                _ => (1.0, 0.0),
            });
            let pulls = pulls.collect();
            if let (Some(shaping), None) = (&mut self.shaping, values.shared_number(shared::LARC)) {
                shaping.pulls = pulls;
            }
        }
        if let Some(plan) = &self.paths.factoring {
            let added = self.steppers[0].factoring(0).map_or(0.0, |how| how.added);
            let sweep = Sweep { shaped: Shaped::Pulled, added, ..self.sweep(inputs, Task::Factor) };
            pool::run(plan, &mut board, &|stage, item| sweep.run(stage, item));
            for i in 0..self.tensors.len() {
                let how = self.tensors[i].group.and_then(|g| self.steppers[0].factoring(g));
                if let (Some(how), true, Some(shaping)) = (how, self.takes_part(i, inputs), &mut self.shaping)
                {
                    shaping.settle(i, how, &mut self.state);
                }
            }
        }
        self.board = board;
    }

    /// Adds the gradients to those of earlier calls.
    pub(super) fn accumulate(&mut self, inputs: Inputs<'_>, average: Option<Average>) {
        let mut board = std::mem::take(&mut self.board);
        let sweep = self.sweep(inputs, Task::Accumulate { average });
        pool::run(&self.paths.flat, &mut board, &|stage, item| sweep.run(stage, item));
        self.board = board;
    }

    /// Runs the rules, every tensor by its path.
    pub(super) fn step(
        &mut self,
        inputs: Inputs<'_>,
        task: impl for<'b> Fn(&'b [Box<dyn Stepper>]) -> Task<'b>,
    ) {
        let mut board = std::mem::take(&mut self.board);
        let sweep = Sweep { shaped: Shaped::Factored, ..self.sweep(inputs, task(&self.steppers)) };
        pool::run(&self.paths.step, &mut board, &|stage, item| sweep.run(stage, item));
        for detour in &self.paths.detours {
            let [first, second] = &detour.passes;
            let mut sweep = Sweep {
                id: SWEEPS.fetch_add(1, Ordering::Relaxed),
                ..self.sweep(inputs, task(&self.steppers))
            };
            sweep.shaped = Shaped::Factored;
            pool::run(first, &mut board, &|stage, item| sweep.run(stage, item));
            sweep.total = self.between(detour, inputs, &mut board);
            pool::run(second, &mut board, &|stage, item| sweep.run(stage, item));
        }
        self.board = board;
        self.remember(inputs);
    }

    /// What comes between the passes of a detour: the sum over its tensors, or their transforms.
    fn between(&self, detour: &Detour, inputs: Inputs<'_>, board: &mut Board) -> Option<[f64; MAX_SUMS]> {
        let taking_part = |&&i: &&usize| self.takes_part(i, inputs);
        if detour.places.is_empty() {
            let tensors = detour.tensors.iter().filter(taking_part).copied();
            return Some(total(&self.partials, &self.tensors, tensors));
        }
        let jobs = detour.tensors.iter().zip(&detour.places).filter_map(|(&i, &place)| {
            let tensor = &self.tensors[i];
            let group = tensor.group.filter(|_| self.takes_part(i, inputs))?;
            let stepper = &*self.steppers[tensor.stepper];
            Some(Job { stepper, group, shape: &self.shapes[i], place, len: tensor.len })
        });
        self.paths.transform(&jobs.collect::<Vec<_>>(), board);
        None
    }

    /// Keeps the scalars that the rules made of the sums for the next step.
    fn remember(&mut self, inputs: Inputs<'_>) {
        if self.memory.is_empty() || self.scope == Scope::Group {
            return;
        }
        let part: Vec<usize> = (0..self.tensors.len()).filter(|&i| self.takes_part(i, inputs)).collect();
        let mut remember = |place: usize, i: usize, len: usize, sums: [f64; MAX_SUMS]| {
            if let Some(group) = self.tensors[i].group {
                let mut layer = Layer { len, memory: self.memory[place] };
                self.steppers[0].record(group, &sums, &mut layer);
                self.memory[place] = layer.memory;
            }
        };
        if self.scope == Scope::Parameter {
            for i in part {
                let tensor = &self.tensors[i];
                remember(i, i, tensor.len, totals(&self.partials, tensor));
            }
        } else if let Some(&first) = part.first() {
            let sums = total(&self.partials, &self.tensors, part.iter().copied());
            remember(0, first, part.iter().map(|&i| self.lengths[i]).sum(), sums);
        }
    }

    /// Whether every gradient is finite, by its norm; else where the first is not.
    pub(super) fn finite(&self, norms: &[f64], gradients: &[Gradient]) -> Finite {
        let Some(i) = norms.iter().position(|x| !x.is_finite()) else {
            return Finite::Yes;
        };
        // SAFETY: the gradient is as long as its parameter.
        let found = unsafe { gradients[i].non_finite(self.lengths[i]) };
        let name = &self.names[i];
        Finite::No(match found {
            Some((index, value, count)) => format!(
                "gradient of '{name}' has {count} non-finite element{}, the first at flat index {index}: {value}; \
                 nothing was changed. Mend it, or use nonfinite=\"skip\" to leave such steps out or \
                 nonfinite=\"propagate\" to let them through",
                if count == 1 { "" } else { "s" }
            ),
            None if self.state.tensors[i].accumulated.is_some() => {
                format!("accumulated gradient of '{name}' is not finite; nothing was changed")
            }
            None => format!(
                "gradient of '{name}' is not finite once it is divided by loss_scale_factor; nothing was changed"
            ),
        })
    }
}

/// The sums of some tensors, added up in order.
fn total(partials: &[AtomicU64], all: &[Tensor], some: impl Iterator<Item = usize>) -> [f64; MAX_SUMS] {
    let mut total = [0.0; MAX_SUMS];
    for i in some {
        for (total, sum) in total.iter_mut().zip(totals(partials, &all[i])) {
            *total += sum;
        }
    }
    total
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

impl Gradient {
    /// Index, value and number of the non-finite elements.
    ///
    /// # Safety
    ///
    /// The gradient has `len` elements.
    unsafe fn non_finite(&self, len: usize) -> Option<(usize, f32, usize)> {
        let at = |i: usize| {
            // SAFETY: `i < len`, as the caller promises.
            unsafe {
                match self {
                    Gradient::None => 0.0,
                    Gradient::Float32(g) => *g.add(i),
                    Gradient::Bfloat16(g) => f32::from_bits(u32::from(*g.add(i)) << 16),
                    // All exponent bits set: not finite, in half as in single precision.
                    Gradient::Float16(g) if *g.add(i) & 0x7c00 == 0x7c00 => {
                        if *g.add(i) & 0x3ff == 0 {
                            f32::INFINITY
                        } else {
                            f32::NAN
                        }
                    }
                    Gradient::Float16(_) => 0.0,
                }
            }
        };
        let first = (0..len).find(|&i| !at(i).is_finite())?;
        Some((first, at(first), (first..len).filter(|&i| !at(i).is_finite()).count()))
    }
}
