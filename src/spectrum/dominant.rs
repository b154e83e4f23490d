//! How the dominant eigenvalues and their invariant subspace are found.

use ndarray::Array2;

use super::dominant_spectrum::DominantSpectrum;
use super::krylov_schur::{KrylovSchur, Leading, Search};
use super::maps::WholeChain;
use super::separation::Separation;
use super::vectors::Weighted;
use super::{Eigenvalue, Map, SpectralOrder};
use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, Observer, Outcome, Progress, Report, Silent, Stop, check_memory};

/// Vectors of a basis beyond those wanted: few enough to be small beside the
/// chain, many enough that a restart forgets little.
const BEYOND: usize = 80;

/// Chains of up to so many states are spanned by one basis, without restarts.
const AT_ONCE: usize = 256;

/// What is reported to observers.
const STAGE: &str = "dominant eigenvalues";

/// What products and turns of a basis leave of a Schur form at least.
const ROUNDING: f64 = 1e-14;

/// Eigenvalues this close to each other may have moved.
const SAME: f64 = 1e-8;

/// Finds dominant eigenvalues by Krylov–Schur iteration (Stewart 2001) on
/// observables, in the inner product of a law.
///
/// Nothing of the size of a dense matrix is ever made: the work is products and
/// about `count + 80` vectors (twice `count`, if that is more). Fresh
/// vectors are pulled back K and up to 64 times before they are used, which takes
/// the nilpotent part out of them. When the wanted vectors have converged, the
/// search goes on from another random vector until that brings nothing new, so
/// that multiple eigenvalues are found as often as they occur.
///
/// A chain with several eigenvalues of nearly the same size takes long; if the
/// search does not end, more or fewer of them may part from the rest better.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::prob::Law;
/// use lmchain::spectrum::DominantSolver;
/// use ndarray::array;
///
/// let chain = array![[0.8, 0.2, 0.0], [0.2, 0.6, 0.2], [0.0, 0.2, 0.8]];
/// let chain = MarkovChain::from_dense(chain.view())?;
/// let spectrum = DominantSolver::new(2).solve(&chain, &Law::uniform(3))?.converged()?;
/// assert!((spectrum.eigenvalues()[1].re - 0.8).abs() < 1e-12);
/// assert!((spectrum.gap_after(2).unwrap() - 0.4).abs() < 1e-12);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DominantSolver {
    count: usize,
    order: SpectralOrder,
    reversibilized: bool,
    visited_only: bool,
    tolerance: f64,
    max_iterations: usize,
    seed: u64,
}

impl DominantSolver {
    /// So many eigenvalues, or one more where that would split a conjugate
    /// pair; by modulus, residual 1e-10, at most 20,000 products.
    pub fn new(count: usize) -> Self {
        Self {
            count,
            order: SpectralOrder::default(),
            reversibilized: false,
            visited_only: false,
            tolerance: 1e-10,
            max_iterations: 20_000,
            seed: 1,
        }
    }

    /// Which eigenvalues come first.
    pub fn order(mut self, order: SpectralOrder) -> Self {
        self.order = order;
        self
    }

    /// Whether to look at the additive reversibilization `(P + P*) / 2` instead
    /// of `P`: then the law must be stationary, and positive where states are looked at.
    pub fn reversibilized(mut self, reversibilized: bool) -> Self {
        self.reversibilized = reversibilized;
        self
    }

    /// Whether to look only at the states that the law visits, as at a chain of
    /// their own; they must lead to no others. Then the Schur vectors, the
    /// constant too, are 0 in all other states.
    pub fn visited_only(mut self, visited_only: bool) -> Self {
        self.visited_only = visited_only;
        self
    }

    /// The residual `||P X - X T||` (Frobenius norm with the weights, the columns
    /// of X have norm 1) to reach.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Products after which no new basis is begun.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The seed of the random vectors.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The dominant eigenvalues of a chain, its states weighted by a law:
    /// usually the stationary one. States that the law does not visit, unless
    /// they are left out, count as much as an average state; the law gets the rest.
    ///
    /// The residual of the report is computed afresh for the vectors returned.
    /// No bound on the error of an eigenvalue of a non-symmetric matrix is claimed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::MustBePositive`] for no eigenvalue;
    /// [`Error::LengthMismatch`] for a law over other states;
    /// [`Error::TooLarge`] if the vectors would not fit in 8 GiB;
    /// [`Error::NoPast`] for a reversibilization by a law that does not visit a
    /// state; [`Error::LeavesLaw`] if visited states lead to others that are to be
    /// left out.
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
    ) -> Result<Outcome<DominantSpectrum>> {
        self.solve_watched(chain, law, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched. When the observer breaks, what was
    /// found so far comes back with [`Stop::Cancelled`].
    ///
    /// # Errors
    ///
    /// As `solve`.
    pub fn solve_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        law: &Law,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<DominantSpectrum>> {
        self.check(chain, law)?;
        let room = room(self.count, chain.len())?;
        let visited = self.visited(chain, law)?;
        let weights = if visited.is_some() { law.clone() } else { positive(law) };
        let reversed_by = self.reversibilized.then_some(&**law);
        let mut map = WholeChain::new(chain.operator(), reversed_by, visited.as_ref());
        let (order, context) = (self.order, chain.states().context_length());
        let search = Search { order, context, tolerance: self.tolerance, seed: self.seed };
        let mut search = KrylovSchur::new(&mut map, Weighted(&weights), &search);
        let (leading, stop) = self.iterate(&mut search, room, observer)?;
        let ahead = search.form(&leading, Separation::columns(leading.eigenvalues.len()));
        chain.operator().check_products()?;
        search.shrink(&leading, leading.eigenvalues.len());
        let residual = search.residual();
        let stop = if stop == Stop::Converged && residual > self.tolerance { Stop::Rounding } else { stop };
        let form = search.within();
        let spectrum = DominantSpectrum {
            form: Array2::from_shape_fn(form.shape(), |place| form[place]),
            eigenvalues: leading.eigenvalues,
            next: leading.next,
            order: self.order,
            // What has not converged says so in its report.
            separation: Separation::new(ahead, residual.min(self.tolerance) + ROUNDING),
            vectors: std::mem::take(&mut search.basis),
            weights: weights.clone(),
        };
        let report = Report { iterations: search.products, residual, error_bound: None, stop };
        Ok(Outcome::new(spectrum, report))
    }

    /// Grows and shrinks the basis until what is wanted has converged and a
    /// fresh vector has brought nothing new.
    fn iterate<M: Map>(
        &self,
        search: &mut KrylovSchur<'_, M>,
        room: usize,
        observer: &mut dyn Observer,
    ) -> Result<(Leading, Stop)> {
        let mut before: Option<Confirmed> = None;
        loop {
            search.grow(room);
            let mut leading = search.leading(self.count)?;
            let keys: Vec<f64> = leading.eigenvalues.iter().map(|&value| self.order.key(value)).collect();
            let is_close = leading.residual <= self.tolerance;
            let confirmed = before.take().filter(|old| self.is_same(&old.keys, &keys));
            if is_close && (search.is_complete || confirmed.is_some()) {
                // The fresh vector may know less of the next eigenvalue than the one before did.
                let seen = confirmed.and_then(|old| old.next).into_iter().chain(leading.next);
                leading.next = seen.reduce(|a, b| if self.order.key(b) > self.order.key(a) { b } else { a });
                return Ok((leading, Stop::Converged));
            }
            if let Some(stop) = self.stop(search.products, leading.residual, observer) {
                return Ok((leading, stop));
            }
            if is_close {
                search.shrink(&leading, keys.len());
                search.close();
                before = Some(Confirmed { keys, next: leading.next });
            } else {
                let spare = search.basis.len() - keys.len();
                search.shrink(&leading, keys.len() + spare / 2);
            }
        }
    }

    /// Whether to stop without having converged.
    fn stop(&self, products: usize, residual: f64, observer: &mut dyn Observer) -> Option<Stop> {
        if products >= self.max_iterations {
            return Some(Stop::MaxIterations);
        }
        let progress =
            Progress { stage: STAGE, done: products as u64, total: None, residual: Some(residual) };
        observer.observe(&progress).is_break().then_some(Stop::Cancelled)
    }

    /// Whether nothing came before the eigenvalues that were there.
    fn is_same(&self, before: &[f64], now: &[f64]) -> bool {
        let moved = |(one, two): (&f64, &f64)| (one - two).abs() > SAME.max(10.0 * self.tolerance);
        before.len() == now.len() && !before.iter().zip(now).any(moved)
    }

    /// The states to look at, if not all.
    fn visited<O: TransitionOperator>(&self, chain: &MarkovChain<O>, law: &Law) -> Result<Option<StateSet>> {
        let visited = StateSet::by_state(law.len(), |state| law[state] > 0.0);
        if !self.visited_only || visited.len() == law.len() {
            return Ok(None);
        }
        let outside: Vec<f64> = law.iter().map(|&p| f64::from(u8::from(p == 0.0))).collect();
        let mut leaving = vec![0.0; law.len()];
        chain.operator().pull_back(&outside, &mut leaving);
        let left = visited.iter().find(|&state| leaving[state] > 0.0);
        match left {
            Some(state) => Err(Error::LeavesLaw { state, label: chain.states().label(state) }),
            None => Ok(Some(visited)),
        }
    }

    fn check<O: TransitionOperator>(&self, chain: &MarkovChain<O>, law: &Law) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let requirement = "between 0 and 1";
            return Err(Error::InvalidSetting { name: "tolerance", value: self.tolerance, requirement });
        }
        if self.count == 0 {
            return Err(Error::MustBePositive { what: "number of eigenvalues" });
        }
        if law.len() != chain.len() {
            return Err(Error::LengthMismatch { expected: chain.len(), found: law.len() });
        }
        let needs_all = self.reversibilized && !self.visited_only;
        match law.iter().position(|&p| p == 0.0).filter(|_| needs_all) {
            Some(state) => Err(Error::NoPast { state, label: chain.states().label(state) }),
            None => Ok(()),
        }
    }
}

/// Eigenvalues that have converged once, by what they are sorted by.
struct Confirmed {
    keys: Vec<f64>,
    next: Option<Eigenvalue>,
}

/// Vectors that a basis may have: enough to converge in, as memory allows.
fn room(count: usize, states: usize) -> Result<usize> {
    let bytes = |vectors: usize| (2 * vectors * size_of::<f64>()) as u128 * states as u128;
    let least = (count + 8).min(states);
    check_memory("a basis of the dominant eigenvectors", bytes(least), MEMORY_LIMIT)?;
    let affordable = usize::try_from(MEMORY_LIMIT / bytes(1)).unwrap_or(usize::MAX);
    let enough = if states <= AT_ONCE { states } else { (2 * count).max(count + BEYOND) };
    Ok(enough.min(affordable).max(least).min(states))
}

/// The law, but for states that it does not visit, which get `1/N` each.
fn positive(law: &Law) -> Law {
    let unvisited = law.iter().filter(|p| **p == 0.0).count();
    let share = (law.len() - unvisited) as f64 / law.len() as f64;
    let weight = |&p: &f64| if p == 0.0 { 1.0 / law.len() as f64 } else { share * p };
    Law::from_computed(law.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let chain = MarkovChain::from_dense(array![[0.0, 1.0], [0.0, 1.0]].view()).unwrap();
        let law = Law::point(2, 1);
        let refused = |solver: DominantSolver| solver.solve(&chain, &law).unwrap_err();
        assert!(matches!(refused(DominantSolver::new(0)), Error::MustBePositive { .. }));
        assert!(matches!(refused(DominantSolver::new(1).tolerance(0.0)), Error::InvalidSetting { .. }));
        assert!(matches!(
            refused(DominantSolver::new(1).reversibilized(true)),
            Error::NoPast { state: 0, .. }
        ));
        let other = DominantSolver::new(1).solve(&chain, &Law::uniform(3)).unwrap_err();
        assert!(matches!(other, Error::LengthMismatch { expected: 2, found: 3 }));
    }

    #[test]
    fn states_that_are_not_visited_count_as_much_as_any() {
        let weights = positive(&Law::new(vec![0.0, 0.25, 0.75, 0.0]).unwrap());
        assert_eq!(*weights, [0.25, 0.125, 0.375, 0.25]);
    }

    #[test]
    fn too_many_states_are_refused() {
        assert!(matches!(room(3, 1 << 30), Err(Error::TooLarge { .. })));
        assert_eq!(room(3, 5).unwrap(), 5);
        assert_eq!(room(20, 1000).unwrap(), 100);
    }
}
