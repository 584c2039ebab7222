//! The one door to matrix products, for rules that transform a whole direction.
//!
//! Products come from a well-kept crate; their bits are those of one machine and SIMD level. How a
//! product is cut into pieces is fixed, so the number of threads does not change them.

/// Runs `n` pieces of work, each once, on the threads of the step.
pub(crate) type Crew<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A matrix in row-major order, and the threads to work on it.
#[allow(dead_code, reason = "read by matrix rules")]
pub struct Matrix<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) crew: Crew<'a>,
}
