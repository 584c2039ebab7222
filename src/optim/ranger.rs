//! Ranger (Wright 2019): RAdam, Lookahead (arXiv 1907.08610) and centralised gradients (arXiv
//! 2004.01461). The last two are stages, on by default here: the rule is RAdam's.

use crate::algorithm::Algorithm;
use crate::hyper::{Domain, Hyper, Value, learning_rate, number};
use crate::optim::radam::{self, RADAM};

pub(crate) const RANGER: Algorithm = Algorithm {
    name: "ranger",
    class_name: "Ranger",
    summary: "RAdam with Lookahead and centralised gradients",
    formula: "RAdam on g - mean(g); every k steps slow = slow + alpha (p - slow), p = slow",
    source: "Wright 2019; Liu et al. 2019, arXiv 1908.03265; Zhang et al. 2019, arXiv 1907.08610",
    hypers: HYPERS,
    defaults: &[
        ("sync_period", Value::Integer(6)),
        ("slow_step_size", Value::Number(0.5)),
        ("gradient_centralization", Value::Bool(true)),
    ],
    ..RADAM
};

const HYPERS: &[Hyper] = &[
    learning_rate(0.001),
    number("beta_1", 0.95, Domain::Unit, "decay rate of the first moment"),
    number("beta_2", 0.999, Domain::Unit, "decay rate of the second moment"),
    number("epsilon", 1e-5, Domain::AtLeast(0.0), "small constant of the denominator"),
    radam::HYPERS[radam::EPSILON_MODE],
    radam::HYPERS[radam::THRESHOLD],
    radam::HYPERS[radam::DEGENERATE],
];
