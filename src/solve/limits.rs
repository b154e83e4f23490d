//! What is refused before it is begun.

use crate::error::{Error, Result};

/// The most bytes that one thing may take unless the caller says otherwise: 8 GiB.
pub(crate) const MEMORY_LIMIT: u128 = 8 << 30;

/// The most multiplications that an exact answer may take.
pub(crate) const OPERATIONS_LIMIT: f64 = 1e12;

/// Refuses what would take more bytes than allowed.
pub(crate) fn check_memory(what: &'static str, needed: u128, allowed: u128) -> Result<()> {
    if needed > allowed { Err(Error::TooLarge { what, needed, allowed }) } else { Ok(()) }
}

/// Refuses what would take more than [`OPERATIONS_LIMIT`] multiplications.
pub(crate) fn check_operations(what: &'static str, needed: f64, remedy: &'static str) -> Result<()> {
    if needed > OPERATIONS_LIMIT {
        return Err(Error::TooExpensive { what, needed, allowed: OPERATIONS_LIMIT, remedy });
    }
    Ok(())
}

/// Refuses a setting that is not positive and finite.
pub(crate) fn check_positive(name: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::InvalidSetting { name, value, requirement: "positive and finite" })
}
