//! Settings, and the choice of the number of sets.

use std::ops::RangeInclusive;

use nalgebra::DMatrix;

use super::crispness::{Fitted, crispest_memberships};
use super::sets::{Metastable, SetCount, by_gap, crispest};
use super::simplex::membership;
use super::way_in::WayIn;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, dot};
use crate::solve::{Observer, Outcome, Progress, Report, Silent, Stop};
use crate::spectrum::{DominantSolver, DominantSpectrum, Eigenvalue, SpectralOrder};
use crate::topics::Memberships;

/// What decides between several numbers of sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ChooseBy {
    /// The largest crispness, as the authors of GPCCA do.
    #[default]
    Crispness,
    /// The largest gap between the timescales of the sets and the next: their ratio.
    Gap,
}

/// Finds metastable sets: PCCA+ (Deuflhard and Weber 2005; Röblitz and Weber
/// 2013) for reversible chains, GPCCA (Reuter, Weber, Fackeldey, Röblitz and
/// Garcia 2018) for all.
///
/// The k eigenvalues that are largest in their real part stand for k sets. They
/// are found with [`DominantSolver`], which needs products only; then the search for
/// crisp memberships takes `O(N k^2)` a round, of which there are few, and some
/// `k^2` steps of `O(k^6)`. The memberships are a local optimum of crispness, a corner of
/// all those that are possible, reached from the inner simplex.
///
/// Small sets that are hardly ever left or entered, such as a phrase that
/// repeats itself, are metastable too, and may come before larger ones: ask for
/// more sets, and look at their masses.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::metastable::MetastableSolver;
/// use ndarray::array;
///
/// let chain = array![[0.50, 0.49, 0.01], [0.49, 0.51, 0.00], [0.01, 0.00, 0.99]];
/// let chain = MarkovChain::from_dense(chain.view())?;
/// let law = chain.stationary()?.converged()?;
/// let found = MetastableSolver::new().sets(2).solve(&chain, &law)?.converged()?;
/// let topics = found.memberships().largest();
/// assert_eq!(topics.of_state(0), topics.of_state(1));
/// assert_ne!(topics.of_state(0), topics.of_state(2));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetastableSolver {
    sets: RangeInclusive<usize>,
    choose_by: ChooseBy,
    reversibilized: bool,
    tolerance: f64,
    max_iterations: usize,
    seed: u64,
}

impl Default for MetastableSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl MetastableSolver {
    /// From 2 to 6 sets, as many as are crispest; residual 1e-8, at most 20,000 products.
    pub fn new() -> Self {
        Self {
            sets: 2..=6,
            choose_by: ChooseBy::default(),
            reversibilized: false,
            tolerance: 1e-8,
            max_iterations: 20_000,
            seed: 1,
        }
    }

    /// So many sets.
    pub fn sets(self, sets: usize) -> Self {
        self.sets_between(sets..=sets)
    }

    /// As many sets of this range as fit the chain best; there are no more than states.
    pub fn sets_between(mut self, sets: RangeInclusive<usize>) -> Self {
        self.sets = sets;
        self
    }

    /// What decides between several numbers of sets.
    pub fn choose_by(mut self, choose_by: ChooseBy) -> Self {
        self.choose_by = choose_by;
        self
    }

    /// Whether to find the sets of the additive reversibilization
    /// `(P + P*) / 2` (Fill 1991), by PCCA+. The law must be stationary.
    ///
    /// It leaves every set of states exactly as often as the chain does, so sets
    /// that are seldom left are the same; but what only goes round in the chain,
    /// such as the words of a text that is seldom left, wanders to and fro in it,
    /// and has no eigenvalues of its own near the circle.
    pub fn reversibilized(mut self, reversibilized: bool) -> Self {
        self.reversibilized = reversibilized;
        self
    }

    /// The residual of the invariant subspace to reach, see [`DominantSolver::tolerance`].
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Products after which the search for eigenvalues is given up.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The seed of the random vectors.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Metastable sets of a chain, its states weighted by a law: usually the
    /// stationary one. The sets are made of the states that the law visits; any
    /// other belongs where it leads: its membership is the expectation of that of
    /// the first state visited.
    ///
    /// The report is that of the eigenvalues, of the search for the crispest memberships
    /// ([`Stop::MaxIterations`] if it was given up before nothing near was crisper), and
    /// of the way in from other states.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a range without a number of at least 2;
    /// [`Error::TooFewEigenvalues`], [`Error::InseparableSets`] if no number of the
    /// range fits the spectrum; [`Error::LeavesLaw`] if states that the law visits lead to
    /// others; and as [`DominantSolver::solve`].
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
    ) -> Result<Outcome<Metastable>> {
        self.solve_watched(chain, law, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched. When the observer breaks, the sets of what was
    /// found so far come back with [`Stop::Cancelled`]: of the first number that fits, if none
    /// was tried before, and with the way in from other states not followed to its end.
    ///
    /// # Errors
    ///
    /// As `solve`.
    pub fn solve_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Metastable>> {
        let outcome = self.spectrum(chain, law, observer)?;
        let visited: Vec<usize> = (0..law.len()).filter(|&state| law[state] > 0.0).collect();
        let of_visited = |x: &Vec<f64>| visited.iter().map(|&state| x[state]).collect();
        let columns: Vec<Vec<f64>> = outcome.value().vectors().iter().map(of_visited).collect();
        let (fits, is_cancelled) = self.fits(outcome.value(), &columns, observer)?;
        let counts: Vec<SetCount> = fits.iter().map(|(count, _)| *count).collect();
        let sets = self.choice(&counts, visited.len());
        let chosen = fits.into_iter().find(|(count, _)| count.sets == sets);
        let (least, most) = (*self.sets.start(), *self.sets.end());
        let (_, fitted) = chosen.ok_or(Error::InseparableSets { least, most })?;
        let mut by_state = memberships(&columns[..sets], &fitted.transformation, &visited, law);
        let way_in = WayIn { tolerance: self.tolerance, max_iterations: self.max_iterations };
        let entered = way_in.extend(chain.operator(), law, &mut by_state, observer);
        let names = (1..=sets).map(|set| format!("set {set}"));
        let memberships = Memberships::new(names, rows(&by_state))?;
        let coarse = chain.coarse_grained(law, &memberships, 1)?;
        let stop = match (is_cancelled, fitted.is_settled) {
            (true, _) => Stop::Cancelled,
            (false, false) => Stop::MaxIterations,
            (false, true) => Stop::Converged,
        };
        let report =
            outcome.report().worse(&Report { iterations: 0, residual: 0.0, error_bound: None, stop });
        let report = entered.map_or(report, |entered| report.worse(&entered));
        let spectrum = outcome.into_value();
        let visited = visited.len();
        Ok(Outcome::new(Metastable { memberships, coarse, spectrum, counts, visited }, report))
    }

    /// The eigenvalues of as many sets as may be asked for.
    fn spectrum<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<DominantSpectrum>> {
        let (least, most) = (*self.sets.start(), *self.sets.end());
        if least < 2 || most < least {
            let requirement = "a range of numbers from 2 on";
            return Err(Error::InvalidSetting { name: "sets", value: least as f64, requirement });
        }
        DominantSolver::new(most.min(chain.len()))
            .order(SpectralOrder::RealPart)
            .reversibilized(self.reversibilized)
            .visited_only(true)
            .tolerance(self.tolerance)
            .max_iterations(self.max_iterations)
            .seed(self.seed)
            .solve_watched(chain, law, observer)
    }

    /// The number of sets that fits best.
    fn choice(&self, counts: &[SetCount], states: usize) -> usize {
        match self.choose_by {
            ChooseBy::Crispness => crispest(counts, states),
            ChooseBy::Gap => by_gap(counts),
        }
    }

    /// The crispest memberships of every number of sets that the spectrum allows, and
    /// whether the observer broke off, which ends it after the first of them.
    fn fits(
        &self,
        spectrum: &DominantSpectrum,
        columns: &[Vec<f64>],
        observer: &mut dyn Observer,
    ) -> Result<(Vec<(SetCount, Fitted)>, bool)> {
        let (least, most) = (*self.sets.start(), *self.sets.end());
        let found = spectrum.eigenvalues().len();
        if found < least {
            return Err(Error::TooFewEigenvalues { wanted: least, found });
        }
        let (mut fits, mut is_broken) = (Vec::new(), false);
        for sets in least..=most.min(found) {
            let (stage, done, total) = ("crispness of sets", sets as u64, Some(most as u64));
            is_broken |= observer.observe(&Progress { stage, done, total, residual: None }).is_break();
            if is_broken && !fits.is_empty() {
                break;
            }
            if !spectrum.is_separate(sets) {
                continue;
            }
            if let Some(fitted) = crispest_memberships(&columns[..sets], self.seed) {
                let (crispness, min_chi) = (fitted.crispness, fitted.min_chi);
                let gap = gap(spectrum, sets);
                fits.push((SetCount { sets, crispness, min_chi, gap }, fitted));
            }
        }
        if fits.is_empty() { Err(Error::InseparableSets { least, most }) } else { Ok((fits, is_broken)) }
    }
}

/// The ratio of the timescales of the last of so many eigenvalues and the next.
fn gap(spectrum: &DominantSpectrum, sets: usize) -> Option<f64> {
    let after = spectrum.eigenvalues().get(sets).copied().or(spectrum.next())?;
    let [last, next] = [spectrum.eigenvalues()[sets - 1], after].map(decay);
    // Two that never decay take equally long.
    Some(if last == next { 1.0 } else { last / next })
}

/// Steps in which what belongs to an eigenvalue falls to 1/e, going by its real part;
/// infinite for 1, which rounding may exceed.
fn decay(eigenvalue: Eigenvalue) -> f64 {
    // Without the absolute value, the logarithm of 1 would be the largest rate of all.
    eigenvalue.re.clamp(0.0, 1.0).ln().abs().recip().max(1.0)
}

/// The memberships `X A` of the states visited, a vector for each set, those with most mass first.
fn memberships(
    columns: &[Vec<f64>],
    transformation: &DMatrix<f64>,
    visited: &[usize],
    law: &Law,
) -> Vec<Vec<f64>> {
    let set = |set: usize| {
        let mut of_state = vec![0.0; law.len()];
        for (place, &state) in visited.iter().enumerate() {
            of_state[state] = membership(columns, transformation, place, set).max(0.0);
        }
        of_state
    };
    let mass = |of_state: &[f64]| dot(law, of_state);
    let mut sets: Vec<Vec<f64>> = (0..columns.len()).map(set).collect();
    sets.sort_by(|a, b| mass(b).total_cmp(&mass(a)));
    sets
}

/// A row for every state, its rounding taken out.
fn rows(sets: &[Vec<f64>]) -> Vec<f64> {
    let mut rows = Vec::with_capacity(sets.len() * sets[0].len());
    for state in 0..sets[0].len() {
        let sum: f64 = sets.iter().map(|set| set[state]).sum();
        rows.extend(
            sets.iter().map(|set| if sum > 0.0 { set[state] / sum } else { 1.0 / sets.len() as f64 }),
        );
    }
    rows
}
