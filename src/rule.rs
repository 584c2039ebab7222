//! The vocabulary of algorithms.
//!
//! A rule sees sixteen lanes of a parameter, its gradient and its states, and scalars that were
//! computed once for the step. It knows nothing of memory, threads or storage.
//!
//! * [`Direction`]: which way to go; [`Plain`] makes an element-wise rule of it, [`Layerwise`] one
//!   whose step is scaled by the trust ratio.
//! * [`Elementwise`]: a whole update in one pass.
//! * [`Measured`]: a read-only pass that sums, then an element-wise update (LARS).
//! * [`Scaled`]: a pass that advances the states and sums, then one that moves (LAMB).

use crate::decay::Decay;
use crate::hyper::{Values, shared};
use crate::matrix::Matrix;
use crate::scalars::{Powers, narrow};
use crate::simd::F32;
use crate::trust::{Ratio, Trust};
use fearless_simd::Simd;

/// What a state slot holds, hence how narrow it may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Always `float32`: running maxima, iterates.
    Full,
    /// A signed moment.
    Moment,
    /// A moment that is never negative.
    Square,
}

/// One state of an algorithm: as many elements as the parameter.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Name, as in `state_dict`.
    pub name: &'static str,
    /// What it holds.
    pub content: Content,
    /// Its first value.
    pub initial: Initial,
}

/// The first value of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Zero.
    Zero,
    /// A hyperparameter, by its position in the algorithm's table.
    Hyper(usize),
    /// The parameter itself.
    Parameter,
}

/// A number that an algorithm remembers from step to step.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// Name, as in `state_dict` behind "optimizer/".
    pub name: &'static str,
    /// Its first value.
    pub initial: Start,
}

/// The first value of a scalar.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// A number.
    At(f64),
    /// A hyperparameter, by its position in the algorithm's table.
    Hyper(usize),
}

/// What a scalar belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Parameters with the same hyperparameters.
    Group,
    /// One parameter.
    Parameter,
    /// All parameters together.
    All,
}

impl Scope {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Group => "group",
            Scope::Parameter => "parameter",
            Scope::All => "all",
        }
    }
}

/// The tensor, or all of them together, for which a rule is settled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layer {
    /// Number of elements.
    pub len: usize,
    /// Its scalars: read, and changed for the next step.
    pub memory: Memory,
}

/// The most scalars of an algorithm.
pub const MAX_SCALARS: usize = 3;
/// The scalars of an algorithm, in the order of its table.
pub type Memory = [f64; MAX_SCALARS];

/// A signed moment called `name`.
pub const fn moment(name: &'static str) -> Slot {
    Slot { name, content: Content::Moment, initial: Initial::Zero }
}

/// A non-negative moment called `name`.
pub const fn square(name: &'static str) -> Slot {
    Slot { name, content: Content::Square, initial: Initial::Zero }
}

/// A state called `name` that is never narrowed.
pub const fn full(name: &'static str) -> Slot {
    Slot { name, content: Content::Full, initial: Initial::Zero }
}

impl Slot {
    /// A slot whose first value is the hyperparameter at this position of the algorithm's table.
    pub const fn starting_at(self, hyper: usize) -> Slot {
        Slot { initial: Initial::Hyper(hyper), ..self }
    }

    /// A slot that starts as a copy of the parameter.
    pub const fn starting_as_parameter(self) -> Slot {
        Slot { initial: Initial::Parameter, ..self }
    }
}

/// What a rule may know when it computes its scalars for a step.
pub struct Step<'a> {
    /// Hyperparameters of the parameter's group.
    pub values: &'a Values,
    /// Number of the update in progress, from 1.
    pub t: u64,
    /// Learning rate of this update and group.
    pub learning_rate: f64,
    /// Learning rate of this update, before what a group has of its own.
    pub base_rate: f64,
    /// The group's largest learning rate so far.
    pub largest_rate: f64,
    /// The group's first learning rate.
    pub first_rate: f64,
    /// Whether layer adaptation is on for this group.
    pub adapt: bool,
    /// The weight decay that an override gives the group; 0 where it is excluded.
    pub overridden_decay: Option<f64>,
    /// The scalars of the group, or of all parameters: read, and changed for the next step.
    pub memory: &'a mut Memory,
    pub(crate) powers: &'a mut Powers,
}

impl Step<'_> {
    /// `beta**t`.
    pub fn pow(&mut self, beta: f64) -> f64 {
        self.powers.pow(beta, self.t)
    }

    /// The bias correction `1 - beta**t`.
    pub fn correction(&mut self, beta: f64) -> f64 {
        self.powers.one_minus_pow(beta, self.t)
    }

    /// The weight decay of the group; 0 where none is set, or where LARC puts it into the gradient.
    pub fn weight_decay(&self) -> f64 {
        self.decay_or(self.values.shared_number(shared::WEIGHT_DECAY).unwrap_or(0.0))
    }

    /// The same for a rule with a weight decay of its own, which an override of the group's replaces.
    pub fn decay_or(&self, own: f64) -> f64 {
        let larc = self.values.shared_number(shared::LARC).is_some();
        if larc { 0.0 } else { self.overridden_decay.unwrap_or(own) }
    }

    /// The weight decay where it is added to the gradient, else 0.
    pub fn coupled(&self) -> f64 {
        if self.values.shared_text(shared::MODE) == "l2" { self.weight_decay() } else { 0.0 }
    }
}

/// Which way to go: advance the states, then read the direction off them.
pub trait Direction<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`Direction::direction`] reads the gradient.
    const USES_GRADIENT: bool = false;
    /// The states after this gradient.
    fn advance<V: Simd>(&self, g: F32<V>, s: &mut [F32<V>; S]);
    /// The direction, without learning rate and decay.
    fn direction<V: Simd>(&self, g: F32<V>, s: &[F32<V>; S]) -> F32<V>;
}

/// A whole update in one pass.
pub trait Elementwise<const S: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Advances the states and returns the new parameter. Every new state goes through `keep`,
    /// which makes of it what is stored, before the rule uses it.
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        s: &mut [F32<V>; S],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V>;
}

/// A rule that sums over the tensor without writing, then updates.
pub trait Measured<const S: usize, const K: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether [`Measured::measure`] reads the states.
    const MEASURES_STATE: bool = false;
    /// Whether [`Measured::apply`] sees the new states as stored, or before they are rounded.
    const AS_STORED: bool = true;
    /// Pairs whose products are summed over the tensor, in f64.
    fn measure<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> [(F32<V>, F32<V>); K];
    /// The rule with the tensor's scalars filled in, and what to tell about the layer.
    fn settle(self, sums: [f64; K], layer: &mut Layer) -> (Self, Ratio);
    /// The states after this gradient.
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]);
    /// The new parameter, from the states before and after; those before are the new ones again
    /// where `AS_STORED`.
    fn apply<V: Simd>(&self, p: F32<V>, g: F32<V>, old: &[F32<V>; S], new: &[F32<V>; S]) -> F32<V>;
    /// Whether a gradient is divided by the root of its factored second moment before the rule
    /// sees it.
    const FACTORED: bool = false;
    /// How that moment advances.
    fn factoring(&self) -> Factoring {
        Factoring::default()
    }
}

/// How the second moment of a matrix is kept as the moments of its rows and columns (Adafactor).
#[derive(Clone, Copy, Debug, Default)]
pub struct Factoring {
    /// Factor of the moments so far.
    pub keep: f64,
    /// Factor of the new mean of squares.
    pub take: f64,
    /// Added to each square.
    pub added: f64,
    /// The least mean of the row moments; its square is the least second moment.
    pub least: f64,
}

/// A rule that advances its states in one pass, which also sums, and moves in a second one.
pub trait Scaled<const S: usize, const K: usize>: Copy + Send + Sync + 'static {
    /// The states.
    const SLOTS: [Slot; S];
    /// Whether the second pass reads the gradient.
    const USES_GRADIENT: bool;
    /// What happens between the passes.
    const BETWEEN: Between = Between::Nothing;
    /// The states after this gradient.
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]);
    /// The direction, from the states as stored.
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> F32<V>;
    /// Pairs whose products are summed over the tensor, in f64.
    fn measure<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S], u: F32<V>) -> [(F32<V>, F32<V>); K];
    /// The rule with the tensor's scalars filled in, and what to tell about the layer.
    fn settle(self, sums: [f64; K], layer: &mut Layer) -> (Self, Ratio);
    /// The new parameter.
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V>;
    /// What becomes of the direction of a whole matrix, where [`Between::Transform`].
    fn transform(&self, _: &mut Matrix<'_>) {}
}

/// What happens between the two passes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing: each tensor goes its own way.
    Nothing,
    /// The sums of all tensors are added up: the rule is settled once for all of them.
    Sum,
    /// The direction of each tensor is transformed as a whole.
    Transform,
}

/// A direction as an element-wise rule: `p - (decay + eta * u)`.
#[derive(Clone, Copy, Debug)]
pub struct Plain<D> {
    direction: D,
    rate: f32,
    decay: Decay,
}

impl<D> Plain<D> {
    /// The rule for this step.
    pub fn new(direction: D, step: &Step<'_>) -> Self {
        let decay = Decay::new(step, false);
        Plain { direction, rate: step.learning_rate as f32, decay }
    }

    /// The rule for a direction that has the learning rate in it.
    pub fn with_rate(self, rate: f64) -> Self {
        Plain { rate: rate as f32, ..self }
    }

    /// The rule with another decay.
    pub fn with_decay(self, decay: Decay) -> Self {
        Plain { decay, ..self }
    }

    /// The rule for a step that advances the states and moves nothing.
    pub fn standing(direction: D, step: &Step<'_>) -> Self {
        Plain { direction, rate: 0.0, decay: Decay::new(step, false).standing() }
    }
}

impl<D: Direction<S>, const S: usize> Elementwise<S> for Plain<D> {
    const SLOTS: [Slot; S] = D::SLOTS;

    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        s: &mut [F32<V>; S],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.decay.gradient(p, g);
        self.direction.advance(g, s);
        for state in s.iter_mut() {
            *state = keep(*state);
        }
        self.decay.step(p, self.direction.direction(g, s) * self.rate)
    }
}

/// A direction as a layer-wise rule: `p - (decay + eta * ratio * u)`.
#[derive(Clone, Copy, Debug)]
pub struct Layerwise<D> {
    pub(crate) direction: D,
    pub(crate) rate: f64,
    scale: f32,
    pub(crate) decay: Decay,
    pub(crate) trust: Trust,
    pub(crate) denominator: Denominator,
}

/// The denominator of the trust ratio, for a direction `r` and decay under the ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denominator {
    /// `|r + lambda p|`.
    Joint,
    /// `|r| + lambda |p|`.
    Sum,
    /// The norm of the parameter after a step that is not scaled.
    NewWeights,
}

impl<D> Layerwise<D> {
    /// The rule for this step.
    pub fn new(direction: D, step: &Step<'_>, trust: Trust, denominator: Denominator) -> Self {
        let (rate, decay) = (step.learning_rate, Decay::new(step, true));
        Layerwise { direction, rate, scale: 0.0, decay, trust, denominator }
    }

    /// The rule with another decay.
    pub fn with_decay(self, decay: Decay) -> Self {
        Layerwise { decay, ..self }
    }

    /// The rule with its learning rate, but not its decay, times a factor.
    pub fn with_rate_factor(self, factor: f64) -> Self {
        Layerwise { rate: self.rate * factor, ..self }
    }
}

impl<D: Direction<S>, const S: usize> Scaled<S, 2> for Layerwise<D> {
    const SLOTS: [Slot; S] = D::SLOTS;
    const USES_GRADIENT: bool = D::USES_GRADIENT;

    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; S]) {
        self.direction.advance(self.decay.gradient(p, g), s);
    }

    #[inline(always)]
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; S]) -> F32<V> {
        let g = if D::USES_GRADIENT { self.decay.gradient(p, g) } else { g };
        self.decay.direction(p, self.direction.direction(g, s))
    }

    #[inline(always)]
    fn measure<V: Simd>(&self, p: F32<V>, _: F32<V>, _: &[F32<V>; S], u: F32<V>) -> [(F32<V>, F32<V>); 2] {
        let u = match self.denominator {
            Denominator::Joint => u,
            Denominator::Sum => u - p * self.decay.inside,
            Denominator::NewWeights => self.decay.before(p) - u * self.rate as f32,
        };
        [(p, p), (u, u)]
    }

    fn settle(self, sums: [f64; 2], _: &mut Layer) -> (Self, Ratio) {
        let weight = self.decay.decayed(sums[0].sqrt());
        let mut update = sums[1].sqrt();
        if self.denominator == Denominator::Sum {
            update += f64::from(self.decay.inside) * weight;
        }
        let scale = narrow(self.rate * self.trust.ratio(weight, update));
        (Layerwise { scale, ..self }, self.trust.record(weight, update))
    }

    #[inline(always)]
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V> {
        self.decay.step(p, u * self.scale)
    }
}
