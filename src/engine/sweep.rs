//! One pass of the engine over all tensors: a step, an accumulation, or the norms of gradients.

use crate::engine::kernels::{MAX_SLOTS, MAX_SUMS, Sums, Tile};
use crate::engine::plan::{CHUNK, Item, Stage};
use crate::engine::stages::{self, Average, Prepare, Run, STAGED};
use crate::engine::state::State;
use crate::engine::stepper::{At, Passes, Stepper};
use crate::engine::storage::rounding::Rounding;
use crate::engine::storage::{SlotTile, StateDtype};
use crate::scalars::mix;
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

/// What a sweep does to each tensor.
#[derive(Clone, Copy)]
pub(crate) enum Task<'a> {
    /// Runs the rule, then the stages behind it.
    Step { stepper: &'a dyn Stepper, average: Option<Average>, nearest: bool, key: u64 },
    /// Adds the gradient to the accumulated ones, refreshes the average where asked.
    Accumulate { average: Option<Average> },
    /// Sums the squares of the gradient.
    Norm,
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
    pub(crate) state: &'a State,
    pub(crate) partials: &'a [AtomicU64],
    pub(crate) scratch: *mut f32,
    /// Distinguishes this sweep from every other one.
    pub(crate) id: u64,
}

// SAFETY: the pointers are to memory that outlives the sweep, and the plan hands out every element
// of it to one thread at a time.
unsafe impl Sync for Sweep<'_> {}

/// Copies of a tile.
struct Staged {
    /// Its gradient, prepared.
    gradient: Vec<f32>,
    /// Its parameters, padded.
    edge: Vec<f32>,
}

/// The gradient of a tensor that has none but takes part in an accumulated update.
static ZEROS: [f32; STAGED] = [0.0; STAGED];

/// Copies `from`, and zeros behind it.
fn fill(to: &mut [f32], from: &[f32]) {
    to[..from.len()].copy_from_slice(from);
    to[from.len()..].fill(0.0);
}

/// Buffers of one thread.
struct Workspace {
    staged: Staged,
    direction: Vec<f32>,
    /// The tensor whose sums were added up last: sweep, tensor, sums.
    totals: (u64, u32, [f64; MAX_SUMS]),
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace {
        staged: Staged { gradient: vec![0.0; STAGED], edge: vec![0.0; STAGED] },
        direction: vec![0.0; CHUNK],
        totals: (0, 0, [0.0; MAX_SUMS]),
    });
}

/// Which pass of the rule a span is run for, with what it needs.
enum Pass<'s> {
    First(&'s mut Sums),
    Last([f64; MAX_SUMS]),
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
            Task::Norm => (None, false),
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
            Task::Step { stepper, .. } => {
                let mut totals = [0.0; MAX_SUMS];
                let mut direction = None;
                if stepper.passes() != Passes::One {
                    let mut sums = [[0.0; LANES]; MAX_SUMS];
                    let (gradient, scratch) = (&mut work.staged, work.direction.as_mut_ptr());
                    self.span(tensor, group, range.clone(), Pass::First(&mut sums), Some(scratch), gradient);
                    totals = sums.map(|lanes| fold(&lanes));
                    self.keep(tensor, 0, &totals);
                    direction = Some(scratch);
                }
                self.span(tensor, group, range, Pass::Last(totals), direction, &mut work.staged);
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
        match self.task {
            Task::Norm => return self.norm(tensor, range),
            Task::Accumulate { average } => return self.accumulate(tensor, range, average),
            Task::Step { .. } => {}
        }
        // SAFETY: the plan gives every chunk of a wave a place of its own in the scratch.
        let scratch = scratch.map(|at| unsafe { self.scratch.add(at) });
        match stage {
            Stage::Only => {
                self.span(tensor, group, range, Pass::Last([0.0; MAX_SUMS]), None, &mut work.staged);
            }
            Stage::First => {
                let mut sums = [[0.0; LANES]; MAX_SUMS];
                self.span(tensor, group, range, Pass::First(&mut sums), scratch, &mut work.staged);
                self.keep(tensor, chunk, &sums.map(|lanes| fold(&lanes)));
            }
            Stage::Second => {
                if (work.totals.0, work.totals.1) != (self.id, tensor) {
                    work.totals = (self.id, tensor, totals(self.partials, &self.tensors[tensor as usize]));
                }
                self.span(tensor, group, range, Pass::Last(work.totals.2), scratch, &mut work.staged);
            }
        }
    }

    /// Stores the sums of one chunk.
    fn keep(&self, tensor: u32, chunk: usize, sums: &[f64; MAX_SUMS]) {
        let first = (self.tensors[tensor as usize].first_chunk + chunk) * MAX_SUMS;
        for (slot, sum) in self.partials[first..first + MAX_SUMS].iter().zip(sums) {
            slot.store(sum.to_bits(), Ordering::Relaxed);
        }
    }

    /// A run of a tensor's gradient.
    fn gradient(&self, tensor: u32, range: Range<usize>) -> Option<Run<'_>> {
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
    fn accumulated(&self, tensor: u32, range: &Range<usize>) -> Option<&mut [f32]> {
        let array = self.state.tensors[tensor as usize].accumulated.filter(|_| self.accumulated)?;
        let padded = range.start..range.start + range.len().next_multiple_of(LANES);
        // SAFETY: a range belongs to one item, an item to one thread.
        Some(unsafe { self.state.floats(&array, padded) })
    }

    /// Runs the rule over a range of one tensor, a tile at a time, and the stages around it.
    fn span(
        &self,
        tensor: u32,
        group: usize,
        range: Range<usize>,
        mut pass: Pass<'_>,
        direction: Option<*mut f32>,
        staged: &mut Staged,
    ) {
        let Task::Step { stepper, average, nearest, key } = self.task else {
            return;
        };
        let i = tensor as usize;
        let storage = self.tensors[i].storage;
        let granule = storage.granule();
        let at = At { isa: self.isa, storage, group };
        let key = mix(key ^ self.tensors[i].hash);
        let last = matches!(pass, Pass::Last(_));
        let mut prepare = self.prepare;
        if let Some(factor) = self.factors.get(i) {
            prepare.factor *= factor;
        }
        let needs_gradient = !last
            || stepper.second_pass_reads_gradient()
                && (direction.is_none() || stepper.passes() != Passes::AdvanceThenApply);
        let direction = direction.filter(|_| stepper.passes() == Passes::AdvanceThenApply);
        let as_is = !needs_gradient
            || self.gradient(tensor, 0..0).is_some_and(|run| {
                run.as_is(&prepare, self.accumulated(tensor, &(0..0)).as_deref()).is_some()
            });
        let stride = if as_is { range.len().max(1) } else { STAGED };
        for start in range.clone().step_by(stride) {
            let end = range.end.min(start + stride);
            let n = end - start;
            // From here on the tile is copied and padded to a granule: its end, or a short tile whole.
            let edge = match n % granule {
                0 => end,
                _ if n <= STAGED => start,
                rest => end - rest,
            };
            // SAFETY: the parameter has this many elements; the range is this thread's.
            let p = unsafe { std::slice::from_raw_parts_mut(self.params[i].add(start), n) };
            let raw: &[f32] = match self.gradient(tensor, start..end) {
                Some(Run::Float32(g)) if as_is && needs_gradient => g,
                _ if as_is => &[],
                run => {
                    let accumulated = self.accumulated(tensor, &(start..end));
                    let run = run.unwrap_or(Run::Float32(&ZEROS[..n]));
                    let padded = n.next_multiple_of(granule);
                    stages::prepare(
                        self.isa,
                        run,
                        accumulated.as_deref(),
                        prepare,
                        &mut staged.gradient[..padded],
                    );
                    &[]
                }
            };
            let mut run_tile = |p: &mut [f32], g: &[f32], from: usize| {
                let n = p.len();
                // SAFETY: the scratch has room for the range, rounded up to whole blocks.
                let direction = direction
                    .map(|u| unsafe { std::slice::from_raw_parts_mut(u.add(from - range.start), n) });
                let rounding = Rounding { key, start: from as u64, nearest };
                let tile = Tile { p, g, slots: self.slots(i, from..from + n), rounding, direction };
                match &mut pass {
                    Pass::First(sums) => stepper.first(at, tile, sums),
                    Pass::Last(sums) => stepper.last(at, sums, tile),
                }
            };
            let (full, rest) = p.split_at_mut(edge - start);
            if !full.is_empty() {
                let k = if needs_gradient { full.len() } else { 0 };
                run_tile(full, if as_is { &raw[..k] } else { &staged.gradient[..k] }, start);
            }
            if !rest.is_empty() {
                let (k, padded) = (rest.len(), rest.len().next_multiple_of(granule));
                fill(&mut staged.edge[..padded], rest);
                if as_is && needs_gradient {
                    fill(&mut staged.gradient[..padded], &raw[edge - start..]);
                }
                let g = if needs_gradient { &staged.gradient[..padded] } else { &[] };
                run_tile(&mut staged.edge[..padded], g, edge);
                if last {
                    rest.copy_from_slice(&staged.edge[..k]);
                }
            }
            if last {
                self.after(tensor, start..end, average);
            }
        }
    }

    /// The slots of a tile.
    fn slots(&self, tensor: usize, range: Range<usize>) -> [SlotTile<'_>; MAX_SLOTS] {
        let arrays = &self.state.tensors[tensor].slots;
        std::array::from_fn(|k| match &arrays[k] {
            // SAFETY: a range belongs to one item, an item to one thread.
            Some(array) => unsafe { self.state.tile(array, range.clone()) },
            None => SlotTile::Float32(&mut []),
        })
    }

    /// The stages behind the rule.
    fn after(&self, tensor: u32, range: Range<usize>, average: Option<Average>) {
        if let Some(accumulated) = self.accumulated(tensor, &range) {
            accumulated.fill(0.0);
        }
        self.average(tensor, range, average);
    }

    fn average(&self, tensor: u32, range: Range<usize>, average: Option<Average>) {
        let i = tensor as usize;
        if let (Some(how), Some(array)) = (average, &self.state.tensors[i].average) {
            // SAFETY: the range is this thread's, in the parameter and in its average.
            let (p, a) = unsafe {
                let p = std::slice::from_raw_parts_mut(self.params[i].add(range.start), range.len());
                (p, self.state.floats(array, range))
            };
            stages::average(self.isa, how, p, a);
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
