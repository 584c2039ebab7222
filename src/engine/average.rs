//! Averages of parameters: the moving average, and Lookahead's slow weights.

use crate::simd::{Isa, with_isa};

/// The moving average of the parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Average {
    /// Decay rate; 0 makes the average a copy.
    pub(crate) momentum: f64,
    /// Whether the parameters are overwritten with the average afterwards.
    pub(crate) overwrite: bool,
}

/// `average = momentum * average + (1 - momentum) * p`; with `overwrite`, `p = average` follows.
pub(crate) fn average(isa: Isa, how: Average, p: &mut [f32], average: &mut [f32]) {
    let (keep, take) = (how.momentum as f32, (1.0 - how.momentum) as f32);
    with_isa!(isa, v => {
        let _ = v;
        for (a, p) in average.iter_mut().zip(p) {
            let new = if keep == 0.0 { *p } else { keep * *a + take * *p };
            *a = if new.abs() < f32::MIN_POSITIVE { 0.0 } else { new };
            // A copy keeps the bits of the parameter, also of subnormal numbers.
            if how.overwrite && keep != 0.0 {
                *p = *a;
            }
        }
    });
}

/// A synchronization of parameters and slow weights (Lookahead).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowSync {
    /// The update of the slow weights.
    pub(crate) how: Average,
    /// Whether the momentum is reset or pulled back too.
    pub(crate) momentum: bool,
}
