//! How much is worth listing and computing.

use clap::Args;

use crate::findings::Reason;

/// Limits beyond which a field is left out, and named in `omitted`.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// Leave out lists over more than N states, tokens or classes
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_states_listed: usize,

    /// Leave out tables with more than N entries
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    max_entries_listed: usize,

    /// Leave out what takes more than N multiplications
    #[arg(long, value_name = "N", default_value_t = 2_000_000_000)]
    max_operations: u64,
}

impl Limits {
    /// Whether a list with an item for so many states, tokens or classes may be written.
    pub(crate) fn states(&self, states: usize) -> Result<(), Reason> {
        check(states as f64, "items", self.max_states_listed as f64, "--max-states-listed")
    }

    /// Whether a table of `rows` by `columns` may be listed.
    pub(crate) fn entries(&self, rows: usize, columns: usize) -> Result<(), Reason> {
        let entries = rows as f64 * columns as f64;
        check(entries, "entries", self.max_entries_listed as f64, "--max-entries-listed")
    }

    /// Whether so much may be computed.
    pub(crate) fn operations(&self, needed: f64) -> Result<(), Reason> {
        check(needed, "multiplications", self.max_operations as f64, "--max-operations")
    }

    /// How often something of this price may be done, at least once.
    pub(crate) fn repetitions(&self, price: usize) -> usize {
        let affordable = self.max_operations / (price as u64).max(1);
        usize::try_from(affordable).unwrap_or(usize::MAX).max(1)
    }
}

fn check(needed: f64, of_what: &str, allowed: f64, option: &str) -> Result<(), Reason> {
    if needed > allowed {
        return Err(Reason::new(format!("{needed} {of_what} are more than the {allowed} of {option}")));
    }
    Ok(())
}
