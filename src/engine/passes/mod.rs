//! The passes other than the step itself.

mod accumulate;
mod factored_sums;
mod gradient_norms;
mod layer_norms;
mod measured_tile;
mod row_means;
mod row_sums;

pub(crate) use self::accumulate::Accumulate;
pub(crate) use self::factored_sums::FactoredSums;
pub(crate) use self::gradient_norms::GradientNorms;
pub(crate) use self::layer_norms::LayerNorms;
pub(crate) use self::row_means::RowMeans;
pub(crate) use self::row_sums::RowSums;
