//! Gradient clipping by norm.

use crate::hyper::{Values, shared};

/// The norm clip that is set.
#[derive(Clone, Copy)]
pub(super) enum Clip {
    None,
    Each(Limit),
    Global(Limit),
}

/// The largest norm.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    norm: f64,
    epsilon: f64,
}

impl Limit {
    /// The factor of gradients of this norm.
    pub(super) fn factor(self, norm: f64) -> f64 {
        if self.epsilon > 0.0 {
            // As in torch: an infinite norm gives zeros, and NaN in the elements that are not finite.
            let factor = self.norm / (norm + self.epsilon);
            return if factor > 1.0 { 1.0 } else { factor };
        }
        // A norm that is not finite makes every gradient NaN, as in Keras.
        if norm.is_finite() { self.norm / norm.max(self.norm) } else { f64::NAN }
    }
}

impl Clip {
    pub(super) fn of(values: &Values) -> Clip {
        let epsilon = values.shared_number(shared::CLIP_EPSILON).unwrap_or(0.0);
        let limit = |norm| Limit { norm, epsilon };
        match (values.shared_number(shared::CLIPNORM), values.shared_number(shared::GLOBAL_CLIPNORM)) {
            (Some(norm), _) => Clip::Each(limit(norm)),
            (_, Some(norm)) => Clip::Global(limit(norm)),
            _ => Clip::None,
        }
    }

    pub(super) fn needs_norms(self) -> bool {
        !matches!(self, Clip::None)
    }
}
