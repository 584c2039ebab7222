//! Gradients that are not finite: whether there are any, and where.

use super::build::Built;
use crate::engine::buffers::Gradient;

/// Whether every gradient is finite; if not, a message about the first one that is not.
pub(super) enum Finite {
    Yes,
    No(String),
}

impl Built {
    /// Checks by its norm whether every gradient is finite.
    pub(super) fn finite(&self, norms: &[f64], gradients: &[Gradient]) -> Finite {
        let Some(i) = norms.iter().position(|x| !x.is_finite()) else {
            return Finite::Yes;
        };
        // SAFETY: the gradient is as long as its parameter.
        let found = unsafe { gradients[i].non_finite(self.lengths[i]) };
        let name = &self.names[i];
        Finite::No(match found {
            Some((index, value, count)) => format!(
                "gradient of '{name}' has {count} non-finite element{}, the first at flat index {index}: {value}; \
                 nothing was changed. Correct it, or use nonfinite=\"skip\" to skip such steps or \
                 nonfinite=\"propagate\" to use such gradients",
                if count == 1 { "" } else { "s" }
            ),
            None if self.state.tensors[i].accumulated.is_some() => {
                format!("accumulated gradient of '{name}' is not finite; nothing was changed")
            }
            None => format!(
                "gradient of '{name}' is not finite once it is divided by loss_scale_factor; nothing was changed"
            ),
        })
    }
}

impl Gradient {
    /// Index, value and number of the non-finite elements.
    ///
    /// # Safety
    ///
    /// The gradient has `len` elements.
    unsafe fn non_finite(&self, len: usize) -> Option<(usize, f32, usize)> {
        let at = |i: usize| {
            // SAFETY: `i < len`, as the caller guarantees.
            unsafe {
                match self {
                    Gradient::None => 0.0,
                    Gradient::Float32(g) => *g.add(i),
                    Gradient::Bfloat16(g) => f32::from_bits(u32::from(*g.add(i)) << 16),
                    // All exponent bits are set: not finite, in half and in single precision.
                    Gradient::Float16(g) if *g.add(i) & 0x7c00 == 0x7c00 => {
                        if *g.add(i) & 0x3ff == 0 {
                            f32::INFINITY
                        } else {
                            f32::NAN
                        }
                    }
                    Gradient::Float16(_) => 0.0,
                }
            }
        };
        let first = (0..len).find(|&i| !at(i).is_finite())?;
        Some((first, at(first), (first..len).filter(|&i| !at(i).is_finite()).count()))
    }
}
