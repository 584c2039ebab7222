//! Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's form (Sutskever 2013).
//!
//! * `lr_inside` (Keras): `v = mu v - eta g`; `p = p + v`, Nesterov `p = p + mu v - eta g`.
//! * `lr_outside` (torch): `b = mu b + (1 - tau) g`, first `b = g`; `p = p - eta b`, Nesterov
//!   `p = p - eta (g + mu b)`.

use crate::algorithm::Algorithm;
use crate::error::{Error, Kind, Result};
use crate::hyper::{
    Condition, Domain, Hyper, Needs, Value, Values, choice, flag, index, learning_rate, needs, number,
};
use crate::kernel::{Kernel, one_pass};
use crate::rule::Decay;
use crate::rule::{Direction, OnePass, Plain, Slot, Step, momentum};
use crate::simd::F32;
use fearless_simd::Simd;

pub(crate) const SGD: Algorithm = Algorithm {
    name: "sgd",
    class_name: "SGD",
    summary: "stochastic gradient descent, with momentum and Nesterov's form",
    formula: "v = mu v - eta g; p = p + v",
    source: "Polyak 1964; Sutskever et al. 2013",
    hypers: HYPERS,
    needs: NEEDS,
    make,
    ..Algorithm::BASE
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.01),
    number("momentum", 0.0, Domain::Unit, "decay rate of the velocity, mu; 0 keeps no state"),
    flag("nesterov", false, "look ahead along the velocity"),
    choice(
        "form",
        &[Value::Text("lr_inside"), Value::Text("lr_outside")],
        "whether the learning rate is inside the velocity (Keras) or outside (torch)",
    ),
    number("dampening", 0.0, Domain::UnitClosed, "tau: the velocity takes (1 - tau) g; lr_outside only"),
];

const NEEDS: &[Needs] = &[needs("nesterov", MOVES), needs("dampening", MOVES)];

const MOVES: &[Condition] = &[Condition::On("momentum")];
const MOMENTUM: usize = index(HYPERS, "momentum");
const NESTEROV: usize = index(HYPERS, "nesterov");
const FORM: usize = index(HYPERS, "form");
const DAMPENING: usize = index(HYPERS, "dampening");

fn make(values: &Values) -> Result<Box<dyn Kernel>> {
    let inside = values.is(FORM, "lr_inside");
    let refuse = |why: &str| Err(Error::new(Kind::Hyperparameter, why));
    if values.number(DAMPENING) != 0.0 && (inside || values.flag(NESTEROV)) {
        return refuse("dampening needs form='lr_outside' and nesterov=False");
    }
    if values.number(MOMENTUM) == 0.0 {
        return Ok(one_pass::<_, 0>(|step| Plain::new(Gradient, step)));
    }
    Ok(if inside {
        one_pass::<_, 1>(Inside::new)
    } else {
        one_pass::<_, 1>(|step| Plain::new(Outside::new(step), step))
    })
}

/// No momentum: the direction is the gradient.
#[derive(Clone, Copy)]
struct Gradient;

impl Direction<0> for Gradient {
    const SLOTS: [Slot; 0] = [];
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<V: Simd>(&self, _: F32<V>, _: &mut [F32<V>; 0]) {}
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, _: &[F32<V>; 0]) -> F32<V> {
        g
    }
}

/// The learning rate inside the velocity.
#[derive(Clone, Copy)]
struct Inside {
    momentum: f32,
    rate: f32,
    nesterov: bool,
    decay: Decay,
}

impl Inside {
    fn new(step: &mut Step<'_>) -> Self {
        let decay = Decay::new(step, false);
        Inside {
            momentum: step.values.number(MOMENTUM) as f32,
            rate: step.learning_rate as f32,
            nesterov: step.values.flag(NESTEROV),
            decay,
        }
    }
}

impl OnePass<1> for Inside {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn update<V: Simd>(
        &self,
        p: F32<V>,
        g: F32<V>,
        [v]: &mut [F32<V>; 1],
        keep: impl Fn(F32<V>) -> F32<V>,
    ) -> F32<V> {
        let step = self.decay.gradient(p, g) * self.rate;
        *v = keep(*v * self.momentum - step);
        let back = if self.nesterov { step - *v * self.momentum } else { -*v };
        self.decay.step(p, back)
    }
}

/// The learning rate outside the velocity.
#[derive(Clone, Copy)]
struct Outside {
    momentum: f32,
    take: f32,
    nesterov: bool,
}

impl Outside {
    fn new(step: &Step<'_>) -> Self {
        let dampening = if step.t == 1 { 0.0 } else { step.values.number(DAMPENING) };
        Outside {
            momentum: step.values.number(MOMENTUM) as f32,
            take: (1.0 - dampening) as f32,
            nesterov: step.values.flag(NESTEROV),
        }
    }
}

impl Direction<1> for Outside {
    const SLOTS: [Slot; 1] = [momentum()];
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<V: Simd>(&self, g: F32<V>, [b]: &mut [F32<V>; 1]) {
        *b = *b * self.momentum + g * self.take;
    }
    #[inline(always)]
    fn direction<V: Simd>(&self, g: F32<V>, [b]: &[F32<V>; 1]) -> F32<V> {
        if self.nesterov { g + *b * self.momentum } else { *b }
    }
}
