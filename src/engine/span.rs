//! The rule over a run of one tensor, a tile at a time, with the stages around it.

use crate::engine::stages::{self, Average, Prepare, Run, STAGED};
use crate::engine::sweep::{SlowSync, Sweep, Task, Workspace};
use crate::hash::mix;
use crate::kernel::storage::SlotTile;
use crate::kernel::storage::rounding::Rounding;
use crate::kernel::{Kernel, Passes, TileContext};
use crate::kernel::{MAX_SLOTS, MAX_SUMS, Sums, Tile};
use crate::simd::fold;
use std::ops::Range;

/// Copies of a tile.
pub(crate) struct Staged {
    /// Its gradient, prepared.
    pub(crate) gradient: Vec<f32>,
    /// Its parameters, padded.
    pub(crate) edge: Vec<f32>,
}

/// Which pass of the rule is run, with what it needs.
pub(crate) enum Pass<'s> {
    First(&'s mut Sums),
    Last([f64; MAX_SUMS]),
}

/// The gradient of a tensor that has none but takes part in an accumulated update.
static ZEROS: [f32; STAGED] = [0.0; STAGED];

/// Copies `from`, and zeros behind it.
fn fill(to: &mut [f32], from: &[f32]) {
    to[..from.len()].copy_from_slice(from);
    to[from.len()..].fill(0.0);
}

/// What stays the same for all tiles of a tensor in a step.
#[derive(Clone, Copy)]
struct Tiles<'a> {
    kernel: &'a dyn Kernel,
    tensor: usize,
    at: TileContext,
    key: u64,
    nearest: bool,
    average: Option<Average>,
    sync: Option<SlowSync>,
    prepare: Prepare,
    /// Whether the rule may read the gradient where it lies.
    as_is: bool,
}

impl Sweep<'_> {
    fn tiles(&self, tensor: u32, group: usize) -> Option<Tiles<'_>> {
        let Task::Step { kernels, average, sync, nearest, key } = self.task else { return None };
        let i = tensor as usize;
        let storage = self.tensors[i].storage;
        let prepare = self.prepare_of(tensor);
        let run = self.gradient(tensor, 0..0);
        let shaped = self.shaping.is_some_and(|shaping| shaping.touches(i, self.shaped));
        Some(Tiles {
            kernel: &*kernels[self.tensors[i].kernel],
            tensor: i,
            at: TileContext { isa: self.isa, storage, group, layer: self.layer_of(i) },
            key: mix(key ^ self.tensors[i].hash),
            nearest,
            average,
            sync,
            prepare,
            as_is: !self.accumulated && !shaped && run.is_some_and(|run| run.as_is(&prepare).is_some()),
        })
    }

    /// What is done to a tensor's gradient before it is shaped.
    pub(crate) fn prepare_of(&self, tensor: u32) -> Prepare {
        let mut prepare = self.prepare;
        if let Some(factor) = self.factors.get(tensor as usize) {
            prepare.factor *= factor;
        }
        prepare
    }

    /// A tensor of at most [`STAGED`] elements: both passes over one padded copy.
    pub(crate) fn short(&self, tensor: u32, group: usize, sums: &mut Sums, work: &mut Workspace) {
        let Some(tiles) = self.tiles(tensor, group) else { return };
        let n = self.tensors[tiles.tensor].len;
        if n == 0 {
            return self.keep(tensor, 0, &[0.0; MAX_SUMS]);
        }
        let padded = n.next_multiple_of(tiles.at.storage.block());
        let Staged { gradient, edge } = &mut work.staged;
        let (g, p) = (&mut gradient[..padded], &mut edge[..padded]);
        let own = self.parameter(tensor, 0..n);
        fill(p, own);
        match self.gradient(tensor, 0..n) {
            Some(Run::Float32(raw)) if tiles.as_is => fill(g, raw),
            _ => self.prepare(tensor, tiles.prepare, 0..n, own, g),
        }
        let direction = match tiles.kernel.passes() {
            Passes::StateFirst => Some(work.direction.as_mut_ptr()),
            _ => None,
        };
        let mut totals = [0.0; MAX_SUMS];
        if tiles.kernel.passes() != Passes::OnePass {
            self.tile(&tiles, p, g, 0, direction, &mut Pass::First(sums));
            totals = sums.map(|lanes| fold(&lanes));
            self.keep(tensor, 0, &totals);
        }
        self.tile(&tiles, p, g, 0, direction, &mut Pass::Last(totals));
        own.copy_from_slice(&p[..n]);
        self.after(tensor, 0..n, &tiles);
    }

    /// One pass over a range of one tensor. `direction` is where the first pass leaves it.
    pub(crate) fn span(
        &self,
        tensor: u32,
        group: usize,
        range: Range<usize>,
        mut pass: Pass<'_>,
        direction: Option<*mut f32>,
        staged: &mut Staged,
    ) {
        let Some(tiles) = self.tiles(tensor, group) else { return };
        let block = tiles.at.storage.block();
        let last = matches!(pass, Pass::Last(_));
        let scaled = tiles.kernel.passes() == Passes::StateFirst;
        let direction = direction.filter(|_| scaled);
        let reads = !last || tiles.kernel.second_pass_reads_gradient() && direction.is_none();
        let stride = if tiles.as_is || !reads { range.len().max(1) } else { STAGED };
        for start in range.clone().step_by(stride) {
            let end = range.end.min(start + stride);
            let n = end - start;
            // The end of a tensor that is no whole block is copied and padded.
            let full = n - n % block;
            let p = self.parameter(tensor, start..end);
            let raw: &[f32] = match self.gradient(tensor, start..end) {
                _ if !reads => &[],
                Some(Run::Float32(g)) if tiles.as_is => g,
                _ => {
                    let padded = n.next_multiple_of(block);
                    self.prepare(tensor, tiles.prepare, start..end, p, &mut staged.gradient[..padded]);
                    &[]
                }
            };
            // SAFETY: the scratch has room for the range, rounded up to whole blocks.
            let leave = |from: usize| direction.map(|u| unsafe { u.add(from - range.start) });
            let (p, rest) = p.split_at_mut(full);
            if full > 0 {
                let k = if reads { full } else { 0 };
                let g = if tiles.as_is { &raw[..k] } else { &staged.gradient[..k] };
                self.tile(&tiles, p, g, start, leave(start), &mut pass);
            }
            if !rest.is_empty() {
                let edge = &mut staged.edge[..block];
                fill(edge, rest);
                if reads && tiles.as_is {
                    fill(&mut staged.gradient[..block], &raw[full..]);
                } else if reads {
                    staged.gradient.copy_within(full..full + block, 0);
                }
                let g = &staged.gradient[..if reads { block } else { 0 }];
                self.tile(&tiles, edge, g, start + full, leave(start + full), &mut pass);
                if last {
                    rest.copy_from_slice(&edge[..rest.len()]);
                }
            }
            if last {
                self.after(tensor, start..end, &tiles);
            }
        }
    }

    /// Runs the rule over whole blocks.
    fn tile(
        &self,
        tiles: &Tiles<'_>,
        p: &mut [f32],
        g: &[f32],
        from: usize,
        direction: Option<*mut f32>,
        pass: &mut Pass<'_>,
    ) {
        let n = p.len();
        // SAFETY: the caller's scratch has room for `n` elements, which are this thread's.
        let direction = direction.map(|u| unsafe { std::slice::from_raw_parts_mut(u, n) });
        let rounding = Rounding { key: tiles.key, start: from as u64, nearest: tiles.nearest };
        let tile = Tile { p, g, slots: self.slots(tiles.tensor, from..from + n), rounding, direction };
        match pass {
            Pass::First(sums) => tiles.kernel.first(tiles.at, tile, sums),
            Pass::Last(sums) => tiles.kernel.last(tiles.at, sums, tile),
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

    /// Writes the prepared gradient of a range, and zeros behind it. `p` is the parameter there.
    pub(crate) fn prepare(&self, tensor: u32, how: Prepare, range: Range<usize>, p: &[f32], out: &mut [f32]) {
        let accumulated = self.accumulated_so_far(tensor, &range);
        let run = self.gradient(tensor, range.clone()).unwrap_or(Run::Float32(&ZEROS[..range.len()]));
        stages::prepare(self.isa, run, accumulated, how, out);
        self.shape(tensor, range.start, p, &mut out[..range.len()]);
    }

    /// The stages behind the rule.
    fn after(&self, tensor: u32, range: Range<usize>, tiles: &Tiles<'_>) {
        if let Some(accumulated) = self.accumulated(tensor, &range) {
            accumulated.fill(0.0);
        }
        if let Some(sync) = tiles.sync {
            self.synchronise(tensor, range.clone(), sync);
        }
        self.average(tensor, range, tiles.average);
    }
}
