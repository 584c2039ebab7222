//! The operations on a gradient before the rule uses it, in order: unscaling, accumulation, clipping,
//! centralization, LARC.

use crate::engine::buffers::Buffers;
use crate::engine::centralize::Centralize;
use crate::engine::gradient::{GradientTransform, Run, transform_gradient};
use crate::engine::larc::Pull;
use crate::engine::plan::STAGED;
use std::ops::Range;

/// The operations on the gradients of one call, as far as they are known in a pass.
#[derive(Clone, Copy)]
pub(crate) struct GradientChain<'a> {
    pub(crate) transform: GradientTransform,
    /// The factor of each tensor's norm clip; empty without one.
    pub(crate) clip_factors: &'a [f32],
    pub(crate) centralize: Option<&'a Centralize>,
    /// LARC's change of each tensor's gradient; empty without LARC.
    pub(crate) pulls: &'a [Pull],
}

/// The gradient of a tensor that has none but takes part in an accumulated update.
static ZEROS: [f32; STAGED] = [0.0; STAGED];

impl GradientChain<'_> {
    /// The operations on each element of a tensor's gradient.
    pub(crate) fn elementwise(&self, tensor: usize) -> GradientTransform {
        let mut transform = self.transform;
        if let Some(factor) = self.clip_factors.get(tensor) {
            transform.factor *= factor;
        }
        transform
    }

    /// Whether a rule sees a tensor's gradient as it is, if that is float32.
    pub(crate) fn leaves_alone(&self, tensor: usize) -> bool {
        let touches = self.centralize.is_some_and(|centralize| centralize.touches(tensor));
        !touches && self.pulls.is_empty() && self.elementwise(tensor).is_nothing()
    }

    /// The same for every tensor.
    pub(crate) fn leaves_all_alone(&self) -> bool {
        let GradientChain { transform, clip_factors, centralize, pulls } = self;
        transform.is_nothing() && clip_factors.is_empty() && centralize.is_none() && pulls.is_empty()
    }

    /// Writes the gradient of a range of at most [`STAGED`] elements, and zeros after it.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn write(
        &self,
        buffers: &Buffers<'_>,
        tensor: usize,
        range: Range<usize>,
        p: &[f32],
        out: &mut [f32],
    ) {
        // SAFETY: passed on to the caller.
        let (accumulated, run) =
            unsafe { (buffers.accumulated_values(tensor, &range), buffers.gradient(tensor, range.clone())) };
        let run = run.unwrap_or(Run::Float32(&ZEROS[..range.len()]));
        transform_gradient(buffers.isa, run, accumulated, self.elementwise(tensor), out);
        let g = &mut out[..range.len()];
        if let Some(centralize) = self.centralize {
            centralize.apply(buffers.isa, tensor, range.start, g);
        }
        if let Some(pull) = self.pulls.get(tensor) {
            pull.apply(buffers.isa, p, g);
        }
    }

    /// [`GradientChain::write`] into a buffer of one tile; returns the range.
    ///
    /// # Safety
    ///
    /// The obligation of [`Buffers`].
    pub(crate) unsafe fn transformed<'w>(
        &self,
        buffers: &Buffers<'_>,
        tensor: usize,
        range: Range<usize>,
        out: &'w mut [f32],
    ) -> &'w [f32] {
        let n = range.len();
        // SAFETY: passed on to the caller.
        unsafe {
            let p = buffers.parameter_values(tensor, range.clone());
            self.write(buffers, tensor, range, p, &mut out[..n.next_multiple_of(crate::simd::LANES)]);
        }
        &out[..n]
    }
}
