//! The step: the rule over every tensor, tile by tile, then Lookahead and the average.

use crate::engine::average::{Average, SlowSync, average};
use crate::engine::buffers::{Buffers, Gradient};
use crate::engine::derived::DerivedLanes;
use crate::engine::gradient::Run;
use crate::engine::gradient_chain::GradientChain;
use crate::engine::layers::Layers;
use crate::engine::partial_sums::folded;
use crate::engine::pass::{Pass, Workspace, fill, refresh_average};
use crate::engine::plan::{CHUNK, STAGED, Stage};
use crate::hash::mix;
use crate::kernel::storage::rounding::Rounding;
use crate::kernel::storage::{SlotTile, StateDtype};
use crate::kernel::{Kernel, MAX_SLOTS, MAX_SUMS, Passes, Sums, Tile, TileContext};
use crate::simd::LANES;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The pass that updates every tensor.
#[derive(Clone, Copy)]
pub(crate) struct StepPass<'a> {
    pub(crate) buffers: Buffers<'a>,
    pub(crate) chain: GradientChain<'a>,
    pub(crate) derived: DerivedLanes<'a>,
    pub(crate) kernels: &'a [Box<dyn Kernel>],
    pub(crate) layers: Layers<'a>,
    /// The sums over all tensors, for rules that need them.
    pub(crate) total: Option<[f64; MAX_SUMS]>,
    pub(crate) settings: StepSettings,
    /// Scratch memory for directions between the two passes.
    pub(crate) scratch: Scratch,
    /// Distinguishes this pass from every other one: see [`StepPass::next_id`].
    pub(crate) id: u64,
    /// Whether no gradient is changed before the rule sees it, but for its format.
    pub(crate) plain: bool,
    /// Whether nothing happens to a tensor behind the rule.
    pub(crate) ends: bool,
}

/// The operations of a step other than those of the rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepSettings {
    pub(crate) average: Option<Average>,
    pub(crate) sync: Option<SlowSync>,
    /// Key of the random bits of this step.
    pub(crate) key: u64,
    /// Whether narrow states are rounded to nearest.
    pub(crate) nearest: bool,
}

/// Memory for the directions of a wave. The plan gives every chunk a place of its own in it.
#[derive(Clone, Copy)]
pub(crate) struct Scratch(pub(crate) *mut f32);

// SAFETY: see above; the places do not overlap.
unsafe impl Sync for Scratch {}
// SAFETY: as above.
unsafe impl Send for Scratch {}

/// The pass of the rule that is run, with its data.
enum RulePass<'s> {
    First(&'s mut Sums),
    Last([f64; MAX_SUMS]),
}

/// Data that is the same for all tiles of a tensor.
#[derive(Clone, Copy)]
struct Tensor<'a> {
    index: usize,
    kernel: &'a dyn Kernel,
    at: TileContext,
    key: u64,
    /// Whether the rule may read the gradient without a copy.
    as_is: bool,
    /// Whether any slot is derived.
    derived: bool,
}

impl Pass for StepPass<'_> {
    fn several(&self, tensors: Range<usize>, buffers: &Buffers<'_>, work: &mut Workspace) {
        let mut next = tensors.start;
        while next < tensors.end {
            let goes_on = buffers.tensors[..tensors.end].get(next + 1).is_some_and(|tensor| tensor.follows);
            let end = if goes_on { self.bundle(next..tensors.end) } else { next + 1 };
            if end > next + 1 {
                self.together(next..end, work);
            } else {
                self.whole(next, buffers.tensors[next].len, work);
            }
            next = end;
        }
    }

    fn whole(&self, tensor: usize, len: usize, work: &mut Workspace) {
        let Some(tensor) = self.tensor(tensor) else {
            return self.left_alone(tensor, 0..len, Stage::Only);
        };
        if len <= STAGED {
            return self.short(&tensor, len, work);
        }
        let mut totals = [0.0; MAX_SUMS];
        let mut direction = None;
        if tensor.kernel.passes() != Passes::OnePass {
            direction = Some(work.direction.as_mut_ptr());
            let mut sums = [[0.0; LANES]; MAX_SUMS];
            self.span(&tensor, 0..len, RulePass::First(&mut sums), direction, work);
            totals = folded(&sums);
            self.store_sums(&tensor, 0, &totals);
        }
        self.span(&tensor, 0..len, RulePass::Last(totals), direction, work);
    }

    fn chunk(
        &self,
        stage: Stage,
        tensor: usize,
        range: Range<usize>,
        scratch: Option<usize>,
        work: &mut Workspace,
    ) {
        let Some(tensor) = self.tensor(tensor) else {
            return self.left_alone(tensor, range, stage);
        };
        let one_pass = tensor.kernel.passes() == Passes::OnePass;
        // SAFETY: the plan gives every chunk of a wave a place of its own in the scratch.
        let direction = scratch.map(|at| unsafe { self.scratch.0.add(at) });
        match stage {
            Stage::Only => self.span(&tensor, range, RulePass::Last([0.0; MAX_SUMS]), None, work),
            // A rule of one pass in a plan with two.
            Stage::First if one_pass => {}
            Stage::First => {
                let mut sums = [[0.0; LANES]; MAX_SUMS];
                self.span(&tensor, range.clone(), RulePass::First(&mut sums), direction, work);
                self.store_sums(&tensor, range.start, &folded(&sums));
            }
            Stage::Second => {
                if one_pass {
                    work.totals = (self.id, tensor.index, [0.0; MAX_SUMS]);
                } else if (work.totals.0, work.totals.1) != (self.id, tensor.index) {
                    let own = || self.layers.sums.total(self.buffers.tensors[tensor.index].chunks);
                    work.totals = (self.id, tensor.index, self.total.unwrap_or_else(own));
                }
                self.span(&tensor, range, RulePass::Last(work.totals.2), direction, work);
            }
        }
    }
}

impl<'a> StepPass<'a> {
    /// A number that no other pass has, for data that threads keep between items.
    pub(crate) fn next_id() -> u64 {
        static PASSES: AtomicU64 = AtomicU64::new(1);
        PASSES.fetch_add(1, Ordering::Relaxed)
    }

    /// A tensor that takes part in the update.
    fn tensor(&self, index: usize) -> Option<Tensor<'a>> {
        let group = self.buffers.group(index)?;
        let own = &self.buffers.tensors[index];
        let kernel = &*self.kernels[own.kernel];
        let plain = self.plain || !self.buffers.accumulates && self.chain.leaves_alone(index);
        Some(Tensor {
            index,
            kernel,
            at: TileContext {
                isa: self.buffers.isa,
                storage: own.storage,
                group,
                layer: self.layers.scalars_of(&self.buffers, index),
            },
            // Only narrow states are rounded.
            key: if own.storage == StateDtype::Float32 { 0 } else { mix(self.settings.key ^ own.hash) },
            as_is: plain && matches!(self.buffers.gradients[index], Gradient::Float32(_)),
            derived: DerivedLanes::wanted(kernel.slots()),
        })
    }

    fn store_sums(&self, tensor: &Tensor<'_>, start: usize, sums: &[f64; MAX_SUMS]) {
        self.layers.sums.store(self.buffers.tensors[tensor.index].chunks, start, sums);
    }

    /// The end of the tensors that go into one tile with the first of these.
    fn bundle(&self, tensors: Range<usize>) -> usize {
        let all = self.buffers.tensors;
        let is_float32 = |i: usize| matches!(self.buffers.gradients[i], Gradient::Float32(_));
        let mut elements = all[tensors.start].len.next_multiple_of(LANES);
        let mut end = tensors.start + 1;
        if self.plain && self.ends && is_float32(tensors.start) {
            while end < tensors.end && all[end].follows && is_float32(end) {
                elements += all[end].len.next_multiple_of(LANES);
                if elements > STAGED {
                    break;
                }
                end += 1;
            }
        }
        end
    }

    /// Small tensors whose states follow each other, for a rule that takes each element by itself: copied and padded
    /// into one tile.
    fn together(&self, tensors: Range<usize>, work: &mut Workspace) {
        let Some(first) = self.tensor(tensors.start) else { return };
        let Workspace { gradient, edge, lanes, .. } = work;
        let places = || {
            let mut end = 0;
            tensors.clone().map(move |i| {
                let n = self.buffers.tensors[i].len;
                let start = end;
                end += n.next_multiple_of(LANES);
                (i, n, start..end)
            })
        };
        let mut elements = 0;
        for (i, n, place) in places() {
            elements = place.end;
            // SAFETY: the tensors are this item's.
            let (p, g) = unsafe { (self.buffers.parameter(i, 0..n), self.buffers.gradient(i, 0..n)) };
            fill(&mut edge[place.clone()], p);
            if let Some(Run::Float32(g)) = g {
                fill(&mut gradient[place], g);
            }
        }
        let (p, g) = (&mut edge[..elements], &gradient[..elements]);
        self.tile(&first, p, g, 0, None, &mut RulePass::Last([0.0; MAX_SUMS]), lanes);
        for (i, n, place) in places() {
            // SAFETY: as above.
            let p = unsafe { self.buffers.parameter(i, 0..n) };
            p.copy_from_slice(&edge[place.start..place.start + n]);
        }
    }

    /// A tensor that is not updated: its norms are NaN, and its average starts as a copy.
    fn left_alone(&self, tensor: usize, range: Range<usize>, stage: Stage) {
        if stage != Stage::Second {
            let chunks = self.buffers.tensors[tensor].chunks;
            self.layers.sums.store(chunks, range.start, &[f64::NAN; MAX_SUMS]);
        }
        let first = self.settings.average.filter(|how| how.momentum == 0.0);
        let how = first.map(|how| Average { overwrite: false, ..how });
        // SAFETY: the range is this item's.
        unsafe { refresh_average(&self.buffers, tensor, range, how) };
    }

    /// A tensor of at most [`STAGED`] elements: both passes over one tile. It is copied and padded where it is not a
    /// number of whole blocks.
    fn short(&self, tensor: &Tensor<'_>, n: usize, work: &mut Workspace) {
        if n == 0 {
            return self.store_sums(tensor, 0, &[0.0; MAX_SUMS]);
        }
        let padded = n.next_multiple_of(tensor.at.storage.block());
        let Workspace { gradient, edge, lanes, direction, .. } = work;
        // SAFETY: the tensor is this item's.
        let (p, raw) = unsafe {
            (self.buffers.parameter(tensor.index, 0..n), self.buffers.gradient(tensor.index, 0..n))
        };
        let g = match raw {
            Some(Run::Float32(raw)) if tensor.as_is && n == padded => raw,
            Some(Run::Float32(raw)) if tensor.as_is => {
                fill(&mut gradient[..padded], raw);
                &gradient[..padded]
            }
            _ => {
                // SAFETY: as above.
                unsafe { self.chain.write(&self.buffers, tensor.index, 0..n, p, &mut gradient[..padded]) };
                &gradient[..padded]
            }
        };
        if n == padded {
            self.both(tensor, p, g, direction, lanes);
        } else {
            let edge = &mut edge[..padded];
            fill(edge, p);
            self.both(tensor, edge, g, direction, lanes);
            p.copy_from_slice(&edge[..n]);
        }
        if !self.ends {
            self.after(tensor.index, 0..n);
        }
    }

    /// Both passes over a tensor of one tile.
    fn both(
        &self,
        tensor: &Tensor<'_>,
        p: &mut [f32],
        g: &[f32],
        direction: &mut [f32],
        lanes: &mut [Vec<f32>; MAX_SLOTS],
    ) {
        let passes = tensor.kernel.passes();
        let mut totals = [0.0; MAX_SUMS];
        let direction = (passes == Passes::StateFirst).then_some(direction.as_mut_ptr());
        if passes != Passes::OnePass {
            let mut sums = [[0.0; LANES]; MAX_SUMS];
            self.tile(tensor, p, g, 0, direction, &mut RulePass::First(&mut sums), lanes);
            totals = folded(&sums);
            self.store_sums(tensor, 0, &totals);
        }
        self.tile(tensor, p, g, 0, direction, &mut RulePass::Last(totals), lanes);
    }

    /// One pass over a range of one tensor. The first pass stores the direction in `direction`.
    fn span(
        &self,
        tensor: &Tensor<'_>,
        range: Range<usize>,
        mut pass: RulePass<'_>,
        direction: Option<*mut f32>,
        work: &mut Workspace,
    ) {
        let block = tensor.at.storage.block();
        let last = matches!(pass, RulePass::Last(_));
        let direction = direction.filter(|_| tensor.kernel.passes() == Passes::StateFirst);
        let reads = !last || tensor.kernel.second_pass_reads_gradient() && direction.is_none();
        let staged = tensor.derived || reads && !tensor.as_is;
        let stride = if staged { STAGED } else { range.len().max(1) };
        let Workspace { gradient, edge, lanes, .. } = work;
        for start in range.clone().step_by(stride) {
            let end = range.end.min(start + stride);
            let n = end - start;
            // The end of a tensor that is not a whole block is copied and padded.
            let full = n - n % block;
            // SAFETY: the range is this item's.
            let (p, raw) = unsafe {
                (
                    self.buffers.parameter(tensor.index, start..end),
                    self.buffers.gradient(tensor.index, start..end),
                )
            };
            let raw: &[f32] = match raw {
                _ if !reads => &[],
                Some(Run::Float32(g)) if tensor.as_is => g,
                _ => {
                    let out = &mut gradient[..n.next_multiple_of(block)];
                    // SAFETY: as above.
                    unsafe { self.chain.write(&self.buffers, tensor.index, start..end, p, out) };
                    &[]
                }
            };
            // SAFETY: the scratch has room for the range, rounded up to whole blocks.
            let leave = |from: usize| direction.map(|u| unsafe { u.add(from - range.start) });
            let (p, rest) = p.split_at_mut(full);
            if full > 0 {
                let k = if reads { full } else { 0 };
                let g = if tensor.as_is { &raw[..k] } else { &gradient[..k] };
                self.tile(tensor, p, g, start, leave(start), &mut pass, lanes);
            }
            if !rest.is_empty() {
                let edge = &mut edge[..block];
                fill(edge, rest);
                if reads && tensor.as_is {
                    fill(&mut gradient[..block], &raw[full..]);
                } else if reads {
                    gradient.copy_within(full..full + block, 0);
                }
                let g = &gradient[..if reads { block } else { 0 }];
                self.tile(tensor, edge, g, start + full, leave(start + full), &mut pass, lanes);
                if last {
                    rest.copy_from_slice(&edge[..rest.len()]);
                }
            }
            if last && !self.ends {
                self.after(tensor.index, start..end);
            }
        }
    }

    /// Runs the rule over whole blocks.
    #[allow(clippy::too_many_arguments, reason = "a tile, where it lies, and the buffers for it")]
    fn tile(
        &self,
        tensor: &Tensor<'_>,
        p: &mut [f32],
        g: &[f32],
        from: usize,
        direction: Option<*mut f32>,
        pass: &mut RulePass<'_>,
        lanes: &mut [Vec<f32>; MAX_SLOTS],
    ) {
        let n = p.len();
        // The second pass along a direction that was kept does not read the states.
        let reads_states = direction.is_none() || matches!(pass, RulePass::First(_));
        // SAFETY: the caller's scratch has room for `n` elements, which are this thread's; a range
        // belongs to one item, an item to one thread.
        let mut tile = unsafe {
            Tile {
                direction: direction.map(|u| std::slice::from_raw_parts_mut(u, n)),
                slots: if reads_states {
                    self.buffers.slots(tensor.index, from..from + n)
                } else {
                    std::array::from_fn(|_| SlotTile::empty())
                },
                rounding: Rounding { key: tensor.key, start: from as u64, nearest: self.settings.nearest },
                p,
                g,
            }
        };
        if tensor.derived {
            let len = n.min(self.buffers.tensors[tensor.index].len - from);
            let own = tensor.kernel.slots().iter().zip(lanes.iter_mut());
            for (k, (slot, lanes)) in own.enumerate().filter(|(_, (slot, _))| slot.derived.is_some()) {
                let lanes = &mut lanes[..n];
                self.derived.fill(self.buffers.isa, tensor.index, (k, slot), from, len, lanes);
                tile.slots[k] = SlotTile::Float32(lanes);
            }
        }
        match pass {
            RulePass::First(sums) => tensor.kernel.first(tensor.at, tile, sums),
            RulePass::Last(sums) => tensor.kernel.last(tensor.at, sums, tile),
        }
    }

    /// Clears the accumulated gradient, and updates the slow weights and the average.
    fn after(&self, tensor: usize, range: Range<usize>) {
        // SAFETY: the range is this item's.
        unsafe {
            if let Some(accumulated) = self.buffers.accumulated(tensor, &range) {
                accumulated.fill(0.0);
            }
            if let Some(sync) = self.settings.sync {
                self.synchronize(tensor, range.clone(), sync);
            }
            refresh_average(&self.buffers, tensor, range, self.settings.average);
        }
    }

    /// Lookahead's synchronization.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    unsafe fn synchronize(&self, tensor: usize, range: Range<usize>, sync: SlowSync) {
        let Buffers { isa, state, .. } = self.buffers;
        let arrays = &state.tensors[tensor];
        // SAFETY: passed on to the caller.
        unsafe {
            if let Some(slow) = &arrays.slow {
                let p = self.buffers.parameter(tensor, range.clone());
                average(isa, sync.how, p, self.buffers.floats(slow, range.clone()));
            }
            let slot = arrays.pulled_back.filter(|_| sync.momentum);
            let Some(momentum) = slot.and_then(|slot| arrays.slots[slot].as_ref()) else { return };
            match &arrays.slow_momentum {
                Some(slow) => {
                    let m = self.buffers.floats(momentum, range.clone());
                    average(isa, sync.how, m, self.buffers.floats(slow, range));
                }
                None => state.tile(momentum, range).clear(),
            }
        }
    }
}

const _: () = assert!(STAGED <= CHUNK, "a tensor that is staged whole is at most one chunk");
