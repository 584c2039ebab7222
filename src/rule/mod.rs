//! The vocabulary of algorithms: states, scalars, traits of rules, weight decay, the trust ratio.

pub mod adaptors;
pub(crate) mod cautious;
pub mod decay;
pub mod epsilon;
pub mod formula;
pub(crate) mod projection;
pub mod slots;
pub mod step;
pub mod traits;
pub mod trust;

pub use adaptors::{Denominator, Layerwise, Plain};
pub use decay::{Decay, Entry};
pub use epsilon::Epsilon;
pub use formula::Formula;
pub use slots::{
    Content, Derived, Initial, Scalar, Scope, Slot, Start, factored, full, moment, momentum, row_coefficient,
    square,
};
pub use step::{LayerScalars, MAX_SCALARS, Scalars, Step};
pub use traits::{Between, Direction, Factoring, OnePass, ReduceFirst, StateFirst};
pub use trust::{Trust, TrustRecord};
