//! The projection of AdamP and SGDP (arXiv 2006.08217).
//!
//! The output of weights before a normalization does not depend on their scale: the gradient is orthogonal to
//! them, and a step along them only makes them longer. With `cos(a, b) = |<a, b>| / max(|a| |b|, epsilon)`, the
//! weights of a tensor are treated as such if `cos(g, p) < delta / sqrt(n)` holds for each of its channels (the
//! slices of the first axis, with `n` elements), or else for the whole tensor. Then the part along the weights
//! is subtracted from the direction, `u = u - <n, u> n` with `n = p / (|p| + epsilon)`, and weight decay is
//! smaller.

use super::decay::{Decay, Entry};
use super::formula::Formula;
use super::slots::{Slot, row_coefficient};
use super::step::{LayerScalars, Step};
use super::traits::{Direction, ReduceFirst};
use crate::hyper::{Domain, Hyper, number};
use crate::powers::narrow;
use crate::simd::Lanes;

/// The row of `delta`.
pub(crate) const DELTA: Hyper = number(
    0.1,
    Domain::AtLeast(0.0),
    "largest cosine of gradient and weights, times the root of their number",
);
/// The row of the factor of weight decay.
pub(crate) const WEIGHT_DECAY_RATIO: Hyper =
    number(0.1, Domain::AtLeast(0.0), "factor of the weight decay of projected arrays");

/// The projection in a formula, from the direction `u`.
pub(crate) fn formula(f: &mut Formula<'_>) {
    f.line("c = abs(channel_sum(g p)) / max(sqrt(channel_sum(g^2) channel_sum(p^2)), epsilon)");
    f.line("channels = largest(c) < delta / sqrt(channel_size(p))");
    f.line("layer = abs(sum(g p)) / max(norm(g) norm(p), epsilon) < delta / sqrt(size(p))");
    f.line("length = if(channels, sqrt(channel_sum(p^2)), norm(p)); n = p / (length + epsilon)");
    f.line("u = u - if(channels, channel_sum(n u), if(layer, sum(n u), 0)) n");
    if f.decays() {
        f.line("k = if(max(channels, layer), weight_decay_ratio, 1)");
        f.decay_is("k weight_decay");
    }
}

/// The condition under which a direction is projected.
#[derive(Clone, Copy, Debug)]
struct Projection {
    delta: f64,
    epsilon: f64,
}

impl Projection {
    /// Whether the gradient is nearly orthogonal to `n` weights.
    fn is_orthogonal(&self, [gp, gg, pp, _]: &[f64; 4], n: usize) -> bool {
        let below = (gg.sqrt() * pp.sqrt()).max(self.epsilon);
        let cosine = if below == 0.0 { 0.0 } else { gp.abs() / below };
        cosine < self.delta / (n as f64).sqrt()
    }

    /// The factor of the weights that is subtracted from the direction.
    fn coefficient(&self, [_, _, pp, pu]: &[f64; 4]) -> f32 {
        let length = pp.sqrt() + self.epsilon;
        if length == 0.0 { 0.0 } else { narrow(pu / (length * length)) }
    }

    /// The coefficients of rows with these sums, and whether any direction is projected.
    fn rows(&self, sums: &[[f64; 4]], columns: usize, coefficients: &mut [f32]) -> bool {
        if sums.iter().all(|row| self.is_orthogonal(row, columns)) {
            for (coefficient, row) in coefficients.iter_mut().zip(sums) {
                *coefficient = self.coefficient(row);
            }
            return true;
        }
        let mut total = [0.0; 4];
        for row in sums {
            for (total, sum) in total.iter_mut().zip(row) {
                *total += sum;
            }
        }
        let whole = self.is_orthogonal(&total, columns * sums.len());
        coefficients.fill(if whole { self.coefficient(&total) } else { 0.0 });
        whole
    }
}

/// A direction as an element-wise rule whose direction is projected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projected<D> {
    direction: D,
    projection: Projection,
    rate: f32,
    decay: Decay,
    /// The decay of weights that do not depend on their scale.
    smaller: Decay,
}

impl<D> Projected<D> {
    /// The rule for this step, with the positions of delta, epsilon and the factor of weight decay in the
    /// algorithm's table.
    pub(crate) fn new(direction: D, step: &Step<'_>, positions: [usize; 3]) -> Self {
        let [delta, epsilon, weight_decay_ratio] = positions.map(|position| step.values.number(position));
        let (decay, lambda) = (Decay::new(step, false), step.weight_decay());
        // Coupled decay is part of the gradient, so it cannot depend on the result.
        let smaller = match step.coupled() {
            0.0 => Decay::of(step, lambda * weight_decay_ratio, step.learning_rate, false),
            _ => decay,
        };
        let projection = Projection { delta, epsilon };
        Projected { direction, projection, rate: step.learning_rate as f32, decay, smaller }
    }
}

/// The rule for directions with `$s` states; the coefficient of the row is the last slot.
macro_rules! projected {
    ($s:literal, $n:literal, $($k:literal),+) => {
        impl<D: Direction<$s>> ReduceFirst<$n, 4> for Projected<D> {
            const SLOTS: [Slot; $n] = [$(D::SLOTS[$k],)+ row_coefficient()];
            const REDUCES_STATE: bool = true;
            const AS_STORED: bool = false;
            const ROWS: bool = true;

            #[inline(always)]
            fn lean(&self, decays: bool) -> Option<Self> {
                let decay = self.decay.lean(decays, Entry::Step)?;
                Some(Projected { direction: self.direction.lean()?, decay, ..*self })
            }

            #[inline(always)]
            fn reduce<L: Lanes>(&self, p: L, g: L, s: &[L; $n]) -> [(L, L); 4] {
                let g = self.decay.gradient(p, g);
                let mut s = [$(s[$k]),+];
                self.direction.advance(g, &mut s);
                let u = self.direction.direction(g, &s);
                [(g, p), (g, g), (p, p), (p, u)]
            }

            fn rows(&self, sums: &[[f64; 4]], columns: usize, coefficients: &mut [f32]) -> [f64; 4] {
                let projects = self.projection.rows(sums, columns, coefficients);
                [f64::from(u8::from(projects)), 0.0, 0.0, 0.0]
            }

            fn with_sums(self, [projects, ..]: [f64; 4], _: &LayerScalars) -> Self {
                if projects == 0.0 { self } else { Projected { decay: self.smaller, ..self } }
            }

            #[inline(always)]
            fn advance<L: Lanes>(&self, p: L, g: L, s: &mut [L; $n]) {
                let mut own = [$(s[$k]),+];
                self.direction.advance(self.decay.gradient(p, g), &mut own);
                $(s[$k] = own[$k];)+
            }

            #[inline(always)]
            fn apply<L: Lanes>(&self, p: L, g: L, _: &[L; $n], s: &[L; $n]) -> L {
                let u = self.direction.direction(self.decay.gradient(p, g), &[$(s[$k]),+]);
                self.decay.step(p, (u - p * s[$s]) * self.rate)
            }
        }
    };
}

projected!(1, 2, 0);
projected!(2, 3, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECTION: Projection = Projection { delta: 0.1, epsilon: 1e-8 };

    #[test]
    fn channels_come_before_the_whole_tensor() {
        let orthogonal = [0.0, 1.0, 4.0, 8.0];
        let mut coefficients = [9.0; 2];
        assert!(PROJECTION.rows(&[orthogonal, orthogonal], 100, &mut coefficients));
        assert!(coefficients.iter().all(|x| (x - 2.0).abs() < 1e-6));
        // Each channel has a part along the gradient, but the parts cancel.
        let rows = [[1.0, 1.0, 4.0, 8.0], [-1.0, 1.0, 4.0, 4.0]];
        assert!(PROJECTION.rows(&rows, 1, &mut coefficients));
        assert!(coefficients.iter().all(|x| (x - 1.5).abs() < 1e-6));
        assert!(!PROJECTION.rows(&[[1.0, 1.0, 4.0, 8.0]; 2], 1, &mut coefficients));
        assert_eq!(coefficients, [0.0; 2]);
    }

    #[test]
    fn zeros_without_epsilon_are_orthogonal() {
        let projection = Projection { epsilon: 0.0, ..PROJECTION };
        let mut coefficients = [9.0; 1];
        assert!(projection.rows(&[[0.0; 4]], 4, &mut coefficients));
        assert_eq!(coefficients, [0.0]);
    }
}
