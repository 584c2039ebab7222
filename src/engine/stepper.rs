//! The typed world of rules behind one object-safe face.

use crate::engine::kernels::{self, MAX_SUMS, Sums, Tile};
use crate::engine::storage::bfloat16::Bfloat16;
use crate::engine::storage::float8::Float8;
use crate::engine::storage::{Float32, StateDtype};
use crate::matrix::Matrix;
use crate::rule::{Between, Content, Elementwise, Factoring, Layer, Measured, Scaled, Slot, Step};
use crate::simd::{Isa, with_isa};
use crate::trust::Ratio;

/// How often a rule passes over a tensor, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// Update.
    One,
    /// Sum without writing, then update.
    MeasureThenUpdate,
    /// Advance the states and sum, then move.
    AdvanceThenApply,
}

/// An algorithm with its switches set, ready to be run on tiles.
pub(crate) trait Stepper: Send + Sync {
    /// The states it keeps.
    fn slots(&self) -> &'static [Slot];
    /// How it passes over a tensor.
    fn passes(&self) -> Passes;
    /// Whether the second pass reads the gradient.
    fn second_pass_reads_gradient(&self) -> bool;
    /// Makes room for `groups` groups of hyperparameters and computes each one's scalars.
    fn prepare(&mut self, group: usize, step: &mut Step<'_>);
    fn first(&self, at: At, tile: Tile<'_>, sums: &mut Sums);
    fn last(&self, at: At, sums: &[f64; MAX_SUMS], tile: Tile<'_>);
    /// What is told about a layer with these sums, whose scalars become those of the next step.
    fn record(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &mut Layer) -> Ratio;
    /// What happens between its passes.
    fn between(&self) -> Between {
        Between::Nothing
    }
    /// Whether the gradient of a matrix is scaled by the moments of its rows and columns.
    fn factors(&self) -> bool {
        false
    }
    /// How these moments advance.
    fn factoring(&self, _group: usize) -> Option<Factoring> {
        None
    }
    /// What becomes of the direction of a whole matrix.
    fn transform(&self, _group: usize, _matrix: &mut Matrix<'_>) {}
}

/// Where a tile is run.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) isa: Isa,
    pub(crate) storage: StateDtype,
    pub(crate) group: usize,
    /// The tensor, for which the rule is settled.
    pub(crate) layer: Layer,
}

/// The rule of each group, and how to make it for a step.
struct Groups<M, R> {
    make: M,
    rules: Vec<R>,
}

impl<M: Fn(&mut Step<'_>) -> R, R: Copy> Groups<M, R> {
    fn prepare(&mut self, group: usize, step: &mut Step<'_>) {
        let rule = (self.make)(step);
        if group < self.rules.len() {
            self.rules[group] = rule;
        } else {
            self.rules.resize(group + 1, rule);
        }
    }
}

/// Where a kernel is compiled. `rustc` puts a method into the codegen unit of the module that defines
/// its `Self`: with the function that makes a rule as `Self`, the kernels of each rule are in the unit
/// of the rule's file, and the units are compiled side by side.
trait CompiledWith {
    #[inline(never)]
    fn here<T>(body: impl FnOnce() -> T) -> T {
        body()
    }
}

impl<M> CompiledWith for M {}

fn take<const K: usize>(sums: &[f64; MAX_SUMS]) -> [f64; K] {
    std::array::from_fn(|k| sums[k])
}

/// Whether any of these states may be narrow.
const fn narrows<const S: usize>(slots: [Slot; S]) -> bool {
    let mut k = 0;
    while k < S {
        if !matches!(slots[k].content, Content::Full) {
            return true;
        }
        k += 1;
    }
    false
}

/// Runs `$kernel` for the level and the storage; where no state may be narrow there is one storage,
/// and no code for the others.
macro_rules! with_storage {
    ($at:expr, $narrows:expr, $v:ident, $st:ident => $body:expr) => {{
        let storage = if const { $narrows } { $at.storage } else { StateDtype::Float32 };
        match storage {
            StateDtype::Bfloat16 if const { $narrows } => {
                type $st = Bfloat16;
                with_isa!($at.isa, $v => $body)
            }
            StateDtype::Float8 if const { $narrows } => {
                type $st = Float8;
                with_isa!($at.isa, $v => $body)
            }
            _ => {
                type $st = Float32;
                with_isa!($at.isa, $v => $body)
            }
        }
    }};
}

struct OnePass<M, R, const S: usize>(Groups<M, R>);

/// A stepper for a rule of one pass.
pub(crate) fn one_pass<R, const S: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Stepper>
where
    R: Elementwise<S>,
{
    Box::new(OnePass::<_, R, S>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize> Stepper for OnePass<M, R, S>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: Elementwise<S>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::One
    }
    fn second_pass_reads_gradient(&self) -> bool {
        true
    }
    fn prepare(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.prepare(group, step);
    }
    fn first(&self, _: At, _: Tile<'_>, _: &mut Sums) {}
    fn last(&self, at: At, _: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => kernels::update::<_, R, St, S>(v, rule, tile)),
        );
    }
    fn record(&self, _: usize, _: &[f64; MAX_SUMS], _: &mut Layer) -> Ratio {
        Ratio::NONE
    }
}

struct MeasureFirst<M, R, const S: usize, const K: usize>(Groups<M, R>);

/// A stepper for a rule that measures, then updates.
pub(crate) fn measure_first<R, const S: usize, const K: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Stepper>
where
    R: Measured<S, K>,
{
    Box::new(MeasureFirst::<_, R, S, K>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize, const K: usize> Stepper for MeasureFirst<M, R, S, K>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: Measured<S, K>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::MeasureThenUpdate
    }
    fn second_pass_reads_gradient(&self) -> bool {
        true
    }
    fn prepare(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.prepare(group, step);
    }
    fn first(&self, at: At, tile: Tile<'_>, sums: &mut Sums) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, R::MEASURES_STATE && narrows(R::SLOTS), v, St => kernels::measure::<_, R, St, S, K>(v, rule, tile, sums)),
        );
    }
    fn last(&self, at: At, sums: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group].settle(take(sums), &mut { at.layer }).0;
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => kernels::follow::<_, R, St, S, K>(v, rule, tile)),
        );
    }
    fn record(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &mut Layer) -> Ratio {
        self.0.rules[group].settle(take(sums), layer).1
    }
    fn factors(&self) -> bool {
        R::FACTORED
    }
    fn factoring(&self, group: usize) -> Option<Factoring> {
        if R::FACTORED { Some(self.0.rules[group].factoring()) } else { None }
    }
}

struct AdvanceFirst<M, R, const S: usize, const K: usize>(Groups<M, R>);

/// A stepper for a layer-wise rule: advances its states, then moves.
pub(crate) fn advance_first<R, const S: usize, const K: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Stepper>
where
    R: Scaled<S, K>,
{
    Box::new(AdvanceFirst::<_, R, S, K>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize, const K: usize> Stepper for AdvanceFirst<M, R, S, K>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: Scaled<S, K>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::AdvanceThenApply
    }
    fn second_pass_reads_gradient(&self) -> bool {
        R::USES_GRADIENT
    }
    fn prepare(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.prepare(group, step);
    }
    fn first(&self, at: At, tile: Tile<'_>, sums: &mut Sums) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => kernels::advance::<_, R, St, S, K>(v, rule, tile, sums)),
        );
    }
    fn last(&self, at: At, sums: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group].settle(take(sums), &mut { at.layer }).0;
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => kernels::apply::<_, R, St, S, K>(v, rule, tile)),
        );
    }
    fn record(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &mut Layer) -> Ratio {
        self.0.rules[group].settle(take(sums), layer).1
    }
    fn between(&self) -> Between {
        R::BETWEEN
    }
    fn transform(&self, group: usize, matrix: &mut Matrix<'_>) {
        self.0.rules[group].transform(matrix);
    }
}
