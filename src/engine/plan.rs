//! The plan of a step, which assigns each part of each tensor to a phase and a thread.
//!
//! A tensor is cut into chunks of [`CHUNK`] elements, a constant: sums are kept per chunk and
//! added in order, so they do not depend on the plan. Tensors of at most one chunk are updated whole,
//! several of them in one item. Larger tensors are updated chunk by chunk. For rules of two passes they
//! form waves: all threads pass over a wave once, then a second time in reverse order, while the end of
//! the wave is still in cache.

use std::ops::Range;

/// Elements of a chunk. Part of the numeric contract.
pub(crate) const CHUNK: usize = 16_384;
/// Elements that are copied at a time, where a copy is needed; it stays in the first-level cache.
pub(crate) const STAGED: usize = 1024;
/// Elements of a wave for each thread, which fit into its share of the caches.
const WAVE_PER_THREAD: usize = 262_144;
/// Elements of a larger wave whose direction each thread keeps; they fit into its own cache.
const HOT_PER_THREAD: usize = 65_536;
/// Number of elements for which one more thread is used.
const PER_THREAD: usize = 32_768;

/// A piece of work for one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Whole tensors, every pass.
    Whole(Range<u32>),
    /// Elements `start..end` of a tensor. `scratch` is the offset of its direction in the scratch memory.
    Chunk { tensor: u32, start: usize, end: usize, scratch: Option<usize> },
}

/// The purpose of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The only pass: rules of one pass, and passes that do not run a rule.
    Only,
    /// The first of two passes; whole tensors get both.
    First,
    /// The second of two passes.
    Second,
}

/// Items that may run at the same time, in any order.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) stage: Stage,
    /// The items of thread 0, then those of thread 1, ...
    pub(crate) items: Vec<Item>,
    /// The start of each thread's share, and the end of the last one.
    pub(crate) shares: Vec<u32>,
}

/// The phases of a step for a number of threads.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) threads: usize,
    pub(crate) phases: Vec<Phase>,
    /// Elements of scratch that the directions of a wave need.
    pub(crate) scratch: usize,
}

/// The number of threads to use for this number of elements, of those that are available.
pub(crate) fn useful_threads(elements: usize, available: usize) -> usize {
    (elements / PER_THREAD).clamp(1, available.max(1))
}

impl Plan {
    /// One phase over all tensors.
    pub(crate) fn single(lengths: &[usize], threads: usize) -> Plan {
        Plan::of(Stage::Only, pieces(lengths, 0..lengths.len(), threads, &[]), lengths, threads)
    }

    /// One phase over these items.
    pub(crate) fn of(stage: Stage, items: Vec<Item>, lengths: &[usize], threads: usize) -> Plan {
        Plan { threads, phases: vec![Phase::new(stage, items, threads, lengths)], scratch: 0 }
    }

    /// Separate plans for the two passes over some tensors. Every tensor is cut into chunks. With
    /// `keep_direction` the directions of a tensor are contiguous in the scratch memory, from the offset
    /// that is returned for it.
    pub(crate) fn split(
        lengths: &[usize],
        tensors: &[usize],
        threads: usize,
        keep_direction: bool,
    ) -> ([Plan; 2], Vec<usize>) {
        let mut items = Vec::new();
        let (mut places, mut used) = (Vec::new(), 0);
        for &i in tensors {
            places.push(used);
            items.extend((0..lengths[i]).step_by(CHUNK).map(|start| Item::Chunk {
                tensor: i as u32,
                start,
                end: lengths[i].min(start + CHUNK),
                scratch: keep_direction.then_some(used + start),
            }));
            used += lengths[i].next_multiple_of(256);
        }
        let mut first = Plan::of(Stage::First, items, lengths, threads);
        first.scratch = if keep_direction { used } else { 0 };
        let second = Plan { threads, phases: vec![first.phases[0].backwards()], scratch: 0 };
        ([first, second], places)
    }

    /// Two phases for each wave. With `keep_direction` the first phase stores the direction for the second
    /// where it stays in cache. Tensors that are `left_out` are skipped.
    pub(crate) fn waves(lengths: &[usize], threads: usize, keep_direction: bool, left_out: &[bool]) -> Plan {
        let capacity = WAVE_PER_THREAD * threads;
        let mut plan = Plan { threads, phases: Vec::new(), scratch: 0 };
        let mut first = 0;
        while first < lengths.len() {
            let mut end = first + 1;
            let mut total = lengths[first];
            // Tensors that are updated whole are not passed over again, so any number of them is one wave.
            let mut whole = total <= CHUNK;
            while end < lengths.len() && (total + lengths[end] <= capacity || whole && lengths[end] <= CHUNK)
            {
                total += lengths[end];
                whole &= lengths[end] <= CHUNK;
                end += 1;
            }
            let room = match (keep_direction, total <= capacity) {
                (false, _) => 0,
                (true, true) => usize::MAX,
                (true, false) => HOT_PER_THREAD,
            };
            plan.wave(lengths, first..end, room, left_out);
            first = end;
        }
        plan
    }

    /// Two phases over some tensors. Each thread stores the direction of its last `room` elements, which
    /// it visits first in the second phase.
    fn wave(&mut self, lengths: &[usize], tensors: Range<usize>, room: usize, left_out: &[bool]) {
        let items = pieces(lengths, tensors, self.threads, left_out);
        let mut first = Phase::new(Stage::First, items, self.threads, lengths);
        let mut used = 0;
        for share in first.shares.windows(2) {
            let mut left = room;
            for item in first.items[share[0] as usize..share[1] as usize].iter_mut().rev() {
                if let Item::Chunk { start, end, scratch, .. } = item
                    && *end - *start <= left
                {
                    left -= *end - *start;
                    *scratch = Some(used);
                    used += (*end - *start).next_multiple_of(256);
                }
            }
        }
        self.scratch = self.scratch.max(used);
        let second = first.backwards();
        self.phases.push(first);
        if !second.items.is_empty() {
            self.phases.push(second);
        }
    }
}

/// Chunks of the large tensors and runs of the small ones, in order. Runs are short enough that
/// every thread gets several.
fn pieces(lengths: &[usize], tensors: Range<usize>, threads: usize, left_out: &[bool]) -> Vec<Item> {
    let total: usize = lengths[tensors.clone()].iter().sum();
    let run = (total / (threads * 8)).clamp(1024, CHUNK);
    let mut items = Vec::new();
    let mut open: Option<(Range<u32>, usize)> = None;
    for i in tensors {
        let len = lengths[i];
        let tensor = i as u32;
        if left_out.get(i).copied().unwrap_or(false) {
            items.extend(open.take().map(|(range, _)| Item::Whole(range)));
        } else if len > CHUNK {
            items.extend(open.take().map(|(range, _)| Item::Whole(range)));
            items.extend((0..len).step_by(CHUNK).map(|start| Item::Chunk {
                tensor,
                start,
                end: len.min(start + CHUNK),
                scratch: None,
            }));
        } else {
            open = match open {
                Some((range, elements)) if elements + len <= run => {
                    Some((range.start..tensor + 1, elements + len))
                }
                other => {
                    items.extend(other.map(|(range, _)| Item::Whole(range)));
                    Some((tensor..tensor + 1, len))
                }
            };
        }
    }
    items.extend(open.map(|(range, _)| Item::Whole(range)));
    items
}

impl Item {
    fn elements(&self, lengths: &[usize]) -> usize {
        match self {
            // Every tensor has a fixed cost, even a tiny one.
            Item::Whole(range) => range.clone().map(|i| lengths[i as usize] + 256).sum(),
            Item::Chunk { start, end, .. } => end - start,
        }
    }
}

impl Phase {
    fn new(stage: Stage, items: Vec<Item>, threads: usize, lengths: &[usize]) -> Phase {
        let total: usize = items.iter().map(|item| item.elements(lengths)).sum();
        let mut shares = vec![0u32];
        let mut done = 0;
        for (i, item) in items.iter().enumerate() {
            // An item belongs to the share that contains its middle.
            let middle = done + item.elements(lengths) / 2;
            while shares.len() < threads && middle * threads >= total * shares.len() {
                shares.push(i as u32);
            }
            done += item.elements(lengths);
        }
        shares.resize(threads + 1, items.len() as u32);
        Phase { stage, items, shares }
    }

    /// The second pass: each thread takes its own chunks again, the last one first.
    fn backwards(&self) -> Phase {
        let mut second = Phase { stage: Stage::Second, items: Vec::new(), shares: vec![0] };
        for share in self.shares.windows(2) {
            let own = &self.items[share[0] as usize..share[1] as usize];
            second.items.extend(own.iter().rev().filter(|item| matches!(item, Item::Chunk { .. })).cloned());
            second.shares.push(second.items.len() as u32);
        }
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(plan: &Plan, lengths: &[usize], stages: &[Stage]) -> Vec<usize> {
        let mut seen = vec![0; lengths.len()];
        for phase in plan.phases.iter().filter(|phase| stages.contains(&phase.stage)) {
            for item in &phase.items {
                match item {
                    Item::Whole(range) => range.clone().for_each(|i| seen[i as usize] += lengths[i as usize]),
                    Item::Chunk { tensor, start, end, .. } => {
                        assert_eq!(start % CHUNK, 0);
                        seen[*tensor as usize] += end - start;
                    }
                }
            }
        }
        seen
    }

    #[test]
    fn every_element_is_covered_once_by_any_number_of_threads() {
        let lengths: Vec<usize> = [0, 1, 17, CHUNK, CHUNK + 1, 5 * CHUNK, 3, 0, 900_000]
            .into_iter()
            .chain((0..500).map(|i| i * 7))
            .collect();
        for threads in [1, 2, 3, 7, 64, 128] {
            let single = Plan::single(&lengths, threads);
            assert_eq!(covered(&single, &lengths, &[Stage::Only]), lengths);
            let waves = Plan::waves(&lengths, threads, true, &[]);
            assert_eq!(covered(&waves, &lengths, &[Stage::First]), lengths);
            let large: Vec<usize> = lengths.iter().map(|&n| if n > CHUNK { n } else { 0 }).collect();
            assert_eq!(covered(&waves, &lengths, &[Stage::Second]), large);
            for phase in single.phases.iter().chain(&waves.phases) {
                assert_eq!(phase.shares.len(), threads + 1);
                assert_eq!(*phase.shares.last().unwrap() as usize, phase.items.len());
                assert!(phase.shares.is_sorted());
            }
        }
    }

    #[test]
    fn small_tensors_need_one_phase() {
        for (lengths, phases) in [
            (vec![2000; 2000], 1),
            (vec![CHUNK; 100], 1),
            // A large one among them makes waves.
            ([vec![2000; 2000], vec![CHUNK + 1]].concat(), 3),
        ] {
            assert_eq!(Plan::waves(&lengths, 2, true, &[]).phases.len(), phases);
        }
    }

    #[test]
    fn shares_are_even() {
        for threads in [2, 3, 7, 64] {
            let plan = Plan::single(&[64 << 20], threads);
            let shares: Vec<u32> = plan.phases[0].shares.windows(2).map(|w| w[1] - w[0]).collect();
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{threads}: {least}..{most}");
        }
    }
}
