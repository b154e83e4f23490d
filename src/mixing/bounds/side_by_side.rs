//! All bounds of a chain in one table.

use std::fmt;

use super::{BoundKind, MixingBound};
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::mixing::MixingTimeSolver;
use crate::operator::TransitionOperator;
use crate::prob::Law;

/// Distance that counts as mixed.
const LEVEL: f64 = 0.25;

/// The exact distance from the worst start and the bounds on it, as far as they
/// can be afforded.
///
/// [`Display`](fmt::Display) writes a table: a bound a line, with its standing, the first time at
/// which it is at most 1/4, and its value at some times.
#[derive(Debug)]
pub struct MixingBounds {
    distance: Result<Vec<f64>>,
    mixing_time: Result<Option<u64>>,
    bounds: Vec<(BoundKind, Result<MixingBound>)>,
    steps: usize,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// Every [`BoundKind`] of bound on the distance from the worst start, beside
    /// the exact distance after `0..=steps` steps and the exact mixing time.
    ///
    /// What cannot be afforded, or is not defined for the chain, is left out with
    /// its reason; the rest is there all the same.
    ///
    /// # Panics
    ///
    /// If the stationary law is over other states.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::mixing::BoundKind;
    /// use lmchain::prelude::*;
    ///
    /// let rows = [[0.6, 0.4], [0.3, 0.7], [0.8, 0.2], [0.25, 0.75]];
    /// let chain = MarkovChain::enumerated(&TableModel::from_rows(2, &rows)?)?;
    /// let law = chain.stationary()?.converged()?;
    /// let bounds = chain.mixing_bounds(&law, 12);
    /// assert_eq!(bounds.mixing_time(), Some(3));
    /// let first = |kind| bounds.get(kind).and_then(|bound| bound.first_below(0.25));
    /// assert_eq!(first(BoundKind::HouseOfCards), Some(5));
    /// assert_eq!(first(BoundKind::Zekri), Some(30));
    /// println!("{bounds}");
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    #[track_caller]
    pub fn mixing_bounds(&self, stationary: &Law, steps: usize) -> MixingBounds {
        let block = self.states().context_length();
        MixingBounds {
            distance: self.worst_distance_curve(stationary, steps),
            mixing_time: MixingTimeSolver::new().threshold(LEVEL).solve(self, stationary),
            bounds: vec![
                (BoundKind::Dobrushin, self.dobrushin_bound(block)),
                (BoundKind::Doeblin, self.doeblin_bound(block)),
                (BoundKind::HouseOfCards, self.house_of_cards_bound()),
                (BoundKind::CommonTokens, self.common_tokens_bound()),
                (BoundKind::TokenFloor, self.token_floor_bound()),
                (BoundKind::Zekri, self.zekri_bound()),
            ],
            steps,
        }
    }
}

impl MixingBounds {
    /// The exact distance from the worst start, if it could be afforded.
    pub fn distance(&self) -> Option<&[f64]> {
        self.distance.as_deref().ok()
    }

    /// The exact mixing time to distance 1/4, if there is one, and if it could be afforded and told.
    pub fn mixing_time(&self) -> Option<u64> {
        self.mixing_time.as_ref().ok().copied().flatten()
    }

    /// The bounds that there are.
    pub fn bounds(&self) -> impl Iterator<Item = &MixingBound> {
        self.bounds.iter().filter_map(|(_, bound)| bound.as_ref().ok())
    }

    /// One of the bounds.
    pub fn get(&self, kind: BoundKind) -> Option<&MixingBound> {
        self.bounds().find(|bound| bound.kind() == kind)
    }

    /// The bounds that there are not, with the reasons.
    pub fn missing(&self) -> impl Iterator<Item = (BoundKind, &Error)> {
        self.bounds.iter().filter_map(|(kind, bound)| Some((*kind, bound.as_ref().err()?)))
    }

    /// Times that the table shows: the first powers of two, and the last step.
    fn shown(&self) -> Vec<usize> {
        let powers = (0..usize::BITS).map(|exponent| 1usize << exponent);
        let mut shown: Vec<usize> = powers.take_while(|&step| step <= self.steps).take(6).collect();
        shown.extend(Some(self.steps).filter(|&last| shown.last().is_some_and(|&step| step < last)));
        shown
    }
}

/// Columns of the names.
const NAMES: usize = 34;

fn line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    standing: &str,
    first: &str,
    cells: impl Iterator<Item = String>,
) -> fmt::Result {
    writeln!(f, "{name:<NAMES$}{standing:<13}{first:>12}{}", cells.collect::<String>())
}

/// A whole number, in short where it is long.
fn shortened(steps: u64) -> String {
    if steps < 10_000_000 { steps.to_string() } else { format!("{:.2e}", steps as f64) }
}

impl fmt::Display for MixingBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        let times = shown.iter().map(|step| format!("{:>10}", format!("t = {step}")));
        line(f, "", "", "<= 1/4 at", times)?;
        let cell = |value: f64| format!("{value:>10.6}");
        match &self.distance {
            Ok(distance) => {
                let first = match &self.mixing_time {
                    Ok(Some(time)) => shortened(*time),
                    Ok(None) => "never".to_owned(),
                    Err(_) => "?".to_owned(),
                };
                line(f, "worst start", "exact", &first, shown.iter().map(|&step| cell(distance[step])))?;
            }
            Err(reason) => writeln!(f, "{:<NAMES$}{reason}", "worst start")?,
        }
        for (kind, bound) in &self.bounds {
            match bound {
                Ok(bound) => {
                    let first = bound.first_below(LEVEL).map_or_else(|| "never".to_owned(), shortened);
                    let standing = bound.standing().to_string();
                    let cells = shown.iter().map(|&step| cell(bound.at(step as u64)));
                    line(f, kind.name(), &standing, &first, cells)?;
                }
                Err(reason) => writeln!(f, "{:<NAMES$}{reason}", kind.name())?,
            }
        }
        Ok(())
    }
}
