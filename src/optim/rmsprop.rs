//! RMSprop (Tieleman and Hinton 2012): the gradient divided by the root of a moving average of its
//! square.
//!
//! `v = rho v + (1 - rho) g^2`; centered: `a = rho a + (1 - rho) g` and `v - a^2` in the place of `v`.
//! `u = g / sqrt(v + epsilon)` (in) or `g / (sqrt(v) + epsilon)` (out); `p = p - learning_rate u`. With
//! momentum: `m = momentum m + learning_rate u`, `p = p - m` (lr_inside), or `m = momentum m + u`,
//! `p = p - learning_rate m` (lr_outside).

use crate::algorithm::Algorithm;
use crate::error::Result;
use crate::hyper::{Domain, Value, Values, choice, decay_rate, epsilon, flag, hypers, learning_rate, number};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Decay, Entry, Epsilon, Formula, OnePass, Slot, Step, moment, momentum, square};
use crate::simd::{Lanes, maximum, splat, sqrt};

pub(crate) const RMSPROP: Algorithm = Algorithm {
    name: "rmsprop",
    class_name: "RMSprop",
    summary: "step sizes from a moving average of squared gradients",
    formula,
    source: "Tieleman and Hinton 2012",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    RHO = decay_rate(0.9, "decay rate of the moving averages"),
    MOMENTUM = decay_rate(0.0, "decay rate of the velocity; with 0 there is none"),
    EPSILON = epsilon(1e-7),
    CENTERED = flag(false, "subtract the square of the average gradient from the second moment"),
    EPSILON_MODE = choice(
        &[Value::Text("in"), Value::Text("out")],
        "epsilon inside the root or outside of it",
    ),
    INITIAL_ACCUMULATOR_VALUE = number(
        0.0,
        Domain::Or(&Domain::AtLeast(0.0), &[Value::Text("gradient")]),
        "initial value of the average, or the square of the first gradient",
    )
    .fixed(),
    FORM = choice(
        &[Value::Text("lr_inside"), Value::Text("lr_outside")],
        "learning rate inside the velocity (Keras) or outside of it (torch)",
    ),
}

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    if v.is(INITIAL_ACCUMULATOR_VALUE, "gradient") {
        f.line("v = rho v + if(t == 1, 1, 1 - rho) g^2");
    } else if v.number(INITIAL_ACCUMULATOR_VALUE) == 0.0 {
        f.line("v = rho v + (1 - rho) g^2");
    } else {
        f.line("v = rho if(t == 1, initial_accumulator_value, v) + (1 - rho) g^2");
    }
    let mut d = "v";
    if v.flag(CENTERED) {
        f.line("a = rho a + (1 - rho) g; d = max(v - a^2, 0)");
        d = "d";
    }
    f.line(match v.is(EPSILON_MODE, "in") {
        true => format!("u = g / sqrt({d} + epsilon)"),
        false => format!("u = g / (sqrt({d}) + epsilon)"),
    });
    if v.number(MOMENTUM) == 0.0 {
        f.descend();
    } else if v.is(FORM, "lr_inside") {
        f.line("m = momentum m + learning_rate u");
        f.descend_at("p - m", "learning_rate", "m");
    } else {
        f.line("m = momentum m + u");
        f.descend_at("p - learning_rate m", "learning_rate", "m");
    }
}

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
    rho: f32,
    one_minus_rho: f32,
    /// Factor of the squared gradient, which is 1 if the squared gradient is the first value.
    square: f32,
    epsilon: Epsilon,
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
        let (rho, epsilon) = (v.number(RHO), Epsilon::new(v.number(EPSILON)));
        let one_minus_rho = (1.0 - rho) as f32;
        let (inside, outside) =
            if v.is(EPSILON_MODE, "in") { (epsilon.value, 0.0) } else { (0.0, epsilon.value) };
        let (enter, leave) = if v.is(FORM, "lr_inside") { (rate, 1.0) } else { (1.0, rate) };
        let square =
            if step.t == 1 && v.is(INITIAL_ACCUMULATOR_VALUE, "gradient") { 1.0 } else { one_minus_rho };
        let (momentum, decay) = (v.number(MOMENTUM) as f32, Decay::new(step, false));
        RmsProp {
            rho: rho as f32,
            one_minus_rho,
            square,
            epsilon,
            inside,
            outside,
            momentum,
            enter,
            leave,
            decay,
        }
    }
}

impl<const CENTERED: bool, const S: usize> OnePass<S> for RmsProp<CENTERED> {
    const SLOTS: [Slot; S] = {
        let mut slots = [momentum(); S];
        slots[CENTERED as usize] = moment("gradient_average");
        slots[0] = square("velocity").starting_at(INITIAL_ACCUMULATOR_VALUE);
        slots
    };
    #[inline(always)]
    fn lean(&self, decays: bool) -> Option<Self> {
        let decay = self.decay.lean(decays, Entry::Step)?;
        Some(RmsProp { epsilon: self.epsilon.lean()?, decay, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, s: &mut [L; S], store: impl Fn(L) -> L) -> L {
        let g = self.decay.gradient(p, g);
        s[0] = store(s[0] * self.rho + (g * g) * self.square);
        let mut d = s[0];
        if CENTERED {
            s[1] = store(s[1] * self.rho + g * self.one_minus_rho);
            d = maximum(splat(g, 0.0), d - s[1] * s[1]);
        }
        let q = self.epsilon.divide(g, sqrt(d + self.inside) + self.outside) * self.enter;
        if S == 1 + CENTERED as usize {
            return self.decay.step(p, q * self.leave);
        }
        s[S - 1] = store(s[S - 1] * self.momentum + q);
        self.decay.step(p, s[S - 1] * self.leave)
    }
}
