//! One pass of the engine over all tensors: a step, an accumulation, or the norms of gradients.

use crate::engine::plan::{CHUNK, Item, Stage};
use crate::engine::shaping::{Shaped, Shaping};
use crate::engine::span::{Pass, Staged};
use crate::engine::stages::{self, Average, Prepare, Run, STAGED};
use crate::engine::state::{Array, State};
use crate::kernel::MAX_SUMS;
use crate::kernel::storage::StateDtype;
use crate::kernel::{Kernel, Passes};
use crate::rule::{LayerScalars, Scalars, Scope};
use crate::simd::{Isa, LANES, fold};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A gradient in the caller's memory, as long as its parameter.
#[derive(Clone, Copy, Debug)]
pub enum Gradient {
    /// The parameter is left alone.
    None,
    /// IEEE single precision.
    Float32(*const f32),
    /// bfloat16 bits.
    Bfloat16(*const u16),
    /// IEEE half bits.
    Float16(*const u16),
}

/// A parameter of an optimizer, and where its sums are kept.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) len: usize,
    /// Group of hyperparameters; none for a parameter that is not trained.
    pub(crate) group: Option<usize>,
    /// Index of the rule that it follows.
    pub(crate) kernel: usize,
    pub(crate) storage: StateDtype,
    /// Hash of the name, for stochastic rounding.
    pub(crate) hash: u64,
    /// Index of its first chunk in the partial sums.
    pub(crate) first_chunk: usize,
}

impl Tensor {
    pub(crate) fn chunks(&self) -> usize {
        self.len.div_ceil(CHUNK).max(1)
    }
}

/// A synchronisation of fast and slow weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowSync {
    pub(crate) how: Average,
    /// Whether the momentum is reset or pulled back too.
    pub(crate) momentum: bool,
}

/// What a sweep does to each tensor.
#[derive(Clone, Copy)]
pub(crate) enum Task<'a> {
    /// Runs the rule, then the stages behind it.
    Step {
        kernels: &'a [Box<dyn Kernel>],
        average: Option<Average>,
        sync: Option<SlowSync>,
        nearest: bool,
        key: u64,
    },
    /// Adds the gradient to the accumulated ones, refreshes the average where asked.
    Accumulate { average: Option<Average> },
    /// Sums the squares of the gradient.
    Norm,
    /// Finds the means of the gradient's rows.
    Centre,
    /// Sums the squares of parameter and gradient.
    Layer,
    /// Sums the squares of the gradient's rows and columns.
    Factor { kernels: &'a [Box<dyn Kernel>] },
}

/// One pass over all tensors, shared by the threads that do it.
pub(crate) struct Sweep<'a> {
    pub(crate) task: Task<'a>,
    pub(crate) isa: Isa,
    pub(crate) tensors: &'a [Tensor],
    pub(crate) params: &'a [*mut f32],
    pub(crate) gradients: &'a [Gradient],
    pub(crate) prepare: Prepare,
    /// Factor of each tensor's gradient beside `prepare.factor`; empty for none.
    pub(crate) factors: &'a [f32],
    /// Whether accumulated gradients are added, and cleared by a step.
    pub(crate) accumulated: bool,
    /// What is done to gradients by their tensors' shapes, and how far it is known.
    pub(crate) shaping: Option<&'a Shaping>,
    pub(crate) shaped: Shaped,
    pub(crate) state: &'a State,
    /// The scalars that the rules remember, and what each set belongs to.
    pub(crate) scalars: &'a [Scalars],
    pub(crate) scope: Scope,
    /// The sums of all tensors together, for rules that are settled by those.
    pub(crate) total: Option<[f64; MAX_SUMS]>,
    pub(crate) partials: &'a [AtomicU64],
    pub(crate) scratch: *mut f32,
    /// Distinguishes this sweep from every other one.
    pub(crate) id: u64,
}

// SAFETY: the pointers are to memory that outlives the sweep, and the plan hands out every element
// of it to one thread at a time.
unsafe impl Sync for Sweep<'_> {}

/// Buffers of one thread.
pub(crate) struct Workspace {
    pub(crate) staged: Staged,
    pub(crate) direction: Vec<f32>,
    /// Sums of columns.
    pub(crate) columns: Vec<f64>,
    /// The tensor whose sums were added up last: sweep, tensor, sums.
    totals: (u64, u32, [f64; MAX_SUMS]),
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace {
        staged: Staged { gradient: vec![0.0; STAGED], edge: vec![0.0; STAGED] },
        direction: vec![0.0; CHUNK],
        columns: Vec::new(),
        totals: (0, 0, [0.0; MAX_SUMS]),
    });
}

impl Sweep<'_> {
    /// Does one item.
    pub(crate) fn run(&self, stage: Stage, item: &Item) {
        WORKSPACE.with_borrow_mut(|work| match item {
            Item::Whole(range) => range.clone().for_each(|i| self.whole(i, work)),
            Item::Chunk { tensor, start, end, scratch } => {
                self.chunk(stage, *tensor, *start..*end, *scratch, work);
            }
        });
    }

    /// What a tensor's rule is settled for.
    pub(crate) fn layer_of(&self, tensor: usize) -> LayerScalars {
        let place = match self.scope {
            Scope::Group => self.tensors[tensor].group.unwrap_or(0),
            Scope::Parameter => tensor,
            Scope::All => 0,
        };
        let scalars = self.scalars.get(place).copied().unwrap_or_default();
        LayerScalars { len: self.tensors[tensor].len, scalars }
    }

    /// Whether a tensor takes part.
    fn group(&self, tensor: u32) -> Option<usize> {
        let i = tensor as usize;
        match self.gradients[i] {
            Gradient::None if !self.accumulated => None,
            _ => self.tensors[i].group,
        }
    }

    /// A tensor without gradient: its norms are unknown, and only the first average is taken.
    fn left_alone(&self, tensor: u32, range: Range<usize>, stage: Stage) {
        let (average, norms) = match self.task {
            Task::Step { average, .. } => (average.filter(|how| how.momentum == 0.0), stage != Stage::Second),
            Task::Accumulate { average } => (average, false),
            Task::Norm | Task::Centre | Task::Layer | Task::Factor { .. } => (None, false),
        };
        if norms {
            self.keep(tensor, range.start / CHUNK, &[f64::NAN; MAX_SUMS]);
        }
        let trained = self.tensors[tensor as usize].group.is_some();
        let average = average.filter(|how| trained || how.momentum == 0.0);
        self.average(tensor, range, average.map(|how| Average { overwrite: false, ..how }));
    }

    fn whole(&self, tensor: u32, work: &mut Workspace) {
        let range = 0..self.tensors[tensor as usize].len;
        let Some(group) = self.group(tensor) else {
            return self.left_alone(tensor, range, Stage::Only);
        };
        match self.task {
            Task::Norm => self.norm(tensor, range),
            Task::Accumulate { average } => self.accumulate(tensor, range, average),
            Task::Centre => self.find_means(tensor, range, work),
            Task::Layer => self.layer(tensor, range, work),
            Task::Factor { kernels } => self.find_moments(tensor, range, kernels, work),
            Task::Step { kernels, .. } => {
                let kernel = &kernels[self.tensors[tensor as usize].kernel];
                let one = kernel.passes() == Passes::OnePass;
                let mut sums = [[0.0; LANES]; MAX_SUMS];
                if range.len() <= STAGED {
                    return self.short(tensor, group, &mut sums, work);
                }
                let mut totals = [0.0; MAX_SUMS];
                let scratch = (!one).then_some(work.direction.as_mut_ptr());
                if !one {
                    let first = Pass::First(&mut sums);
                    self.span(tensor, group, range.clone(), first, scratch, &mut work.staged);
                    totals = sums.map(|lanes| fold(&lanes));
                    self.keep(tensor, 0, &totals);
                }
                self.span(tensor, group, range, Pass::Last(totals), scratch, &mut work.staged);
            }
        }
    }

    fn chunk(
        &self,
        stage: Stage,
        tensor: u32,
        range: Range<usize>,
        scratch: Option<usize>,
        work: &mut Workspace,
    ) {
        let Some(group) = self.group(tensor) else {
            return self.left_alone(tensor, range, stage);
        };
        let chunk = range.start / CHUNK;
        let one = match self.task {
            Task::Norm => return self.norm(tensor, range),
            Task::Accumulate { average } => return self.accumulate(tensor, range, average),
            Task::Centre => return self.find_means(tensor, range, work),
            Task::Layer => return self.layer(tensor, range, work),
            Task::Factor { kernels } => return self.find_moments(tensor, range, kernels, work),
            Task::Step { kernels, .. } => {
                kernels[self.tensors[tensor as usize].kernel].passes() == Passes::OnePass
            }
        };
        // SAFETY: the plan gives every chunk of a wave a place of its own in the scratch.
        let scratch = scratch.map(|at| unsafe { self.scratch.add(at) });
        match stage {
            Stage::Only => {
                self.span(tensor, group, range, Pass::Last([0.0; MAX_SUMS]), None, &mut work.staged);
            }
            // A rule of one pass among others that pass twice.
            Stage::First if one => {}
            Stage::First => {
                let mut sums = [[0.0; LANES]; MAX_SUMS];
                self.span(tensor, group, range, Pass::First(&mut sums), scratch, &mut work.staged);
                self.keep(tensor, chunk, &sums.map(|lanes| fold(&lanes)));
            }
            Stage::Second => {
                if one {
                    work.totals = (self.id, tensor, [0.0; MAX_SUMS]);
                } else if (work.totals.0, work.totals.1) != (self.id, tensor) {
                    let own = || totals(self.partials, &self.tensors[tensor as usize]);
                    work.totals = (self.id, tensor, self.total.unwrap_or_else(own));
                }
                self.span(tensor, group, range, Pass::Last(work.totals.2), scratch, &mut work.staged);
            }
        }
    }

    /// Stores the sums of one chunk.
    pub(crate) fn keep(&self, tensor: u32, chunk: usize, sums: &[f64; MAX_SUMS]) {
        let first = (self.tensors[tensor as usize].first_chunk + chunk) * MAX_SUMS;
        for (slot, sum) in self.partials[first..first + MAX_SUMS].iter().zip(sums) {
            slot.store(sum.to_bits(), Ordering::Relaxed);
        }
    }

    /// A run of a tensor's gradient.
    pub(crate) fn gradient(&self, tensor: u32, range: Range<usize>) -> Option<Run<'_>> {
        let n = range.len();
        // SAFETY: the gradient is as long as its parameter and nobody writes to it.
        unsafe {
            Some(match self.gradients[tensor as usize] {
                Gradient::Float32(g) => Run::Float32(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::Bfloat16(g) => Run::Bfloat16(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::Float16(g) => Run::Float16(std::slice::from_raw_parts(g.add(range.start), n)),
                Gradient::None => return None,
            })
        }
    }

    /// A run of a tensor's accumulated gradients, padded to whole groups.
    #[allow(clippy::mut_from_ref, reason = "the state is raw memory; a range belongs to one thread")]
    pub(crate) fn accumulated(&self, tensor: u32, range: &Range<usize>) -> Option<&mut [f32]> {
        let array = self.state.tensors[tensor as usize].accumulated.filter(|_| self.accumulated)?;
        let padded = range.start..range.start + range.len().next_multiple_of(LANES);
        Some(self.floats(&array, padded))
    }

    /// [`Sweep::accumulated`] for reading. Ranges of rows overlap in their padding.
    pub(crate) fn accumulated_so_far(&self, tensor: u32, range: &Range<usize>) -> Option<&[f32]> {
        if matches!(self.task, Task::Step { .. }) {
            return self.accumulated(tensor, range).map(|x| &*x);
        }
        let array = self.state.tensors[tensor as usize].accumulated.filter(|_| self.accumulated)?;
        let padded = range.start + range.len().next_multiple_of(LANES);
        Some(&self.state.read(&array, padded)[range.start..])
    }

    /// A run of a parameter.
    #[allow(clippy::mut_from_ref, reason = "the parameter is raw memory; a range belongs to one thread")]
    pub(crate) fn parameter(&self, tensor: u32, range: Range<usize>) -> &mut [f32] {
        // SAFETY: the parameter has these elements; a range belongs to one item, an item to one
        // thread.
        unsafe { std::slice::from_raw_parts_mut(self.params[tensor as usize].add(range.start), range.len()) }
    }

    /// A run of one of a tensor's `float32` arrays.
    #[allow(clippy::mut_from_ref, reason = "the state is raw memory; a range belongs to one thread")]
    pub(crate) fn floats(&self, array: &Array, range: Range<usize>) -> &mut [f32] {
        // SAFETY: a range belongs to one item, an item to one thread.
        unsafe { self.state.floats(array, range) }
    }

    pub(crate) fn average(&self, tensor: u32, range: Range<usize>, average: Option<Average>) {
        if let (Some(how), Some(array)) = (average, &self.state.tensors[tensor as usize].average) {
            let p = self.parameter(tensor, range.clone());
            stages::average(self.isa, how, p, self.floats(array, range));
        }
    }

    /// Lookahead's synchronisation.
    pub(crate) fn synchronise(&self, tensor: u32, range: Range<usize>, sync: SlowSync) {
        let arrays = &self.state.tensors[tensor as usize];
        if let Some(slow) = &arrays.slow {
            let p = self.parameter(tensor, range.clone());
            stages::average(self.isa, sync.how, p, self.floats(slow, range.clone()));
        }
        let slot = arrays.momentum.filter(|_| sync.momentum);
        let Some(momentum) = slot.and_then(|slot| arrays.slots[slot].as_ref()) else { return };
        match &arrays.slow_momentum {
            Some(slow) => {
                let m = self.floats(momentum, range.clone());
                stages::average(self.isa, sync.how, m, self.floats(slow, range));
            }
            // SAFETY: a range belongs to one item, an item to one thread.
            None => unsafe { self.state.tile(momentum, range) }.clear(),
        }
    }

    fn accumulate(&self, tensor: u32, range: Range<usize>, average: Option<Average>) {
        if let (Some(run), Some(sum)) =
            (self.gradient(tensor, range.clone()), self.accumulated(tensor, &range))
        {
            stages::accumulate(self.isa, run, self.prepare.unscale, sum);
        }
        self.average(tensor, range, average);
    }

    fn norm(&self, tensor: u32, range: Range<usize>) {
        let mut sums = [[0.0; LANES]; MAX_SUMS];
        let accumulated = self.accumulated(tensor, &range);
        let chunk = range.start / CHUNK;
        match (self.gradient(tensor, range.clone()), accumulated) {
            (Some(run), a) => {
                stages::sum_squares(self.isa, run, a.as_deref(), self.prepare.unscale, &mut sums)
            }
            (None, Some(a)) => {
                stages::sum_squares(self.isa, Run::Float32(&a[..range.len()]), None, 1.0, &mut sums)
            }
            (None, None) => {}
        }
        self.keep(tensor, chunk, &sums.map(|lanes| fold(&lanes)));
    }
}

/// The sums of a tensor: its chunks', in order.
pub(crate) fn totals(partials: &[AtomicU64], tensor: &Tensor) -> [f64; MAX_SUMS] {
    let mut totals = [0.0; MAX_SUMS];
    for chunk in 0..tensor.chunks() {
        let first = (tensor.first_chunk + chunk) * MAX_SUMS;
        for (total, partial) in totals.iter_mut().zip(&partials[first..]) {
            *total += f64::from_bits(partial.load(Ordering::Relaxed));
        }
    }
    totals
}
