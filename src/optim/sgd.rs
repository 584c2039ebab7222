//! Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's momentum (Sutskever et al.
//! 2013).
//!
//! * `lr_inside` (Keras): `m = momentum m - learning_rate g`; `p = p + m`, or
//!   `p + momentum m - learning_rate g` with Nesterov's momentum.
//! * `lr_outside` (torch): `m = momentum m + (1 - dampening) g`, at first `m = g`;
//!   `p = p - learning_rate m`, or `p - learning_rate (g + momentum m)` with Nesterov's momentum.

use crate::algorithm::Algorithm;
use crate::error::{Error, Kind, Result};
use crate::hyper::{
    Condition, Domain, Needs, Value, Values, choice, decay_rate, flag, hypers, learning_rate, number,
};
use crate::kernel::{Kernel, one_pass};
use crate::rule::{Decay, Direction, Entry, Formula, OnePass, Plain, Slot, Step, momentum};
use crate::simd::Lanes;

pub(crate) const SGD: Algorithm = Algorithm {
    name: "sgd",
    class_name: "SGD",
    summary: "stochastic gradient descent, with momentum and Nesterov's form",
    formula,
    source: "Polyak 1964; Sutskever et al. 2013",
    hypers: HYPERS,
    make,
    ..Algorithm::BASE
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.01),
    MOMENTUM = decay_rate(0.0, "decay rate of the velocity; with 0 there is none"),
    NESTEROV = flag(false, "use Nesterov's momentum").needs(MOVES),
    FORM = choice(
        &[Value::Text("lr_inside"), Value::Text("lr_outside")],
        "learning rate inside the velocity (Keras) or outside of it (torch)",
    ),
    DAMPENING = number(
        0.0,
        Domain::UnitClosed,
        "share of each gradient that is left out of the velocity; lr_outside only",
    )
    .needs(MOVES),
}

const MOVES: Needs = &[&[Condition::On("momentum")]];

fn formula(f: &mut Formula<'_>) {
    let v = f.values;
    f.couple();
    if v.number(MOMENTUM) == 0.0 {
        f.descend_at("p - learning_rate g", "learning_rate", "g");
    } else if v.is(FORM, "lr_inside") {
        f.line("m = momentum m - learning_rate g");
        if v.flag(NESTEROV) {
            f.descend_at(
                "p + momentum m - learning_rate g",
                "learning_rate",
                "(learning_rate g - momentum m)",
            );
        } else {
            f.descend_at("p + m", "learning_rate", "-m");
        }
    } else {
        f.line(match v.number(DAMPENING) {
            0.0 => "m = momentum m + g",
            _ => "m = momentum m + if(t == 1, 1, 1 - dampening) g",
        });
        if v.flag(NESTEROV) {
            f.line("u = g + momentum m");
            f.descend();
        } else {
            f.descend_at("p - learning_rate m", "learning_rate", "m");
        }
    }
}

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
    fn advance<L: Lanes>(&self, _: L, _: &mut [L; 0]) {}
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, _: &[L; 0]) -> L {
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
    fn lean(&self, decays: bool) -> Option<Self> {
        let decay = self.decay.lean(decays, Entry::Step)?;
        Some(Inside { nesterov: (!self.nesterov).then_some(false)?, decay, ..*self })
    }
    #[inline(always)]
    fn update<L: Lanes>(&self, p: L, g: L, [v]: &mut [L; 1], store: impl Fn(L) -> L) -> L {
        let step = self.decay.gradient(p, g) * self.rate;
        *v = store(*v * self.momentum - step);
        let back = if self.nesterov { step - *v * self.momentum } else { -*v };
        self.decay.step(p, back)
    }
}

/// The learning rate outside the velocity.
#[derive(Clone, Copy)]
struct Outside {
    momentum: f32,
    one_minus_dampening: f32,
    nesterov: bool,
}

impl Outside {
    fn new(step: &Step<'_>) -> Self {
        let dampening = if step.t == 1 { 0.0 } else { step.values.number(DAMPENING) };
        Outside {
            momentum: step.values.number(MOMENTUM) as f32,
            one_minus_dampening: (1.0 - dampening) as f32,
            nesterov: step.values.flag(NESTEROV),
        }
    }
}

impl Direction<1> for Outside {
    const SLOTS: [Slot; 1] = [momentum()];
    #[inline(always)]
    fn lean(&self) -> Option<Self> {
        Some(Outside { nesterov: (!self.nesterov).then_some(false)?, ..*self })
    }
    const USES_GRADIENT: bool = true;
    #[inline(always)]
    fn advance<L: Lanes>(&self, g: L, [b]: &mut [L; 1]) {
        *b = *b * self.momentum + g * self.one_minus_dampening;
    }
    #[inline(always)]
    fn direction<L: Lanes>(&self, g: L, [b]: &[L; 1]) -> L {
        if self.nesterov { g + *b * self.momentum } else { *b }
    }
}
