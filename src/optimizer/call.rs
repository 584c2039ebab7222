//! One call: checks, norms, then the passes that update.

use super::build::Built;
use super::clip::Clip;
use super::core::{Optimizer, Rates, not_built};
use super::finite::Finite;
use super::passes::{CallGradients, Inputs};
use crate::engine::average::{Average, SlowSync};
use crate::engine::buffers::Gradient;
use crate::engine::fpenv::DefaultMode;
use crate::engine::gradient::GradientTransform;
use crate::engine::step::StepSettings;
use crate::engine::threads::num_threads;
use crate::error::{Error, Kind, Result};
use crate::hash::mix;
use crate::hyper::{Value, shared};
use crate::rule::{Scalars, Scope, Step};

/// The operations of a call on all gradients, and the calls of its accumulation window.
#[derive(Clone, Copy)]
struct Call {
    transform: GradientTransform,
    window: f64,
    updates: bool,
}

/// The result of the checks of a call.
enum Checked {
    /// The call may proceed, with these factors of the clip by norm.
    Go(Vec<f32>),
    /// The call is skipped, for this reason.
    Skip(String),
}

impl Optimizer {
    /// [`Optimizer::apply`] over raw memory.
    ///
    /// # Safety
    ///
    /// Every pointer is valid for as many elements as its parameter was built with, aligned, and
    /// no parameter overlaps another one or a gradient. No other code writes to these arrays.
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::apply`].
    pub unsafe fn apply_raw(&mut self, params: &[*mut f32], gradients: &[Gradient]) -> Result<bool> {
        // The scalars of the step are computed in the default mode too.
        let _mode = DefaultMode::enter();
        let call = self.call(gradients)?;
        match self.check(params, gradients, call)? {
            Checked::Skip(message) => {
                self.skipped += 1;
                self.last_skip = Some(message);
                Ok(false)
            }
            Checked::Go(clip_factors) => self.step(params, gradients, call, clip_factors),
        }
    }

    /// An error if [`Optimizer::apply_raw`] would return one; nothing is changed.
    ///
    /// # Safety
    ///
    /// As for [`Optimizer::apply_raw`].
    ///
    /// # Errors
    ///
    /// As for [`Optimizer::apply`].
    pub unsafe fn verify_raw(&mut self, params: &[*mut f32], gradients: &[Gradient]) -> Result<()> {
        let _mode = DefaultMode::enter();
        let call = self.call(gradients)?;
        let norm = self.gradient_norm;
        let checked = self.check(params, gradients, call);
        self.gradient_norm = norm;
        checked.map(|_| ())
    }

    /// The operations of the current call.
    fn call(&self, gradients: &[Gradient]) -> Result<Call> {
        let built = self.built()?;
        debug_assert_eq!(gradients.len(), built.tensors.len());
        if gradients.iter().all(|g| matches!(g, Gradient::None)) && !gradients.is_empty() {
            return Err(Error::new(
                Kind::ParameterSet,
                "every gradient is None; pass at least one, or do not call apply",
            ));
        }
        if self.calls >= i64::MAX as u64 {
            return Err(Error::new(Kind::Overflow, "the step counter has reached its limit"));
        }
        let window = self.values.shared_number(shared::GRADIENT_ACCUMULATION_STEPS).unwrap_or(1.0);
        Ok(Call { transform: self.gradient_transform(), window, updates: self.next_call_updates() })
    }

    /// Makes the plans, and the norms of the gradients if they are needed.
    fn check(&mut self, params: &[*mut f32], gradients: &[Gradient], call: Call) -> Result<Checked> {
        let built = self.built.as_mut().ok_or_else(not_built)?;
        built.plan(num_threads())?;
        let clip = Clip::of(&self.values);
        let policy = self.values.shared_text(shared::NONFINITE);
        let checks = matches!(policy, "raise" | "skip") || policy == "auto" && clip.needs_norms();
        let wanted = checks || call.updates && clip.needs_norms();
        let mut factors = Vec::new();
        if !wanted {
            return Ok(Checked::Go(factors));
        }
        let window = call.window;
        let inputs = Inputs { isa: self.isa, params, gradients, accumulates: window != 1.0 };
        let norms = built.norms(inputs, call.transform.unscale);
        if checks && let Finite::No(message) = built.finite(&norms, gradients) {
            return if policy == "skip" {
                Ok(Checked::Skip(message))
            } else {
                Err(Error::new(Kind::NonFinite, message))
            };
        }
        if call.updates {
            let total = norms.iter().map(|x| x * x).sum::<f64>().sqrt() / window;
            self.gradient_norm = Some(total);
            match clip {
                Clip::Each(limit) => {
                    let factor = |norm: f64| limit.factor(norm / window) / window;
                    factors.extend(norms.iter().map(|&x| factor(x) as f32));
                }
                Clip::Global(limit) => {
                    factors.resize(norms.len(), (limit.factor(total) / window) as f32);
                }
                Clip::None => {}
            }
        }
        Ok(Checked::Go(factors))
    }

    /// The call itself, which cannot fail. Returns whether any parameter was updated.
    fn step(
        &mut self,
        params: &[*mut f32],
        gradients: &[Gradient],
        call: Call,
        clip_factors: Vec<f32>,
    ) -> Result<bool> {
        let Call { mut transform, window, updates } = call;
        let (average, sync) = (self.average(updates), self.sync(updates));
        let seed = self.values.shared_integer(shared::SEED).unwrap_or(0);
        let nearest = self.values.shared_text(shared::STATE_ROUNDING) == "nearest";
        let key = mix(seed ^ mix(self.iterations + 1));
        let built = self.built.as_mut().ok_or_else(not_built)?;
        // SAFETY: the pointers are those of the parameters that were built.
        unsafe { built.start(params) };
        if clip_factors.is_empty() && window != 1.0 {
            transform.factor = (1.0 / window) as f32;
        }
        let inputs = Inputs { isa: self.isa, params, gradients, accumulates: window != 1.0 };
        let mut updated = false;
        if updates {
            let base = self.values.number(0);
            let first = self.rates.first.unwrap_or(base);
            let largest = self.rates.largest.max(base);
            self.rates = Rates { first: Some(first), largest, last: Some(base) };
            let Built { groups, kernels, scalars, scope, .. } = built;
            for (i, group) in groups.iter().enumerate() {
                let mut unused = Scalars::default();
                let place = if *scope == Scope::All { 0 } else { i };
                let remembered = scalars.get_mut(place).filter(|_| *scope != Scope::Parameter);
                let mut step = Step {
                    values: &group.values,
                    t: self.iterations + 1,
                    learning_rate: group.learning_rate(base),
                    base_rate: base,
                    largest_rate: group.learning_rate(largest),
                    first_rate: group.learning_rate(first),
                    adapt: group.adapt,
                    overridden_decay: group.decay.map(|decay| decay.unwrap_or(0.0)),
                    scalars: remembered.unwrap_or(&mut unused),
                    powers: &mut self.powers,
                };
                for kernel in kernels.iter_mut() {
                    kernel.set_scalars(i, &mut step);
                }
            }
            let mut gradients = CallGradients { transform, clip_factors, pulls: Vec::new() };
            built.row_means(inputs, &gradients);
            gradients.pulls = built.larc_pulls(inputs, &gradients, &self.values, base);
            built.step(inputs, &gradients, StepSettings { average, sync, key, nearest });
            updated = built.tensors.iter().any(|tensor| tensor.group.is_some());
        } else {
            built.accumulate(inputs, transform.unscale, average);
        }
        self.calls += 1;
        self.iterations += u64::from(updates);
        Ok(updated)
    }

    /// The operations on every gradient, except for clips by norm.
    fn gradient_transform(&self) -> GradientTransform {
        let mut transform = GradientTransform::NOTHING;
        if let Some(scale) = self.values.shared_number(shared::LOSS_SCALE_FACTOR) {
            transform.unscale = (1.0 / scale) as f32;
        }
        if self.values.shared(shared::MAXIMIZE) == Value::Bool(true) {
            transform.unscale = -transform.unscale;
        }
        if let Some(limit) = self.values.shared_number(shared::CLIPVALUE) {
            transform.limit = limit as f32;
        }
        transform
    }

    /// The update of the average in this call.
    fn average(&self, updates: bool) -> Option<Average> {
        if self.values.shared(shared::USE_EMA) != Value::Bool(true) {
            return None;
        }
        if !updates && self.values.shared_text(shared::EMA_EVERY) == "update" {
            return None;
        }
        let start = self.values.shared_integer(shared::EMA_START).unwrap_or(0);
        // Number of updates that the average contains.
        let seen = self.iterations.saturating_sub(start);
        let momentum = if seen == 0 {
            0.0
        } else if self.values.shared_text(shared::EMA_FORM) == "uniform" {
            seen as f64 / (seen as f64 + 1.0)
        } else {
            self.values.shared_number(shared::EMA_MOMENTUM).unwrap_or(0.0)
        };
        let every = self.values.shared_integer(shared::EMA_OVERWRITE_FREQUENCY);
        Some(Average { momentum, overwrite: every.is_some_and(|f| (self.iterations + 1).is_multiple_of(f)) })
    }

    /// The update of the slow weights in this call.
    fn sync(&self, updates: bool) -> Option<SlowSync> {
        let period = self.values.shared_integer(shared::SYNC_PERIOD)?;
        let phase = self.values.shared_integer(shared::SYNC_PHASE).unwrap_or(0) % period;
        let t = self.iterations + 1;
        if !updates || t % period != phase {
            return None;
        }
        let first = t <= period;
        let copies = first && self.values.shared_text(shared::SLOW_START) == "first_sync";
        let step = self.values.shared_number(shared::SLOW_STEP_SIZE).unwrap_or(1.0);
        let momentum = if copies { 0.0 } else { 1.0 - step };
        Some(SlowSync {
            how: Average { momentum, overwrite: true },
            momentum: match self.values.shared_text(shared::PULLBACK_MOMENTUM) {
                "none" => false,
                // In this case the first synchronization changes nothing.
                "reset" => !copies,
                _ => true,
            },
        })
    }
}
