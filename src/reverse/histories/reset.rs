//! Histories since the last reset: how to look for them.

use super::End;
use super::excursion::{Excursions, met_after};
use super::horizon::MESSAGE_MEMORY;
use super::logarithms::LogSum;
use super::paths::{Direction, Message, Paths, Stepper};
use super::reset_histories::ResetHistories;
use super::reset_law::ResetLaw;
use super::sweep::BESIDE;
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{BackoffOperator, Restart, TransitionOperator};
use crate::solve::{Observer, Outcome, Report, Silent, Stop, Watch, check_memory};
use crate::text::Vocab;

/// How to look for the histories since the last reset.
///
/// # Example
///
/// ```
/// use lmchain::prelude::*;
/// use lmchain::reverse::{End, ResetHistorySettings};
///
/// // A counter that is reset to 0 with probability 1/2 a step.
/// let table = TableModel::from_rows(1, &[[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.5, 0.0, 0.5]])?;
/// let chain = MarkovChain::enumerated(&table)?;
/// let (zero, two) = (StateSet::of(3, [0])?, StateSet::of(3, [2])?);
/// let settings = ResetHistorySettings::new().tolerance(1e-9);
/// let found = settings.solve(&chain, &zero, End::In(&two))?.converged()?;
/// let ages = found.age_law(); // 2, 3, 4, ... with probability 1/2, 1/4, 1/8, ...
/// assert!((ages[3] - 0.25).abs() < 1e-9);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResetHistorySettings {
    tolerance: f64,
    max_iterations: usize,
    memory_limit: u128,
}

impl Default for ResetHistorySettings {
    fn default() -> Self {
        Self::new()
    }
}

impl ResetHistorySettings {
    /// All ages but for a posterior of `1e-12`, up to 100,000 steps; messages of
    /// up to 1 GiB.
    pub fn new() -> Self {
        Self { tolerance: 1e-12, max_iterations: 100_000, memory_limit: MESSAGE_MEMORY }
    }

    /// How far off the posterior may be, in total variation: how much of it may
    /// lie with ages that are left out. Where there are several resets, up to half
    /// of the tolerance goes to the law of the reset.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The largest age looked at.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The most bytes that messages may take, 8 a state each. With less memory,
    /// steps are taken again: twice if there is room for about the square root
    /// of twice the largest age.
    pub fn memory_limit(mut self, bytes: u128) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The histories since the last visit to a set of resets, such as the start
    /// of text after an end-of-text token, this visit included.
    ///
    /// Without the stationary law of the chain. One product for each age, and
    /// some for the bound on the ages left out. Where there are several resets,
    /// the law of the reset follows from the chain watched at resets, which takes
    /// that many more times the work, and more if some are rare: the probability
    /// of each is found to the same number of digits, however small it is.
    ///
    /// The error bound reported is one on the total variation error of the
    /// posterior, proven up to rounding: what the ages left out have, and what the
    /// law of the reset may be off. The residual is the former alone.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a set of another chain, [`Error::EmptySet`];
    /// [`Error::NoPast`] for a transient reset; [`Error::Impossible`] if the end
    /// cannot be reached between resets; [`Error::InvalidSetting`];
    /// [`Error::NotConverged`] if the chain is reset so rarely that nothing can
    /// be said about the ages left out; [`Error::TooLarge`], for the law of
    /// several resets also [`Error::TooExpensive`], of more than 4,096 in any case,
    /// [`Error::SeveralRecurrentClasses`], and [`Error::Underflow`] where one of
    /// them has a probability below about `1e-290`.
    pub fn solve<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        resets: &StateSet,
        end: End<'_>,
    ) -> Result<Outcome<ResetHistories<'a, O>>> {
        self.solve_watched(chain, resets, end, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched: progress is counted in steps.
    ///
    /// # Errors
    ///
    /// As `solve`, and [`Error::Cancelled`].
    pub fn solve_watched<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        resets: &StateSet,
        end: End<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<ResetHistories<'a, O>>> {
        self.check(chain.len(), end)?;
        let excursions = Excursions::new(chain, resets, self.max_iterations)?;
        let mut watch = Watch::new(observer, "the time between resets", None);
        let longest_mean = excursions.longest_mean(&mut watch)?;
        let ResetLaw { law, posterior_error } =
            excursions.reset_law(longest_mean, self.tolerance, &mut watch)?;
        let paths = Paths {
            operator: chain.operator(),
            start: law.iter().map(|p| p.ln()).collect(),
            keep: 0.0,
            barred: Some(resets.clone()),
            ends: end.set().clone(),
            first_visit: matches!(end, End::FirstIn(_)),
        };
        self.explore(paths, longest_mean, posterior_error, observer)
    }

    /// The histories since the last restart: over the age `T`, the state `x_0`
    /// that the restart drew, and the steps since then, in proportion to
    ///
    /// ```text
    /// eps mu(x_0) (1 - eps)^T P(x_0, x_1) ... P(x_{T-1}, x_T).
    /// ```
    ///
    /// They add up to the stationary probability of the end, which need not be
    /// known. One product for each age. The error bound reported is that on the
    /// posterior of the ages left out, proven up to rounding.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for a set of another chain, [`Error::EmptySet`];
    /// [`Error::Impossible`] if the end cannot be reached from a restart;
    /// [`Error::InvalidSetting`]; [`Error::TooLarge`].
    pub fn solve_restart<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<Restart<O>>,
        end: End<'_>,
    ) -> Result<Outcome<ResetHistories<'a, O>>> {
        self.solve_restart_watched(chain, end, &mut Silent)
    }

    /// As [`solve_restart`](Self::solve_restart), watched: progress is counted in steps.
    ///
    /// # Errors
    ///
    /// As `solve_restart`, and [`Error::Cancelled`].
    pub fn solve_restart_watched<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<Restart<O>>,
        end: End<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<ResetHistories<'a, O>>> {
        self.check(chain.len(), end)?;
        let restart = chain.operator();
        let ln_restart = restart.restart().ln();
        let paths = Paths {
            operator: restart.operator(),
            start: restart.law().iter().map(|p| p.ln() + ln_restart).collect(),
            keep: (-restart.restart()).ln_1p(),
            barred: None,
            ends: end.set().clone(),
            first_visit: matches!(end, End::FirstIn(_)),
        };
        self.explore(paths, restart.restart().recip(), 0.0, observer)
    }

    fn check(&self, states: usize, end: End<'_>) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let (value, requirement) = (self.tolerance, "above 0 and below 1");
            return Err(Error::InvalidSetting { name: "tolerance", value, requirement });
        }
        end.set().check(states, "end of the histories")?;
        check_memory("the messages of a history", BESIDE as u128 * Message::bytes(states), self.memory_limit)
    }

    /// Follows paths to all ages that matter. The weight of the paths of age `T`
    /// and more is at most that of age `T` times `longest_mean`; the posterior is
    /// off by at most `known_error` before any age is left out.
    fn explore<'a, O: TransitionOperator>(
        &self,
        paths: Paths<'a, O>,
        longest_mean: f64,
        known_error: f64,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<ResetHistories<'a, O>>> {
        check_possible(&paths)?;
        let mut watch = Watch::new(observer, "the ages of histories", None);
        let mut stepper = Stepper::new(&paths);
        let (mut message, mut total) = (paths.first(), LogSum::ZERO);
        let mut next = message.clone();
        let mut ages = Vec::new();
        let mut forward = vec![f64::NEG_INFINITY; paths.start.len()];
        let (left_out, stop) = loop {
            ages.push(message.ln_sum(paths.ends.iter()));
            total.add(ages[ages.len() - 1]);
            message.add_to(&mut forward);
            stepper.sum(Direction::Forward, &message, &mut next);
            std::mem::swap(&mut message, &mut next);
            let left_out = share(message.ln_total() + longest_mean.ln(), total.ln());
            if left_out + known_error <= self.tolerance {
                break (left_out, Stop::Converged);
            }
            if ages.len() > self.max_iterations {
                break (left_out, Stop::MaxIterations);
            }
            watch.step()?;
        };
        if total.ln() == f64::NEG_INFINITY {
            return Err(Error::Impossible { what: "the end of the histories, up to the largest age," });
        }
        let error_bound = Some(left_out + known_error);
        let report = Report { iterations: ages.len(), residual: left_out, error_bound, stop };
        let found = ResetHistories::new(paths, ages, forward, self.memory_limit);
        Ok(Outcome::new(found, report))
    }
}

/// The share of the first of two weights in both, from their logarithms.
fn share(one: f64, other: f64) -> f64 {
    if one == f64::NEG_INFINITY { 0.0 } else { 1.0 / (1.0 + (other - one).exp()) }
}

/// Refuses an end that no path reaches.
fn check_possible<O: TransitionOperator>(paths: &Paths<'_, O>) -> Result<()> {
    let is_first = |state: usize| paths.start[state] > f64::NEG_INFINITY;
    let first = (0..paths.start.len()).filter(|&state| is_first(state));
    let met = met_after(paths.operator, first, paths.barred.as_ref());
    let goes_on = paths.keep > f64::NEG_INFINITY;
    let is_met = |state: usize| goes_on && met[state] && paths.may_enter(state);
    if paths.ends.iter().any(|state| is_first(state) || is_met(state)) {
        return Ok(());
    }
    Err(Error::Impossible { what: "the end of the histories since a reset" })
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The histories since the last visit to a set of resets:
    /// [`ResetHistorySettings::solve`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn histories_since_reset(
        &self,
        resets: &StateSet,
        end: End<'_>,
    ) -> Result<Outcome<ResetHistories<'_, O>>> {
        ResetHistorySettings::new().solve(self, resets, end)
    }
}

impl<O: TransitionOperator> MarkovChain<Restart<O>> {
    /// The histories since the last restart:
    /// [`ResetHistorySettings::solve_restart`] with its defaults.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn histories_since_restart(&self, end: End<'_>) -> Result<Outcome<ResetHistories<'_, O>>> {
        ResetHistorySettings::new().solve_restart(self, end)
    }
}

impl MarkovChain<BackoffOperator> {
    /// The histories of the text in which the chain is, since its start:
    /// [`ResetHistorySettings::solve`] with its defaults, and the state in which
    /// texts start as the reset.
    ///
    /// # Errors
    ///
    /// [`Error::MissingToken`] if the chain does not start anew after `</s>`;
    /// and as [`ResetHistorySettings::solve`].
    pub fn histories_since_text_start(
        &self,
        end: End<'_>,
    ) -> Result<Outcome<ResetHistories<'_, BackoffOperator>>> {
        let needed_for = "texts that end, and so a chain that starts anew";
        let missing = Error::MissingToken { name: Vocab::END, needed_for };
        let start = StateSet::of(self.len(), [self.states().restart().ok_or(missing)?])?;
        self.histories_since_reset(&start, end)
    }
}
