//! LARC (NVIDIA Apex): each gradient gets a rate of its own from the norms of its layer.

use crate::simd::{Isa, with_isa};

/// The change of the gradient of a tensor: `g = g * factor + p * decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pull {
    pub(crate) factor: f64,
    pub(crate) decay: f64,
}

impl Pull {
    /// No change.
    pub(crate) const NONE: Pull = Pull { factor: 1.0, decay: 0.0 };

    /// Changes a gradient, in f64: the two terms may cancel.
    pub(crate) fn apply(self, isa: Isa, p: &[f32], g: &mut [f32]) {
        if self == Pull::NONE {
            return;
        }
        with_isa!(isa, v => {
            let _ = v;
            for (g, p) in g.iter_mut().zip(p) {
                *g = (f64::from(*g) * self.factor + f64::from(*p) * self.decay) as f32;
            }
        });
    }
}

/// The settings of LARC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Larc {
    pub(crate) coefficient: f64,
    pub(crate) epsilon: f64,
    /// Whether the rate is limited to the learning rate.
    pub(crate) clip: bool,
}

impl Larc {
    /// The change for a layer with these squared norms of parameter and gradient.
    pub(crate) fn pull(self, weight: f64, gradient: f64, decay: f64, rate: f64) -> Pull {
        let (weight, gradient) = (weight.sqrt(), gradient.sqrt());
        if weight == 0.0 || gradient == 0.0 {
            return Pull::NONE;
        }
        let q = self.coefficient * weight / (gradient + decay * weight + self.epsilon);
        let factor = match self.clip {
            false => q,
            true if q >= rate => 1.0,
            true => q / rate,
        };
        Pull { factor, decay: factor * decay }
    }
}
