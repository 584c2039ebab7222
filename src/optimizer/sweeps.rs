//! What a call sends over all tensors: norms, what shapes need, accumulation, the step.

use super::built::{Built, room};
use super::plans::{Job, SplitPasses};
use crate::engine::pool::{self, WorkQueue};
use crate::engine::shaping::Shaped;
use crate::engine::stages::{Average, Prepare};
use crate::engine::sweep::{Gradient, Sweep, Task, Tensor, totals};
use crate::hyper::{Value, Values, shared};
use crate::kernel::Kernel;
use crate::kernel::MAX_SUMS;
use crate::rule::{LayerScalars, Scope};
use crate::simd::Isa;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Distinguishes sweeps, for what threads remember between items.
static SWEEPS: AtomicU64 = AtomicU64::new(1);

impl Built {
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
            state: &self.state,
            scope: self.scope,
            scalars: &self.scalars,
            total: None,
            partials: &self.partials,
            scratch: self.plans.scratch.as_ptr().cast(),
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
        let mut queue = std::mem::take(&mut self.queue);
        let sweep = Sweep { partials: &self.norm_partials, ..self.sweep(inputs, Task::Norm) };
        pool::run(&self.plans.flat, &mut queue, &|stage, item| sweep.run(stage, item));
        let norm = |i: usize| {
            if self.takes_part(i, inputs) {
                totals(&self.norm_partials, &self.tensors[i])[0].sqrt()
            } else {
                0.0
            }
        };
        let norms = (0..self.tensors.len()).map(norm).collect();
        self.queue = queue;
        norms
    }

    /// Finds what the shapes of the tensors do to their gradients in this update.
    pub(super) fn shape(&mut self, inputs: Inputs<'_>, values: &Values, rate: f64) {
        if self.shaping.is_none() {
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        if let Some(plan) = &self.plans.centring {
            let sweep = self.sweep(inputs, Task::Centre);
            pool::run(plan, &mut queue, &|stage, item| sweep.run(stage, item));
        }
        if let Some(coefficient) = values.shared_number(shared::LARC) {
            let sweep = Sweep { shaped: Shaped::Centred, ..self.sweep(inputs, Task::Layer) };
            pool::run(&self.plans.flat, &mut queue, &|stage, item| sweep.run(stage, item));
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
        } else if values.shared_text(shared::MODE) == "l2" && self.plans.factoring.is_some() {
            // The rule sees the gradient only after it was divided.
            let pulls = self.tensors.iter().enumerate().map(|(i, tensor)| match tensor.group {
                Some(group) if tensor.kernel == 0 => {
                    (1.0, self.decay_of(i, &self.groups[group]).unwrap_or(0.0))
                }
                _ => (1.0, 0.0),
            });
            let pulls = pulls.collect();
            if let Some(shaping) = &mut self.shaping {
                shaping.pulls = pulls;
            }
        }
        if let Some(plan) = &self.plans.factoring {
            let sweep = Sweep {
                shaped: Shaped::Pulled,
                ..self.sweep(inputs, Task::Factor { kernels: &self.kernels })
            };
            pool::run(plan, &mut queue, &|stage, item| sweep.run(stage, item));
            for i in 0..self.tensors.len() {
                let how =
                    self.tensors[i].group.and_then(|g| self.kernels[self.tensors[i].kernel].factoring(g));
                if let (Some(how), true, Some(shaping)) = (how, self.takes_part(i, inputs), &mut self.shaping)
                {
                    shaping.settle(i, how, &mut self.state);
                }
            }
        }
        self.queue = queue;
    }

    /// Adds the gradients to those of earlier calls.
    pub(super) fn accumulate(&mut self, inputs: Inputs<'_>, average: Option<Average>) {
        let mut queue = std::mem::take(&mut self.queue);
        let sweep = self.sweep(inputs, Task::Accumulate { average });
        pool::run(&self.plans.flat, &mut queue, &|stage, item| sweep.run(stage, item));
        self.queue = queue;
    }

    /// Runs the rules, every tensor by its path.
    pub(super) fn step(
        &mut self,
        inputs: Inputs<'_>,
        task: impl for<'b> Fn(&'b [Box<dyn Kernel>]) -> Task<'b>,
    ) {
        let mut queue = std::mem::take(&mut self.queue);
        let sweep = Sweep { shaped: Shaped::Factored, ..self.sweep(inputs, task(&self.kernels)) };
        pool::run(&self.plans.step, &mut queue, &|stage, item| sweep.run(stage, item));
        for split in &self.plans.splits {
            let [first, second] = &split.passes;
            let mut sweep = Sweep {
                id: SWEEPS.fetch_add(1, Ordering::Relaxed),
                ..self.sweep(inputs, task(&self.kernels))
            };
            sweep.shaped = Shaped::Factored;
            pool::run(first, &mut queue, &|stage, item| sweep.run(stage, item));
            sweep.total = self.between(split, inputs, &mut queue);
            pool::run(second, &mut queue, &|stage, item| sweep.run(stage, item));
        }
        self.queue = queue;
        self.remember(inputs);
    }

    /// What comes between the passes of a split: the sum over its tensors, or their transforms.
    fn between(
        &self,
        split: &SplitPasses,
        inputs: Inputs<'_>,
        queue: &mut WorkQueue,
    ) -> Option<[f64; MAX_SUMS]> {
        let taking_part = |&&i: &&usize| self.takes_part(i, inputs);
        if split.places.is_empty() {
            let tensors = split.tensors.iter().filter(taking_part).copied();
            return Some(total(&self.partials, &self.tensors, tensors));
        }
        let jobs = split.tensors.iter().zip(&split.places).filter_map(|(&i, &place)| {
            let tensor = &self.tensors[i];
            let group = tensor.group.filter(|_| self.takes_part(i, inputs))?;
            let kernel = &*self.kernels[tensor.kernel];
            Some(Job { kernel, group, shape: &self.shapes[i], place, len: tensor.len })
        });
        self.plans.transform(&jobs.collect::<Vec<_>>(), queue);
        None
    }

    /// Keeps the scalars that the rules made of the sums for the next step.
    fn remember(&mut self, inputs: Inputs<'_>) {
        if self.scalars.is_empty() || self.scope == Scope::Group {
            return;
        }
        let part: Vec<usize> = (0..self.tensors.len()).filter(|&i| self.takes_part(i, inputs)).collect();
        let mut remember = |place: usize, i: usize, len: usize, sums: [f64; MAX_SUMS]| {
            if let Some(group) = self.tensors[i].group {
                let mut layer = LayerScalars { len, scalars: self.scalars[place] };
                self.kernels[self.tensors[i].kernel].next_scalars(group, &sums, &mut layer);
                self.scalars[place] = layer.scalars;
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
