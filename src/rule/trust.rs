//! The trust ratio, the factor of the step of an array: `q = coefficient norm(p) / (norm(u) + epsilon)`, and 1 if
//! either norm is 0 (You et al. 2017, arXiv 1708.03888; You et al. 2019, arXiv 1904.00962).

/// The settings of the ratio.
#[derive(Clone, Copy, Debug)]
pub struct Trust {
    /// Factor of the ratio: 1e-3 for LARS, 1 for LAMB.
    pub coefficient: f64,
    /// Limits of the weight norm: `min(max(norm(p), low), high)`.
    pub phi: Option<(f64, f64)>,
    /// Limits of the ratio.
    pub clip: Option<(f64, f64)>,
    /// Added to a denominator that is not 0.
    pub epsilon: f64,
    /// Whether this layer has a trust ratio; if not, it is 1.
    pub adapt: bool,
}

/// Norms and ratio of a layer, for reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustRecord {
    /// L2 norm of the parameter.
    pub weight_norm: f64,
    /// The denominator of the ratio: L2 norm of the update (LAMB) or of the gradient (LARS).
    pub update_norm: f64,
    /// The factor by which the step was scaled.
    pub ratio: f64,
}

impl TrustRecord {
    /// The record of a layer without a ratio.
    pub const NONE: TrustRecord =
        TrustRecord { weight_norm: f64::NAN, update_norm: f64::NAN, ratio: f64::NAN };
}

impl Trust {
    /// The ratio for the two norms: 1 if either is 0, or if the layer has none.
    pub fn ratio(&self, weight_norm: f64, update_norm: f64) -> f64 {
        if !self.adapt || weight_norm == 0.0 || update_norm == 0.0 {
            return 1.0;
        }
        let weight = limit(weight_norm, self.phi);
        limit(self.coefficient * weight / (update_norm + self.epsilon), self.clip)
    }

    /// The record of this layer.
    pub fn record(&self, weight_norm: f64, update_norm: f64) -> TrustRecord {
        if self.adapt {
            TrustRecord { weight_norm, update_norm, ratio: self.ratio(weight_norm, update_norm) }
        } else {
            TrustRecord::NONE
        }
    }
}

/// `x` within the limits; NaN stays NaN.
fn limit(x: f64, limits: Option<(f64, f64)>) -> f64 {
    match limits {
        Some((low, _)) if x < low => low,
        Some((_, high)) if x > high => high,
        _ => x,
    }
}

/// Limits in a formula.
pub(crate) fn limits((low, high): (f64, f64)) -> String {
    format!("{low}, {high}")
}

/// The assignment of the ratio `q` in a formula: its text, the norm in its denominator, and its limits.
pub(crate) fn formula(ratio: &str, norm: &str, limits: Option<String>) -> String {
    let ratio = limits.map_or(ratio.to_string(), |limits| format!("clip({ratio}, {limits})"));
    format!("q = if(norm(p) {norm} == 0, 1, {ratio})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Trust = Trust { coefficient: 1.0, phi: None, clip: None, epsilon: 0.0, adapt: true };

    #[test]
    fn zero_norms_give_one() {
        for (w, u) in [(0.0, 2.0), (2.0, 0.0), (0.0, 0.0)] {
            assert_eq!(Trust { coefficient: 1e-3, ..PLAIN }.ratio(w, u), 1.0);
        }
    }

    #[test]
    fn limits_apply_where_they_belong() {
        assert_eq!(PLAIN.ratio(30.0, 2.0), 15.0);
        assert_eq!(Trust { phi: Some((0.0, 10.0)), ..PLAIN }.ratio(30.0, 2.0), 5.0);
        assert_eq!(Trust { clip: Some((0.0, 1.0)), ..PLAIN }.ratio(30.0, 2.0), 1.0);
        assert_eq!(Trust { epsilon: 1.0, ..PLAIN }.ratio(30.0, 2.0), 10.0);
        assert_eq!(Trust { adapt: false, ..PLAIN }.ratio(30.0, 2.0), 1.0);
        assert!(PLAIN.ratio(f64::NAN, 2.0).is_nan());
    }
}
