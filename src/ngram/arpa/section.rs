//! The sections of an ARPA file.

use super::lines::Lines;
use crate::error::{ArpaFileProblem, Result};

/// Which n-grams are being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    pub(super) length: usize,
    pub(super) order: usize,
    /// How many n-grams the header says there are.
    pub(super) announced: u64,
}

impl Section {
    /// Checks that the line read last starts the section, and reads on up to the
    /// line that starts the next.
    pub(super) fn for_each(
        self,
        lines: &mut Lines<'_>,
        mut take: impl FnMut(&str, u32) -> Result<(), ArpaFileProblem>,
    ) -> Result<()> {
        let Self { length, announced, .. } = self;
        lines.expect(&self.title())?;
        let following = format!("`{}`", self.following());
        let mut found = 0;
        loop {
            lines.require(&following)?;
            if lines.bytes().starts_with(b"\\") {
                break;
            }
            if found == announced {
                return Err(lines.here(ArpaFileProblem::ExtraNgrams { length, announced }));
            }
            found += 1;
            // Files of more lines than that are not told where a duplicate first was.
            let line = u32::try_from(lines.number()).unwrap_or(0);
            take(lines.text()?, line).map_err(|problem| lines.here(problem))?;
        }
        if found < announced {
            return Err(lines.here(ArpaFileProblem::TooFewNgrams { length, announced, found }));
        }
        Ok(())
    }

    fn title(self) -> String {
        format!(r"\{}-grams:", self.length)
    }

    /// The line that ends the section.
    fn following(self) -> String {
        if self.length == self.order {
            r"\end\".to_owned()
        } else {
            Self { length: self.length + 1, ..self }.title()
        }
    }
}
