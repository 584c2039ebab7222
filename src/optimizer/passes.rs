//! The passes of a call over all tensors: norms, preparation of gradients, accumulation, the step.

use super::build::Built;
use super::plans::Job;
use crate::engine::average::Average;
use crate::engine::buffers::{Buffers, Gradient};
use crate::engine::centralize::Centralize;
use crate::engine::derived::DerivedLanes;
use crate::engine::gradient::GradientTransform;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::larc::{Larc, Pull};
use crate::engine::layers::Layers;
use crate::engine::partial_sums::PartialSums;
use crate::engine::pass;
use crate::engine::passes::{Accumulate, FactoredSums, GradientNorms, LayerNorms, RowMeans, RowSums};
use crate::engine::plan::Plan;
use crate::engine::step::{Scratch, StepPass, StepSettings};
use crate::hyper::{Value, Values, shared};
use crate::kernel::MAX_SUMS;
use crate::rule::{Between, Derived, LayerScalars, Scope};
use crate::simd::Isa;

/// The arrays of a call.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) isa: Isa,
    pub(super) params: &'a [*mut f32],
    pub(super) gradients: &'a [Gradient],
    /// Whether gradients of earlier calls are added to those of this one.
    pub(super) accumulates: bool,
}

/// The operations on the gradients of a call.
pub(super) struct CallGradients {
    pub(super) transform: GradientTransform,
    /// The factor of each tensor's norm clip; empty without one.
    pub(super) clip_factors: Vec<f32>,
    /// LARC's change of each gradient; empty without LARC.
    pub(super) pulls: Vec<Pull>,
}

impl CallGradients {
    fn chain<'a>(&'a self, centralize: Option<&'a Centralize>) -> GradientChain<'a> {
        let CallGradients { transform, clip_factors, pulls } = self;
        GradientChain { transform: *transform, clip_factors, centralize, pulls }
    }
}

/// The plan of a step that is run.
#[derive(Clone, Copy)]
enum Part {
    /// Tensors whose passes follow each other without an operation in between.
    Together,
    /// The first and second passes of the tensors of a split.
    First(usize),
    Second(usize),
}

impl Built {
    fn buffers<'a>(&'a self, inputs: Inputs<'a>) -> Buffers<'a> {
        let Inputs { isa, params, gradients, accumulates } = inputs;
        Buffers { isa, tensors: &self.tensors, params, gradients, state: &self.state, accumulates }
    }

    fn layers(&self) -> Layers<'_> {
        Layers { scope: self.scope, scalars: &self.scalars, sums: &self.sums }
    }

    fn derived(&self) -> DerivedLanes<'_> {
        DerivedLanes { factored: self.factored.as_ref(), rows: self.rows.as_ref() }
    }

    /// Whether a tensor takes part in the update.
    fn takes_part(&self, tensor: usize, inputs: Inputs<'_>) -> bool {
        let given = !matches!(inputs.gradients[tensor], Gradient::None);
        self.tensors[tensor].group.is_some() && (inputs.accumulates || given)
    }

    /// L2 norm of each gradient before clips.
    pub(super) fn norms(&mut self, inputs: Inputs<'_>, unscale: f32) -> Vec<f64> {
        if self.gradient_sums.is_empty() {
            self.gradient_sums = PartialSums::new(self.chunks);
        }
        let buffers = self.buffers(inputs);
        let norms = GradientNorms { buffers, unscale, sums: &self.gradient_sums };
        pass::run(&norms, &buffers, &self.plans.flat, &mut self.queue.borrow_mut());
        let norm = |i: usize| match self.takes_part(i, inputs) {
            true => self.gradient_sums.total(self.tensors[i].chunks)[0].sqrt(),
            false => 0.0,
        };
        (0..self.tensors.len()).map(norm).collect()
    }

    /// Computes the means of the rows that are centralized.
    pub(super) fn row_means(&self, inputs: Inputs<'_>, gradients: &CallGradients) {
        let (Some(centralize), Some(plan)) = (&self.centralize, &self.plans.row_means) else { return };
        let buffers = self.buffers(inputs);
        let means = RowMeans { buffers, chain: gradients.chain(None), centralize };
        pass::run(&means, &buffers, plan, &mut self.queue.borrow_mut());
    }

    /// LARC's change of each gradient; empty without LARC.
    pub(super) fn larc_pulls(
        &self,
        inputs: Inputs<'_>,
        gradients: &CallGradients,
        values: &Values,
        rate: f64,
    ) -> Vec<Pull> {
        let Some(coefficient) = values.shared_number(shared::LARC_COEFFICIENT) else { return Vec::new() };
        let larc = Larc {
            coefficient,
            epsilon: values.shared_number(shared::LARC_EPSILON).unwrap_or(0.0),
            clip: values.shared(shared::LARC_CLIP) == Value::Bool(true),
        };
        let buffers = self.buffers(inputs);
        let chain = gradients.chain(self.centralize.as_ref());
        let norms = LayerNorms { buffers, chain, sums: &self.sums };
        pass::run(&norms, &buffers, &self.plans.flat, &mut self.queue.borrow_mut());
        let pull = |i: usize| {
            let group = self.tensors[i].group.map(|group| &self.groups[group]);
            let (Some(group), true) = (group, self.takes_part(i, inputs)) else { return Pull::NONE };
            let [weight, gradient, ..] = self.sums.total(self.tensors[i].chunks);
            let decay = self.decay_of(i, group).unwrap_or(0.0);
            let own = self.rate_factor(i, group) * group.learning_rate(rate);
            larc.pull(weight, gradient, decay, own)
        };
        (0..self.tensors.len()).map(pull).collect()
    }

    /// Adds the gradients to those of earlier calls.
    pub(super) fn accumulate(&self, inputs: Inputs<'_>, unscale: f32, average: Option<Average>) {
        let buffers = self.buffers(inputs);
        let accumulate = Accumulate { buffers, unscale, average };
        pass::run(&accumulate, &buffers, &self.plans.flat, &mut self.queue.borrow_mut());
    }

    /// Runs the rules over all tensors.
    pub(super) fn step(&mut self, inputs: Inputs<'_>, gradients: &CallGradients, settings: StepSettings) {
        self.advance_factored(inputs, gradients, false);
        self.take_row_sums(inputs, gradients);
        self.run_step(inputs, gradients, settings, Part::Together, None);
        for i in 0..self.plans.splits.len() {
            if self.plans.splits[i].first.is_some() {
                self.run_step(inputs, gradients, settings, Part::First(i), None);
            }
            let total = self.between(i, inputs, gradients);
            self.run_step(inputs, gradients, settings, Part::Second(i), total);
        }
        self.has_sums = true;
        self.keep_scalars(inputs);
    }

    fn run_step(
        &self,
        inputs: Inputs<'_>,
        gradients: &CallGradients,
        settings: StepSettings,
        part: Part,
        total: Option<[f64; MAX_SUMS]>,
    ) {
        let buffers = self.buffers(inputs);
        let chain = gradients.chain(self.centralize.as_ref());
        let step = StepPass {
            buffers,
            chain,
            plain: !inputs.accumulates && chain.leaves_all_alone(),
            ends: !inputs.accumulates && settings.average.is_none() && settings.sync.is_none(),
            derived: self.derived(),
            kernels: &self.kernels,
            layers: self.layers(),
            total,
            settings,
            scratch: Scratch(self.plans.scratch.as_ptr().cast()),
            id: StepPass::next_id(),
        };
        let plan: Option<&Plan> = match part {
            Part::Together => Some(&self.plans.step),
            Part::First(i) => self.plans.splits[i].first.as_ref(),
            Part::Second(i) => Some(&self.plans.splits[i].second),
        };
        if let Some(plan) = plan {
            pass::run(&step, &buffers, plan, &mut self.queue.borrow_mut());
        }
    }

    /// Advances the factored moments that are updated before or after the sums over their tensor.
    fn advance_factored(&mut self, inputs: Inputs<'_>, gradients: &CallGradients, after_sums: bool) {
        let (Some(moments), Some(plan)) = (&self.factored, &self.plans.bands[usize::from(after_sums)]) else {
            return;
        };
        let buffers = self.buffers(inputs);
        let sums = FactoredSums {
            buffers,
            chain: gradients.chain(self.centralize.as_ref()),
            derived: self.derived(),
            moments,
            kernels: &self.kernels,
            layers: self.layers(),
            after_sums,
        };
        pass::run(&sums, &buffers, plan, &mut self.queue.borrow_mut());
        for i in 0..self.tensors.len() {
            let Some(group) = self.tensors[i].group.filter(|_| self.takes_part(i, inputs)) else { continue };
            let kernel = &self.kernels[self.tensors[i].kernel];
            for (k, slot) in kernel.slots().iter().enumerate() {
                let now = matches!(slot.derived, Some(Derived::Factored { after_sums: waits, .. }) if waits == after_sums);
                if let (true, Some(moments)) = (now, &mut self.factored) {
                    moments.advance(i, k, kernel.factored(group, k), &mut self.state);
                }
            }
        }
    }

    /// Takes the sums over rows, and computes the coefficients of the rows.
    fn take_row_sums(&mut self, inputs: Inputs<'_>, gradients: &CallGradients) {
        let (Some(coefficients), Some(plan)) = (&self.rows, &self.plans.row_sums) else { return };
        let buffers = self.buffers(inputs);
        let chain = gradients.chain(self.centralize.as_ref());
        let layers = self.layers();
        let sums = RowSums { buffers, chain, coefficients, kernels: &self.kernels, layers };
        pass::run(&sums, &buffers, plan, &mut self.queue.borrow_mut());
        for i in 0..self.tensors.len() {
            let Some(group) = self.tensors[i].group.filter(|_| self.takes_part(i, inputs)) else { continue };
            let kernel = &self.kernels[self.tensors[i].kernel];
            let update = |sums: &[[f64; MAX_SUMS]], columns: usize, out: &mut [f32]| {
                kernel.rows(group, sums, columns, out)
            };
            if let Some(sums) = self.rows.as_mut().and_then(|rows| rows.update(i, update)) {
                self.sums.store_total(self.tensors[i].chunks, &sums);
            }
        }
    }

    /// The operation between the passes of a split. Returns the sums of all its tensors, if a rule needs
    /// them.
    fn between(
        &mut self,
        split: usize,
        inputs: Inputs<'_>,
        gradients: &CallGradients,
    ) -> Option<[f64; MAX_SUMS]> {
        let part = &self.plans.splits[split];
        match part.between {
            Between::Sum => {
                let taking_part = part.tensors.iter().filter(|&&i| self.takes_part(i, inputs));
                return Some(self.sums.total_of(taking_part.map(|&i| self.tensors[i].chunks)));
            }
            Between::Transform => {
                let jobs = part.tensors.iter().zip(&part.places).filter_map(|(&i, &place)| {
                    let tensor = &self.tensors[i];
                    let group = tensor.group.filter(|_| self.takes_part(i, inputs))?;
                    let kernel = &*self.kernels[tensor.kernel];
                    Some(Job { kernel, group, shape: &self.shapes[i], place, len: tensor.len })
                });
                self.plans.transform(&jobs.collect::<Vec<_>>(), &mut self.queue.borrow_mut());
            }
            Between::Factored => self.advance_factored(inputs, gradients, true),
            Between::Rows | Between::Nothing => {}
        }
        None
    }

    /// Stores the scalars that follow from the sums, for the next step.
    fn keep_scalars(&mut self, inputs: Inputs<'_>) {
        if self.scalars.is_empty() || self.scope == Scope::Group {
            return;
        }
        let part: Vec<usize> = (0..self.tensors.len()).filter(|&i| self.takes_part(i, inputs)).collect();
        let mut keep = |place: usize, i: usize, len: usize, sums: [f64; MAX_SUMS]| {
            if let Some(group) = self.tensors[i].group {
                let mut layer = LayerScalars { len, scalars: self.scalars[place] };
                self.kernels[self.tensors[i].kernel].next_scalars(group, &sums, &mut layer);
                self.scalars[place] = layer.scalars;
            }
        };
        if self.scope == Scope::Parameter {
            for i in part {
                let tensor = &self.tensors[i];
                keep(i, i, tensor.len, self.sums.total(tensor.chunks));
            }
        } else if let Some(&first) = part.first() {
            let sums = self.sums.total_of(part.iter().map(|&i| self.tensors[i].chunks));
            keep(0, first, part.iter().map(|&i| self.lengths[i]).sum(), sums);
        }
    }
}
