//! RMSprop (Tieleman and Hinton 2012).
//!
//! `v = rho v + (1 - rho) g^2`, `d = v`; centered `a = rho a + (1 - rho) g`, `d = max(v - a^2, 0)`.
//! `q = g / sqrt(d + eps)` (in) or `g / (sqrt(d) + eps)` (out); `p = p - eta q`, or with momentum
//! `b = mu b + eta q`, `p = p - b` (lr_inside), or `b = mu b + q`, `p = p - eta b` (lr_outside).

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Hyper, Value, Values, choice, fixed, flag, index, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{OnePass, Slot, Step, moment, momentum, square};
use crate::simd::{F32, div_or_zero, maximum, splat, sqrt};
use fearless_simd::Simd;

pub(crate) const RMSPROP: Algorithm = Algorithm {
    name: "rmsprop",
    class_name: "RMSprop",
    summary: "step sizes from a moving average of squared gradients",
    formula: "v = rho v + (1 - rho) g^2; p = p - eta g / sqrt(v + eps)",
    source: "Tieleman and Hinton 2012",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("rho", 0.9, Domain::Unit, "decay rate of the averages"),
    number("momentum", 0.0, Domain::Unit, "decay rate of the velocity, mu; 0 keeps no such state"),
    number("epsilon", 1e-7, Domain::AtLeast(0.0), "small constant of the denominator"),
    flag("centered", false, "subtract the square of the average gradient"),
    choice("epsilon_mode", &[Value::Text("in"), Value::Text("out")], "epsilon inside the root or outside"),
    fixed(number(
        "initial_accumulator_value",
        0.0,
        Domain::Or(&Domain::AtLeast(0.0), &[Value::Text("gradient")]),
        "first value of the average, or the square of the first gradient",
    )),
    choice(
        "form",
        &[Value::Text("lr_inside"), Value::Text("lr_outside")],
        "whether the learning rate is inside the velocity (Keras) or outside (torch)",
    ),
];
const RHO: usize = index(HYPERS, "rho");
const MOMENTUM: usize = index(HYPERS, "momentum");
const EPSILON: usize = index(HYPERS, "epsilon");
const CENTERED: usize = index(HYPERS, "centered");
const EPSILON_MODE: usize = index(HYPERS, "epsilon_mode");
const INITIAL: usize = index(HYPERS, "initial_accumulator_value");
const FORM: usize = index(HYPERS, "form");

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    Ok(match (values.flag(CENTERED), values.number(MOMENTUM) != 0.0) {
        (false, false) => one_pass::<_, 1>(RmsProp::<false>::new),
        (false, true) => one_pass::<_, 2>(RmsProp::<false>::new),
        (true, false) => one_pass::<_, 2>(RmsProp::<true>::new),
        (true, true) => one_pass::<_, 3>(RmsProp::<true>::new),
    })
}

#[derive(Clone, Copy)]
struct RmsProp<const CENTERED: bool> {
    keep: f32,
    take: f32,
    /// Factor of the squared gradient, which is 1 where it is the first value.
    square: f32,
    inside: f32,
    outside: f32,
    momentum: f32,
    /// Factor of the quotient before it enters the velocity, and of the velocity in the step.
    enter: f32,
    leave: f32,
    decay: Decay,
}

impl<const CENTERED: bool> RmsProp<CENTERED> {
    fn new(step: &mut Step<'_>) -> Self {
        let (v, rate) = (step.values, step.learning_rate as f32);
        let (rho, epsilon) = (v.number(RHO), v.number(EPSILON) as f32);
        let take = (1.0 - rho) as f32;
        let (inside, outside) = if v.is(EPSILON_MODE, "in") { (epsilon, 0.0) } else { (0.0, epsilon) };
        let (enter, leave) = if v.is(FORM, "lr_inside") { (rate, 1.0) } else { (1.0, rate) };
        let square = if step.t == 1 && v.is(INITIAL, "gradient") { 1.0 } else { take };
        let (momentum, decay) = (v.number(MOMENTUM) as f32, Decay::new(step, false));
        RmsProp { keep: rho as f32, take, square, inside, outside, momentum, enter, leave, decay }
    }
}

impl<const CENTERED: bool, const S: usize> OnePass<S> for RmsProp<CENTERED> {
    const SLOTS: [Slot; S] = {
        let mut slots = [momentum(); S];
        slots[CENTERED as usize] = moment("gradient_average");
        slots[0] = square("velocity").starting_at(INITIAL);
        slots
    };
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        s: &mut [F32<V>; S],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let g = self.decay.gradient(p, g);
        s[0] = keep(s[0] * self.keep + (g * g) * self.square);
        let mut d = s[0];
        if CENTERED {
            s[1] = keep(s[1] * self.keep + g * self.take);
            d = maximum(splat(g, 0.0), d - s[1] * s[1]);
        }
        let q = div_or_zero(g, sqrt(d + self.inside) + self.outside) * self.enter;
        if S == 1 + CENTERED as usize {
            return self.decay.step(p, q * self.leave);
        }
        s[S - 1] = keep(s[S - 1] * self.momentum + q);
        self.decay.step(p, s[S - 1] * self.leave)
    }
}
