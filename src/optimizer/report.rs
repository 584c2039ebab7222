//! Reports of an optimizer: norms, settings of the parameters, and the state by name.

use super::core::{Optimizer, Rates};
use crate::algorithm::Evaluation;
use crate::engine::fpenv::DefaultMode;
use crate::engine::state::{Array, State};
use crate::kernel::storage::Format;
use crate::rule::LayerScalars;
use crate::rule::TrustRecord;

/// The row of a parameter in `explain`.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name.
    pub name: String,
    /// Number of elements.
    pub len: usize,
    /// Learning rate of the next update.
    pub learning_rate: f64,
    /// Weight decay, if any.
    pub weight_decay: Option<f64>,
    /// Whether the trust ratio applies; none for rules without one.
    pub layer_adaptation: Option<bool>,
    /// Whether it is updated.
    pub trainable: bool,
    /// Name of the rule that it follows.
    pub rule: &'static str,
    /// Its update, in the grammar of [`Formula`](crate::rule::Formula).
    pub formula: String,
    /// Bytes of state.
    pub state_bytes: usize,
    /// Names and formats of its states.
    pub slots: Vec<(&'static str, Format)>,
    /// Bytes of each of them.
    pub slot_bytes: Vec<usize>,
}

/// One array of the state.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `"<parameter>/<slot>"`, with the suffix `_scale` for the scales of 8-bit states.
    pub key: String,
    /// Format of the elements; none for scales, which are bytes.
    pub format: Option<Format>,
    /// Shape: that of the parameter, except for scales and the moments of rows and columns.
    pub shape: Vec<usize>,
    /// Location of the bytes.
    place: std::ops::Range<usize>,
}

impl Optimizer {
    /// Trust ratios of the last step, in the order of the names; none before it and for rules without.
    pub fn ratios(&self) -> Option<Vec<TrustRecord>> {
        let built = self.built.as_ref().filter(|b| b.has_sums && self.algorithm.layerwise)?;
        let _mode = DefaultMode::enter();
        Some(
            built
                .tensors
                .iter()
                .map(|tensor| match tensor.group {
                    Some(group) => {
                        let sums = built.sums.total(tensor.chunks);
                        let layer = LayerScalars { len: tensor.len, ..LayerScalars::default() };
                        built.kernels[tensor.kernel].trust(group, &sums, &layer)
                    }
                    None => TrustRecord::NONE,
                })
                .collect(),
        )
    }

    /// A row for each parameter, at this learning rate of the optimizer.
    pub fn rows(&self, base: f64) -> Vec<Row> {
        let Some(built) = &self.built else {
            return Vec::new();
        };
        built
            .tensors
            .iter()
            .enumerate()
            .map(|(i, tensor)| {
                let group = tensor.group.map(|g| &built.groups[g]);
                let arrays = built.arrays(i);
                Row {
                    name: built.names[i].clone(),
                    len: tensor.len,
                    learning_rate: group.map_or(0.0, |g| g.learning_rate(base) * built.rate_factor(i, g)),
                    weight_decay: group.and_then(|g| built.decay_of(i, g)),
                    layer_adaptation: self.algorithm.layerwise.then(|| group.is_some_and(|g| g.adapt)),
                    trainable: group.is_some(),
                    rule: built.rules[tensor.kernel],
                    formula: group.map_or("p = p".into(), |g| {
                        let decays = built.decay_of(i, g).is_some_and(|decay| decay != 0.0);
                        self.algorithm.formula_of_parameter(&g.values, tensor.kernel > 0, decays, g.adapt)
                    }),
                    state_bytes: arrays.iter().map(|(_, a, shape)| bytes(a, shape)).sum(),
                    slot_bytes: arrays.iter().map(|(_, a, shape)| bytes(a, shape)).collect(),
                    slots: arrays.iter().map(|(name, a, _)| (*name, a.format)).collect(),
                }
            })
            .collect()
    }

    /// Bytes of all states.
    pub fn state_bytes(&self) -> usize {
        self.rows(0.0).iter().map(|row| row.state_bytes).sum()
    }

    /// Every array of the state.
    pub fn entries(&self) -> Vec<Entry> {
        (0..self.names().len()).flat_map(|tensor| self.entries_of(tensor)).collect()
    }

    /// The arrays of the state of one parameter.
    pub fn entries_of(&self, tensor: usize) -> Vec<Entry> {
        let Some(built) = &self.built else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (slot, array, shape) in built.arrays(tensor) {
            let (elements, scales) = State::places(&array, shape.iter().product());
            let key = format!("{}/{slot}", built.names[tensor]);
            entries.extend(scales.map(|place| Entry {
                key: format!("{key}_scale"),
                format: None,
                shape: vec![place.len()],
                place,
            }));
            entries.push(Entry { key, format: Some(array.format), shape, place: elements });
        }
        entries
    }

    /// A copy of one array of the state as float32 numbers, whatever its storage, and its shape.
    pub fn read_state(&self, tensor: usize, slot: &str) -> Option<(Vec<f32>, Vec<usize>)> {
        let built = self.built.as_ref()?;
        let (_, array, shape) = built.arrays(tensor).into_iter().find(|(name, ..)| *name == slot)?;
        let mut values = vec![0.0; shape.iter().product()];
        // SAFETY: the optimizer is borrowed, so no step writes to its state.
        unsafe { built.state.decode(&array, 0..values.len(), &mut values) };
        Some((values, shape))
    }

    /// The bytes of an entry.
    pub fn entry_bytes(&self, entry: &Entry) -> &[u8] {
        self.built.as_ref().map_or(&[], |b| &b.state.block.bytes()[entry.place.clone()])
    }

    /// Replaces the bytes of an entry.
    pub fn write_entry(&mut self, entry: &Entry, bytes: &[u8]) {
        if let Some(built) = &mut self.built {
            built.state.block.bytes_mut()[entry.place.clone()].copy_from_slice(bytes);
            (built.has_sums, built.started) = (false, true);
        }
    }

    /// Counters: `iterations`, `calls` and `skipped_steps`.
    pub fn counters(&self) -> [u64; 3] {
        [self.iterations, self.calls, self.skipped]
    }

    /// Replaces counters and rates.
    pub fn set_counters(&mut self, counters: [u64; 3], rates: Rates) {
        [self.iterations, self.calls, self.skipped] = counters;
        self.rates = rates;
        self.last_skip = None;
        self.gradient_norm = None;
    }

    /// Zeroes state and counters.
    pub fn reset(&mut self) {
        if let Some(built) = &mut self.built {
            built.state.block.bytes_mut().fill(0);
            built.fill_initial(self.algorithm, &self.values);
            built.has_sums = false;
        }
        self.set_counters([0; 3], Rates::default());
    }

    /// The average of a parameter, if there is one.
    pub fn average_of(&self, tensor: usize) -> Option<&[f32]> {
        let built = self.built.as_ref()?;
        let array = built.state.tensors.get(tensor)?.average.as_ref()?;
        Some(built.state.read(array, built.lengths[tensor]))
    }

    /// The evaluation weights of a parameter with these values: its average, else the average that it is
    /// mixed with, else its slow weights; none if these are the parameter itself.
    pub fn evaluated(&self, tensor: usize, parameter: &[f32]) -> Option<Vec<f32>> {
        let built = self.built.as_ref().filter(|_| self.iterations > 0)?;
        let (arrays, len) = (&built.state.tensors[tensor], built.lengths[tensor]);
        if let Some(average) = &arrays.average {
            return Some(built.state.read(average, len).to_vec());
        }
        let slots = built.kernels[built.tensors[tensor].kernel].slots();
        let group = built.tensors[tensor].group.map(|group| &built.groups[group].values);
        if let (Some(Evaluation { slot, share }), Some(values)) = (self.algorithm.evaluation, group)
            && let Some(place) = slots.iter().position(|own| own.name == slot)
            && let Some(z) = &arrays.slots[place]
        {
            // The parameter is y = (1 - b) z + b x.
            let along = (1.0 - 1.0 / share(values)) as f32;
            let pairs = parameter.iter().zip(built.state.read(z, len));
            return Some(pairs.map(|(y, z)| y + along * (z - y)).collect());
        }
        arrays.slow.as_ref().map(|slow| built.state.read(slow, len).to_vec())
    }

    /// Initializes the states that start as copies of their parameters. Otherwise the first update does.
    ///
    /// # Safety
    ///
    /// Every pointer is valid for reading as many elements as its parameter has.
    pub unsafe fn start_raw(&mut self, params: &[*mut f32]) {
        if let Some(built) = &mut self.built {
            // SAFETY: guaranteed by the caller.
            unsafe { built.start(params) };
        }
    }

    /// Names and values of the scalars that are kept from step to step: one value for each group of
    /// parameters, for each parameter, or for all.
    pub fn scalars(&self) -> Vec<(&'static str, Vec<f64>)> {
        let kept = self.built.as_ref().map_or(&[][..], |b| &b.scalars);
        let names = self.algorithm.scalars.iter().enumerate();
        names.map(|(k, scalar)| (scalar.name, kept.iter().map(|all| all[k]).collect())).collect()
    }

    /// Replaces the values of the scalar at a position.
    pub fn set_scalar(&mut self, position: usize, values: &[f64]) {
        if let Some(built) = &mut self.built {
            for (scalars, &x) in built.scalars.iter_mut().zip(values) {
                scalars[position] = x;
            }
        }
    }

    /// Address and length of the memory that holds all state.
    pub fn state_memory(&self) -> (usize, usize) {
        self.built.as_ref().map_or((0, 0), |b| (b.state.block.as_ptr() as usize, b.state.block.len()))
    }
}

fn bytes(array: &Array, shape: &[usize]) -> usize {
    let (elements, scales) = State::places(array, shape.iter().product());
    elements.len() + scales.map_or(0, |s| s.len())
}
