//! The SIMD level that the environment requests.

use crate::error::Result;
use crate::simd::Isa;
use std::sync::OnceLock;

/// The level that `LAMB_RS_SIMD` requests, or the best one.
pub(super) fn isa() -> Result<Isa> {
    static CHOSEN: OnceLock<Result<Isa>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| {
            let asked = std::env::var("LAMB_RS_SIMD").unwrap_or_default();
            if asked.is_empty() {
                return Ok(Isa::best());
            }
            Isa::named(&asked).ok_or_else(|| {
                let hint = match asked.as_str() {
                    "scalar" => "; the scalar level is only in builds with the cargo feature 'scalar'",
                    _ => "",
                };
                let names: Vec<&str> = Isa::available().iter().map(|isa| isa.name()).collect();
                crate::error::Error::new(
                    crate::error::Kind::Hyperparameter,
                    format!(
                        "LAMB_RS_SIMD must be one of {} on this CPU; got '{asked}'{hint}",
                        names.join(", ")
                    ),
                )
            })
        })
        .clone()
}
