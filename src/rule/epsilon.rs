//! The constant that keeps a denominator away from 0.

use crate::simd::{Lanes, div_or_zero};

/// A constant that is added to a denominator which is not negative, or is its lower limit.
#[derive(Clone, Copy, Debug)]
pub struct Epsilon {
    /// The constant.
    pub value: f32,
    /// Whether it is known to be positive, hence the denominator too.
    positive: bool,
}

impl Epsilon {
    /// A constant that may be 0.
    pub fn new(value: f64) -> Self {
        Epsilon { value: value as f32, positive: false }
    }

    /// The constant as one that is positive, if it is: kernels have a loop for that, which does not look for
    /// denominators of 0.
    #[inline(always)]
    pub fn lean(self) -> Option<Self> {
        (self.value > 0.0).then_some(Epsilon { positive: true, ..self })
    }

    /// `num / den`, and 0 where `den` is 0; `den` is at least the constant.
    #[inline(always)]
    pub fn divide<L: Lanes>(self, num: L, den: L) -> L {
        if self.positive { num / den } else { div_or_zero(num, den) }
    }

    /// `num / (den + epsilon)`, and 0 where the denominator is 0.
    #[inline(always)]
    pub fn quotient<L: Lanes>(self, num: L, den: L) -> L {
        self.divide(num, den + self.value)
    }
}
