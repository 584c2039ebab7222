//! RangerLars (Grankin 2019, "over9000"): Ralamb with Lookahead (arXiv 1907.08610), which is on by
//! default.

use crate::algorithm::Algorithm;
use crate::hyper::Value;
use crate::optim::ralamb::RALAMB;

pub(crate) const RANGER_LARS: Algorithm = Algorithm {
    name: "rangerlars",
    class_name: "RangerLars",
    summary: "Ralamb with Lookahead",
    source: "Grankin 2019; Liu et al. 2019, arXiv 1908.03265; Zhang et al. 2019, arXiv 1907.08610",
    defaults: &[
        ("weight_decay_mode", Value::Text("update")),
        ("sync_period", Value::Integer(6)),
        ("slow_step_size", Value::Number(0.5)),
    ],
    ..RALAMB
};
