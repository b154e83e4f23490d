//! The best prefixes, and what searches find that do not look at all.

use lmchain::elicit::{BeamSearch, CoordinateSearch, Elicitation, Elicited, ExactSearch, ScoredPrefix};
use lmchain::model::NgramModel;

use crate::options::Options;
use crate::subject::{MEMORY, Subject};
use crate::support::Watch;

/// What was found with one weight on naturalness.
pub(crate) struct Found {
    pub(crate) weight: f64,
    pub(crate) exact: Elicited,
    pub(crate) beam: Elicited,
    pub(crate) coordinate: Elicited,
}

impl Found {
    pub(crate) fn search(
        subject: &Subject,
        task: &Elicitation<'_, NgramModel>,
        weight: f64,
        options: &Options,
        watch: &mut Watch,
    ) -> lmchain::Result<Self> {
        let exact =
            ExactSearch::new().memory_limit(MEMORY).count(options.count).search_watched(task, watch)?;
        let beam = BeamSearch::new(options.width).search_watched(task, &subject.reverse, watch)?;
        let coordinate = CoordinateSearch::new().restarts(options.restarts).seed(options.seed);
        let coordinate = coordinate.search_watched(task, watch)?.elicited;
        Ok(Self { weight, exact, beam, coordinate })
    }
}

/// The best prefixes for weights from 2^-8 to 2^2, in steps of half an octave:
/// corners of the least suffix loss that can be had for a prefix loss.
pub(crate) fn frontier(
    task: &Elicitation<'_, NgramModel>,
    watch: &mut Watch,
) -> lmchain::Result<Vec<ScoredPrefix>> {
    let mut corners: Vec<ScoredPrefix> = Vec::new();
    for step in -16..=4 {
        let task = task.naturalness((f64::from(step) / 2.0).exp2());
        let best = ExactSearch::new().search_watched(&task, watch)?.best().clone();
        if corners.last().is_none_or(|last| last.prefix != best.prefix) {
            corners.push(best);
        }
    }
    Ok(corners)
}
