//! Ranger (Wright 2019): RAdam (arXiv 1908.03265) with Lookahead (arXiv 1907.08610) and centralized
//! gradients (arXiv 2004.01461), which are on by default; the rule is that of RAdam.

use crate::algorithm::Algorithm;
use crate::hyper::{Value, beta_1, beta_2, epsilon, hypers, learning_rate};
use crate::optim::radam::{self, RADAM};

pub(crate) const RANGER: Algorithm = Algorithm {
    name: "ranger",
    class_name: "Ranger",
    summary: "RAdam with Lookahead and centralized gradients",
    source: "Wright 2019; Liu et al. 2019, arXiv 1908.03265; Zhang et al. 2019, arXiv 1907.08610",
    hypers: HYPERS,
    defaults: &[
        ("sync_period", Value::Integer(6)),
        ("slow_step_size", Value::Number(0.5)),
        ("gradient_centralization", Value::Bool(true)),
    ],
    ..RADAM
};

hypers! {
    HYPERS;
    LEARNING_RATE = learning_rate(0.001),
    BETA_1 = beta_1(0.95),
    BETA_2 = beta_2(0.999),
    EPSILON = epsilon(1e-5),
    EPSILON_MODE = radam::HYPERS[radam::EPSILON_MODE],
    THRESHOLD = radam::HYPERS[radam::THRESHOLD],
    DEGENERATE = radam::HYPERS[radam::DEGENERATE],
}
