//! The table of algorithms, one row each.

pub use crate::algorithm::Algorithm;
use crate::error::{Error, Kind, Result, nearest};
use crate::optim;

/// Every algorithm. Unit tests have none, because they need no kernels and compile faster without them.
/// Builds with the scalar level have a sample, because its kernels take minutes to compile.
pub static ALGORITHMS: &[Algorithm] = if cfg!(test) {
    &[]
} else if cfg!(feature = "scalar") {
    SAMPLE
} else {
    EVERY
};

/// Rules of one pass with and without state, of each shape of two passes, with a factored moment, and
/// with lanes in double precision.
const SAMPLE: &[Algorithm] = &[
    optim::sgd::SGD,
    optim::adam::ADAMW,
    optim::lars::LARS,
    optim::lamb::LAMB,
    optim::adafactor::ADAFACTOR,
    optim::ftrl::FTRL,
];

const EVERY: &[Algorithm] = &[
    optim::sgd::SGD,
    optim::adagrad::ADAGRAD,
    optim::adam::ADAM,
    optim::adam::ADAMW,
    optim::radam::RADAM,
    optim::lion::LION,
    optim::lars::LARS,
    optim::lamb::LAMB,
    optim::nadam::NADAM,
    optim::novograd::NOVOGRAD,
    optim::mars::MARS,
    optim::schedule_free::SCHEDULE_FREE_SGD,
    optim::schedule_free::SCHEDULE_FREE_ADAMW,
    optim::prodigy::PRODIGY,
    optim::adafactor::ADAFACTOR,
    optim::muon::MUON,
    optim::rmsprop::RMSPROP,
    optim::adadelta::ADADELTA,
    optim::adamax::ADAMAX,
    optim::adabound::ADABOUND,
    optim::ranger::RANGER,
    optim::ralamb::RALAMB,
    optim::ranger_lars::RANGER_LARS,
    optim::ftrl::FTRL,
    optim::adabelief::ADABELIEF,
    optim::adan::ADAN,
    optim::ademamix::ADEMAMIX,
    optim::adopt::ADOPT,
    optim::grams::GRAMS,
    optim::came::CAME,
    optim::adamp::ADAMP,
    optim::sgdp::SGDP,
];

/// The algorithm called `name`.
pub fn named(name: &str) -> Result<&'static Algorithm> {
    ALGORITHMS.iter().find(|a| a.name == name).ok_or_else(|| {
        let hint = nearest(name, ALGORITHMS.iter().map(|a| a.name));
        Error::new(Kind::Hyperparameter, format!("unknown algorithm '{name}'{hint}"))
    })
}
