//! Ralamb (Grankin 2019): RAdam's direction (arXiv 1908.03265), scaled layer by layer as LAMB's is
//! (arXiv 1904.00962).
//!
//! With RAdam's direction `r` and `u = r + lambda p`: `q = phi(|p|) / |u|` (step) or
//! `phi(|p|) / |p - eta u|` (new_weights); `p = p - eta q u`. The clamp "paratrooper" keeps `q` between
//! 1 and `c1 / (r_t sqrt(c2))`, or 10 while `r_t` is not tractable.

use crate::engine::stepper::{Stepper, advance_first};
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, fixed, flag, index, learning_rate, number};
use crate::optim::radam::{self, Rectified};
use crate::registry::Algorithm;
use crate::rule::{Layer, Layerwise, Scaled, Slot, Step};
use crate::simd::F32;
use crate::trust::{Ratio, Trust};
use fearless_simd::Simd;

pub(crate) const RALAMB: Algorithm = Algorithm {
    name: "ralamb",
    class_name: "Ralamb",
    summary: "RAdam with the trust ratio of LAMB",
    formula: "u = r_t (m / c1) / (sqrt(v / c2) + eps) + lambda p; p = p - eta (|p| / |u|) u",
    source: "Grankin 2019; Liu et al. 2019, arXiv 1908.03265; You et al. 2019, arXiv 1904.00962",
    hypers: HYPERS,
    defaults: &[("weight_decay_mode", Value::Text("update"))],
    layerwise: true,
    make,
    ..Algorithm::BASE
};

pub(crate) const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.9, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-8, Domain::AtLeast(0.0), "small constant of the denominator"),
    choice(
        "epsilon_mode",
        &[Value::Text("out"), Value::Text("hat")],
        "epsilon beside the corrected root or beside the raw one",
    ),
    radam::HYPERS[radam::THRESHOLD],
    choice(
        "form",
        &[Value::Text("step"), Value::Text("new_weights")],
        "denominator of the ratio: norm of the step, or of the weights after it (over9000)",
    ),
    Hyper {
        default: Value::None,
        ..fixed(number("phi", 0.0, Domain::PairOrNone, "limits of the weight norm in the ratio"))
    },
    Hyper {
        default: Value::None,
        domain: Domain::Or(&Domain::PairOrNone, &[Value::Text("paratrooper")]),
        ..fixed(number("trust_clip", 0.0, Domain::PairOrNone, "limits of the ratio"))
    },
    flag("always_adapt", true, "adapt layers without weight decay too"),
];
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const THRESHOLD: usize = index(HYPERS, "threshold");
const FORM: usize = index(HYPERS, "form");
const PHI: usize = index(HYPERS, "phi");
const TRUST_CLIP: usize = index(HYPERS, "trust_clip");
const ALWAYS_ADAPT: usize = index(HYPERS, "always_adapt");

fn make(values: &Values) -> Result<Box<dyn Stepper>> {
    Ok(if values.is(FORM, "step") {
        advance_first::<_, 2, 2>(layerwise)
    } else {
        advance_first::<_, 2, 2>(|step| NewWeights(layerwise(step)))
    })
}

fn layerwise(step: &mut Step<'_>) -> Layerwise<Rectified> {
    let v = step.values;
    let rectified = Rectified::new(step, v.is(EPSILON_MODE, "hat"), v.number(THRESHOLD));
    let (c1, c2) = [radam::BETA_1, radam::BETA_2].map(|beta| step.correction(v.number(beta))).into();
    let cap = rectified.factor.map_or(10.0, |r| c1 / (r * c2.sqrt()));
    let paratrooper = v.is(TRUST_CLIP, "paratrooper").then_some((1.0, f64::max(1.0, cap)));
    let adapt = step.adapt && (v.flag(ALWAYS_ADAPT) || step.weight_decay() != 0.0);
    let (phi, clip) = (v.pair(PHI), v.pair(TRUST_CLIP).or(paratrooper));
    Layerwise::new(rectified, step, Trust { coefficient: 1.0, phi, clip, epsilon: 0.0, adapt }, false)
}

/// The ratio to the norm of the new weights.
#[derive(Clone, Copy)]
struct NewWeights(Layerwise<Rectified>);

impl Scaled<2, 2> for NewWeights {
    const SLOTS: [Slot; 2] = <Layerwise<Rectified> as Scaled<2, 2>>::SLOTS;
    const USES_GRADIENT: bool = <Layerwise<Rectified> as Scaled<2, 2>>::USES_GRADIENT;
    #[inline(always)]
    fn advance<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &mut [F32<V>; 2]) {
        self.0.advance(p, g, s);
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, p: F32<V>, g: F32<V>, s: &[F32<V>; 2]) -> F32<V> {
        self.0.direction(p, g, s)
    }
    #[inline(always)]
    fn measure<V: Simd>(&self, p: F32<V>, _: F32<V>, _: &[F32<V>; 2], u: F32<V>) -> [(F32<V>, F32<V>); 2] {
        let new = self.0.unscaled(p, u);
        [(p, p), (new, new)]
    }
    fn settle(self, sums: [f64; 2], layer: &mut Layer) -> (Self, Ratio) {
        let (rule, ratio) = self.0.settle(sums, layer);
        (NewWeights(rule), ratio)
    }
    #[inline(always)]
    fn apply<V: Simd>(&self, p: F32<V>, u: F32<V>) -> F32<V> {
        self.0.apply(p, u)
    }
}
