//! What exists once the parameters are known: state, plans and sums.

use super::group::Group;
use crate::engine::memory::Block;
use crate::engine::plan::{Plan, useful_threads};
use crate::engine::pool::{self, Board};
use crate::engine::stages::Prepare;
use crate::engine::state::{Array, State};
use crate::engine::stepper::{Passes, Stepper};
use crate::engine::sweep::{Gradient, Sweep, Task, Tensor, totals};
use crate::error::Result;
use crate::hyper::Values;
use crate::simd::Isa;
use std::sync::atomic::{AtomicU64, Ordering};

/// What exists once the parameters are known.
pub(super) struct Built {
    pub(super) names: Vec<String>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) lengths: Vec<usize>,
    pub(super) groups: Vec<Group>,
    pub(super) stepper: Box<dyn Stepper>,
    pub(super) state: State,
    pub(super) partials: Vec<AtomicU64>,
    /// The same for the norms of gradients; empty until they are wanted.
    pub(super) norm_partials: Vec<AtomicU64>,
    pub(super) step_plan: Plan,
    pub(super) flat_plan: Plan,
    pub(super) board: Board,
    pub(super) scratch: Block,
    pub(super) factors: Vec<f32>,
    /// Whether the sums of the last step are there.
    pub(super) measured: bool,
}

/// Whether every gradient is finite; else where the first is not.
pub(super) enum Finite {
    Yes,
    No(String),
}

/// Distinguishes sweeps, for what threads remember between items.
pub(super) static SWEEPS: AtomicU64 = AtomicU64::new(1);

/// Room for partial sums.
pub(super) fn room(n: usize) -> Vec<AtomicU64> {
    std::iter::repeat_with(AtomicU64::default).take(n).collect()
}

impl Built {
    /// Gives the states that do not start at zero their first value.
    pub(super) fn fill_initial(&mut self, values: &Values) {
        for (k, slot) in self.stepper.slots().iter().enumerate() {
            let Some(initial) = slot.initial else {
                continue;
            };
            for i in 0..self.tensors.len() {
                if let Some(array) = self.state.tensors[i].slots[k] {
                    let x = values.number(initial) as f32;
                    let x = if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x };
                    self.state.fill(&array, self.lengths[i], x);
                }
            }
        }
    }

    /// The named arrays of a tensor.
    pub(super) fn arrays(&self, tensor: usize) -> Vec<(&'static str, Array)> {
        let arrays = &self.state.tensors[tensor];
        let slots = self.stepper.slots().iter().zip(&arrays.slots);
        slots
            .filter_map(|(slot, array)| array.map(|a| (slot.name, a)))
            .chain(arrays.average.map(|a| ("average", a)))
            .chain(arrays.accumulated.map(|a| ("gradient_accumulator", a)))
            .collect()
    }

    /// Plans for this many threads, if they are not there yet.
    pub(super) fn plan(&mut self, available: usize) -> Result<()> {
        let elements: usize = self.lengths.iter().sum();
        let threads = useful_threads(elements, available);
        if self.step_plan.threads == threads && !self.step_plan.phases[0].items.is_empty() {
            return Ok(());
        }
        let flat = Plan::single(&self.lengths, threads);
        let step = match self.stepper.passes() {
            Passes::One => Plan::single(&self.lengths, threads),
            passes => Plan::waves(&self.lengths, threads, passes == Passes::AdvanceThenApply),
        };
        let bytes = step.scratch * size_of::<f32>();
        if self.scratch.len() < bytes {
            self.scratch = Block::zeroed(bytes)?;
        }
        (self.step_plan, self.flat_plan) = (step, flat);
        Ok(())
    }

    /// L2 norm of each gradient, as the rule will see it before clips.
    pub(super) fn norms(
        &mut self,
        isa: Isa,
        params: &[*mut f32],
        gradients: &[Gradient],
        prepare: Prepare,
        accumulated: bool,
    ) -> Vec<f64> {
        if self.norm_partials.is_empty() {
            self.norm_partials = room(self.partials.len());
        }
        let sweep = Sweep {
            task: Task::Norm,
            isa,
            tensors: &self.tensors,
            params,
            gradients,
            prepare,
            factors: &[],
            accumulated,
            state: &self.state,
            partials: &self.norm_partials,
            scratch: std::ptr::null_mut(),
            id: SWEEPS.fetch_add(1, Ordering::Relaxed),
        };
        pool::run(&self.flat_plan, &mut self.board, &|stage, item| sweep.run(stage, item));
        let takes_part = |i: usize| {
            self.tensors[i].group.is_some() && (accumulated || !matches!(gradients[i], Gradient::None))
        };
        (0..self.tensors.len())
            .map(
                |i| {
                    if takes_part(i) { totals(&self.norm_partials, &self.tensors[i])[0].sqrt() } else { 0.0 }
                },
            )
            .collect()
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
