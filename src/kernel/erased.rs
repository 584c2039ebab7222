//! Kernels: typed rules behind the object-safe trait.

use super::interface::{Kernel, Passes, TileContext};
use super::passes::{self, MAX_SUMS, Sums, Tile};
use super::storage::bfloat16::Bfloat16;
use super::storage::float8::Float8;
use super::storage::{Float32, StateDtype};
use crate::matrix::Matrix;
use crate::rule::TrustRecord;
use crate::rule::{
    Between, Content, Derived, Factoring, LayerScalars, OnePass, ReduceFirst, Slot, StateFirst, Step,
};
use crate::simd::with_isa;

/// The rule of each group, and how to make it for a step.
struct Groups<M, R> {
    make: M,
    rules: Vec<R>,
}

impl<M: Fn(&mut Step<'_>) -> R, R: Copy> Groups<M, R> {
    fn set_scalars(&mut self, group: usize, step: &mut Step<'_>) {
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

/// Whether any of these is a factored moment.
const fn has_factored<const S: usize>(slots: [Slot; S]) -> bool {
    let mut k = 0;
    while k < S {
        if matches!(slots[k].derived, Some(Derived::Factored { .. })) {
            return true;
        }
        k += 1;
    }
    false
}

/// Whether any of these is a factored moment that waits for the sums over the tensor.
const fn waits<const S: usize>(slots: [Slot; S]) -> bool {
    let mut k = 0;
    while k < S {
        if matches!(slots[k].derived, Some(Derived::Factored { after_sums: true, .. })) {
            return true;
        }
        k += 1;
    }
    false
}

/// Whether any of these states may be narrow.
const fn narrows<const S: usize>(slots: [Slot; S]) -> bool {
    let mut k = 0;
    while k < S {
        if !matches!(slots[k].content, Content::Full | Content::Derived) {
            return true;
        }
        k += 1;
    }
    false
}

/// Runs `$body` for the SIMD level and the storage. Where no state may be narrow, only `float32` is compiled.
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

struct OnePassKernel<M, R, const S: usize>(Groups<M, R>);

/// A kernel for a rule of one pass.
pub(crate) fn one_pass<R, const S: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Kernel>
where
    R: OnePass<S>,
{
    Box::new(OnePassKernel::<_, R, S>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize> Kernel for OnePassKernel<M, R, S>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: OnePass<S>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::OnePass
    }
    fn second_pass_reads_gradient(&self) -> bool {
        true
    }
    fn set_scalars(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.set_scalars(group, step);
    }
    fn first(&self, _: TileContext, _: Tile<'_>, _: &mut Sums) {}
    fn last(&self, at: TileContext, _: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => passes::one_pass::<_, R, St, S>(v, rule, tile)),
        );
    }
}

struct ReduceFirstKernel<M, R, const S: usize, const K: usize>(Groups<M, R>);

/// A kernel for a rule that computes sums, then updates.
pub(crate) fn reduce_first<R, const S: usize, const K: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Kernel>
where
    R: ReduceFirst<S, K>,
{
    Box::new(ReduceFirstKernel::<_, R, S, K>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize, const K: usize> Kernel for ReduceFirstKernel<M, R, S, K>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: ReduceFirst<S, K>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::ReduceFirst
    }
    fn second_pass_reads_gradient(&self) -> bool {
        true
    }
    fn set_scalars(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.set_scalars(group, step);
    }
    fn first(&self, at: TileContext, tile: Tile<'_>, sums: &mut Sums) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, R::REDUCES_STATE && narrows(R::SLOTS), v, St => passes::reduce::<_, R, St, S, K>(v, rule, tile, sums)),
        );
    }
    fn last(&self, at: TileContext, sums: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group].with_sums(take(sums), &at.layer);
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => passes::update_reduced::<_, R, St, S, K>(v, rule, tile)),
        );
    }
    fn trust(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &LayerScalars) -> TrustRecord {
        self.0.rules[group].trust(take(sums), layer)
    }
    fn next_scalars(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &mut LayerScalars) {
        self.0.rules[group].next_scalars(take(sums), layer);
    }
    fn between(&self) -> Between {
        const {
            if R::ROWS {
                Between::Rows
            } else if waits(R::SLOTS) {
                Between::Factored
            } else {
                Between::Nothing
            }
        }
    }
    fn root_reads_state(&self) -> bool {
        R::ROOT_READS_STATE
    }
    fn root(&self, at: TileContext, slot: usize, sums: &[f64; MAX_SUMS], tile: Tile<'_>, out: &mut [f32]) {
        let rule = &self.0.rules[at.group].with_sums(take(sums), &at.layer);
        if const { has_factored(R::SLOTS) } {
            M::here(
                #[inline(always)]
                || with_isa!(at.isa, v => passes::root::<_, R, S, K>(v, rule, slot, tile, out)),
            );
        }
    }
    fn factored(&self, group: usize, slot: usize) -> Factoring {
        self.0.rules[group].factored(slot)
    }
    fn rows(
        &self,
        group: usize,
        sums: &[[f64; MAX_SUMS]],
        columns: usize,
        coefficients: &mut [f32],
    ) -> [f64; MAX_SUMS] {
        let sums: Vec<[f64; K]> = sums.iter().map(take).collect();
        let totals = self.0.rules[group].rows(&sums, columns, coefficients);
        std::array::from_fn(|k| totals.get(k).copied().unwrap_or(0.0))
    }
}

struct StateFirstKernel<M, R, const S: usize, const K: usize>(Groups<M, R>);

/// A kernel for a rule that advances its states, then moves the parameter.
pub(crate) fn state_first<R, const S: usize, const K: usize>(
    make: impl Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
) -> Box<dyn Kernel>
where
    R: StateFirst<S, K>,
{
    Box::new(StateFirstKernel::<_, R, S, K>(Groups { make, rules: Vec::new() }))
}

impl<M, R, const S: usize, const K: usize> Kernel for StateFirstKernel<M, R, S, K>
where
    M: Fn(&mut Step<'_>) -> R + Send + Sync + 'static,
    R: StateFirst<S, K>,
{
    fn slots(&self) -> &'static [Slot] {
        &const { R::SLOTS }
    }
    fn passes(&self) -> Passes {
        Passes::StateFirst
    }
    fn second_pass_reads_gradient(&self) -> bool {
        R::USES_GRADIENT
    }
    fn set_scalars(&mut self, group: usize, step: &mut Step<'_>) {
        self.0.set_scalars(group, step);
    }
    fn first(&self, at: TileContext, tile: Tile<'_>, sums: &mut Sums) {
        let rule = &self.0.rules[at.group];
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => passes::advance::<_, R, St, S, K>(v, rule, tile, sums)),
        );
    }
    fn last(&self, at: TileContext, sums: &[f64; MAX_SUMS], tile: Tile<'_>) {
        let rule = &self.0.rules[at.group].with_sums(take(sums), &at.layer);
        M::here(
            #[inline(always)]
            || with_storage!(at, narrows(R::SLOTS), v, St => passes::apply::<_, R, St, S, K>(v, rule, tile)),
        );
    }
    fn trust(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &LayerScalars) -> TrustRecord {
        self.0.rules[group].trust(take(sums), layer)
    }
    fn next_scalars(&self, group: usize, sums: &[f64; MAX_SUMS], layer: &mut LayerScalars) {
        self.0.rules[group].next_scalars(take(sums), layer);
    }
    fn between(&self) -> Between {
        R::BETWEEN
    }
    fn transform(&self, group: usize, matrix: &mut Matrix<'_>) {
        self.0.rules[group].transform(matrix);
    }
}
