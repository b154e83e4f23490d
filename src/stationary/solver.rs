//! Settings and choice of method.

use std::path::PathBuf;

use super::StationaryLaws;
use super::checkpoint::{Checkpoint, CheckpointSettings};
use super::gth::laws_by_elimination;
use super::iteration::{Iteration, IterationSettings};
use super::laws::largest_residual;
use super::steps::{Accelerated, Plain};
use crate::chain::{Classes, MarkovChain};
use crate::error::{Error, Result};
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::Law;
use crate::solve::{MEMORY_LIMIT, Observer, Outcome, Report, Silent, Stop, check_memory, check_positive};

/// How a stationary law is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StationaryMethod {
    /// Elimination for classes of up to 512 states. Else, as long as they promise to be
    /// few, sweeps of block Gauss–Seidel where there is one aperiodic recurrent class and the
    /// operator has them ([`TransitionOperator::sweep_forward`]), which count as products
    /// each, or plain steps, lazy if a class is periodic. Where there is one aperiodic class,
    /// states are windows of tokens, and that costs little, both are corrected by the chain of
    /// shorter contexts, over all contexts from the start, over some where it is called for. Then
    /// the steps of
    /// [`LikelyPaths`](Self::LikelyPaths). And elimination after all for classes of
    /// up to 4,096 states, if nothing is proven.
    #[default]
    Auto,
    /// Power iteration with `P`. Does not converge on periodic classes.
    Power,
    /// Power iteration with `(I + P) / 2`. Converges on every class.
    LazyPower,
    /// Each product is followed along the likeliest step out of every state to
    /// the end, and corrected by the chain of shorter contexts where states are
    /// windows of tokens. Where that is slow, it is corrected by up to 32 metastable
    /// sets of states as well, if the chain shows any: the search takes 16 products
    /// with four observables each and one product a set, which the report does not
    /// count, and a number a state and set is kept. Where that is slow too, the last eight
    /// steps are extrapolated (Anderson 1965), for which 18 vectors are kept. A product
    /// costs up to twice its time, with sets four times, and chains that take power iteration thousands take
    /// tens: low temperatures, slow topics. If it does not help, likely paths alone,
    /// and plain steps to the end where they do not either.
    LikelyPaths,
    /// Elimination (GTH): right in every component, `O(n^3)` for a class of `n` states.
    Gth,
}

/// Finds stationary laws.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::stationary::StationarySolver;
/// use ndarray::array;
///
/// let weather = MarkovChain::from_dense(array![[0.9, 0.1], [0.5, 0.5]].view())?;
/// let laws = StationarySolver::new().solve(&weather)?.converged()?;
/// let law = laws.unique()?;
/// assert!((law[0] - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StationarySolver {
    iteration: IterationSettings,
    method: StationaryMethod,
    checkpoint: Option<CheckpointSettings>,
}

impl Default for StationarySolver {
    fn default() -> Self {
        Self::new()
    }
}

/// Largest class that `Auto` gives to elimination at once.
const SMALL_CLASS: usize = 512;

/// Largest class that elimination is affordable for.
const REFEREE_CLASS: usize = 4096;

impl StationarySolver {
    /// Residual 1e-10, error proven below 1e-6, at most 100,000 iterations, [`StationaryMethod::Auto`].
    pub fn new() -> Self {
        let iteration = IterationSettings {
            tolerance: 1e-10,
            error_tolerance: Some(1e-6),
            max_iterations: 100_000,
            single_precision_start: false,
        };
        Self { iteration, method: StationaryMethod::Auto, checkpoint: None }
    }

    /// The residual `||pi P - pi||_1` to reach.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.iteration.tolerance = tolerance;
        self
    }

    /// The total variation error to be proven before power iteration claims
    /// convergence. With `None` it stops at the residual and proves nothing:
    /// half the work, but on a nearly decomposable chain the law may be far off.
    pub fn error_tolerance(mut self, tolerance: impl Into<Option<f64>>) -> Self {
        self.iteration.error_tolerance = tolerance.into();
        self
    }

    /// The most products that power iteration may take.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.iteration.max_iterations = iterations;
        self
    }

    /// Whether an iteration starts with products in single precision, which read
    /// half the bytes, and goes on in double precision once the residual is down
    /// to the rounding of single precision, 6e-8. Off by default.
    ///
    /// The law, its residual and its error bound are those of the chain in double
    /// precision all the same; the report counts products of both kinds together.
    /// It costs a second table of 4 bytes an entry, and about two products to
    /// fill it: worth it for tables beyond the cache that take more than a few
    /// products. Of no effect where there is no table of all contexts
    /// ([`TransitionOperator::single_precision`]), on one that is in single
    /// precision already, and on elimination.
    pub fn single_precision_start(mut self, start: bool) -> Self {
        self.iteration.single_precision_start = start;
        self
    }

    /// The method.
    pub fn method(mut self, method: StationaryMethod) -> Self {
        self.method = method;
        self
    }

    /// Keeps the iteration in a file, written anew after every so many iterations;
    /// if the file exists, goes on from there. A solve that was killed and is
    /// taken up again gives the same bits, law and report, as one that was not, with or
    /// without checkpoints. Elimination keeps nothing.
    ///
    /// The file is of the length of the law (8 bytes a state), of a vector more where
    /// sets were found, of two of a proof, and of up to 18 each of the iteration and of
    /// the proof where steps are extrapolated. It is written beside
    /// its place and then moved there, so a kill while it is written costs no more
    /// than the iterations since the last. It stays when the law is found.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoint = Some(CheckpointSettings { path: path.into(), every });
        self
    }

    /// The stationary laws of all recurrent classes.
    ///
    /// The report's residual is the largest over the classes; so is its error bound.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::TooExpensive`] for elimination of a
    /// class of more than 4,096 states; [`Error::Underflow`]; [`Error::TooLarge`]
    /// for a copy in single precision of more than 8 GiB; [`Error::Product`] if
    /// the operator fails; [`Error::Checkpoint`] for a checkpoint that is damaged, or of another
    /// chain or other settings, and [`Error::Io`] if it cannot be read or written.
    pub fn solve<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
    ) -> Result<Outcome<StationaryLaws<'a>>> {
        self.solve_watched(chain, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched. When the observer breaks power
    /// iteration, the law reached so far comes back with [`Stop::Cancelled`].
    ///
    /// # Errors
    ///
    /// As `solve`, and [`Error::Cancelled`] when the observer breaks elimination, or the
    /// search for classes that comes first ([`MarkovChain::classes_watched`]).
    pub fn solve_watched<'a, O: TransitionOperator>(
        &self,
        chain: &'a MarkovChain<O>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome<StationaryLaws<'a>>> {
        self.check(chain.operator())?;
        let (operator, classes) = (chain.operator(), chain.classes_watched(observer)?);
        operator.check_products()?;
        let largest = classes.recurrent().map(|class| classes.members(class).len()).max().unwrap_or(0);
        let power = |lazy, observer: &mut dyn Observer| {
            let step = Plain { lazy };
            Iteration::new(chain, &self.iteration, step, self.kept(operator)?).solve(observer)
        };
        let accelerated = |at_once, observer: &mut dyn Observer| {
            let step = Accelerated::new(chain, at_once);
            Iteration::new(chain, &self.iteration, step, self.kept(operator)?).solve(observer)
        };
        let (within_class, report) = match self.method {
            StationaryMethod::Power => power(false, observer)?,
            StationaryMethod::LazyPower => power(true, observer)?,
            StationaryMethod::LikelyPaths => accelerated(true, observer)?,
            StationaryMethod::Gth => eliminate(operator, classes, largest, observer)?,
            StationaryMethod::Auto if largest <= SMALL_CLASS => {
                match eliminate(operator, classes, largest, observer) {
                    Err(Error::Underflow { .. }) => accelerated(false, observer)?,
                    eliminated => eliminated?,
                }
            }
            StationaryMethod::Auto => {
                let (law, report) = accelerated(false, observer)?;
                let doubtful = matches!(report.stop, Stop::Unproven | Stop::MaxIterations);
                if doubtful && largest <= REFEREE_CLASS {
                    eliminate(operator, classes, largest, observer)?
                } else {
                    (law, report)
                }
            }
        };
        operator.check_products()?;
        Ok(Outcome::new(StationaryLaws::new(classes, within_class), report))
    }

    /// The checkpoint of an iteration, if one is asked for.
    fn kept<O: TransitionOperator>(&self, operator: &O) -> Result<Option<Checkpoint<'_>>> {
        let error_tolerance = self.iteration.error_tolerance.unwrap_or(0.0);
        let settings = [
            ("method", self.method as u64),
            ("tolerance", self.iteration.tolerance.to_bits()),
            ("error_tolerance", error_tolerance.to_bits()),
            ("single_precision_start", u64::from(self.iteration.single_precision_start)),
        ];
        let checkpoint =
            self.checkpoint.as_ref().map(|checkpoint| Checkpoint::new(checkpoint, operator, settings));
        operator.check_products()?;
        Ok(checkpoint)
    }

    fn check<O: TransitionOperator>(&self, operator: &O) -> Result<()> {
        let rounded = operator.single_precision_bytes().filter(|_| self.iteration.single_precision_start);
        check_memory("a copy of the table in single precision", rounded.unwrap_or(0), MEMORY_LIMIT)?;
        check_positive("tolerance", self.iteration.tolerance)?;
        if self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.every == 0) {
            let (name, requirement) = ("the number of iterations between checkpoints", "at least 1");
            return Err(Error::InvalidSetting { name, value: 0.0, requirement });
        }
        self.iteration.error_tolerance.map_or(Ok(()), |value| check_positive("error_tolerance", value))
    }
}

fn eliminate<O: TransitionOperator>(
    operator: &O,
    classes: &Classes,
    largest: usize,
    observer: &mut dyn Observer,
) -> Result<(Vec<f64>, Report)> {
    if largest > REFEREE_CLASS {
        let operations = |n: usize| 2.0 / 3.0 * (n as f64).powi(3);
        return Err(Error::TooExpensive {
            what: "elimination of the largest recurrent class",
            needed: operations(largest),
            allowed: operations(REFEREE_CLASS),
            remedy: "use power iteration",
        });
    }
    let law = laws_by_elimination(operator, classes, observer)?;
    let mut next = vec![0.0; law.len()];
    operator.push_forward(&law, &mut next);
    let residual = largest_residual(classes, &law, &next);
    // Rows that are off by `unit` move a component by at most 2 n units
    // (O'Cinneide 1993), so the residual by twice that; anything more is a
    // chain whose rows are not what they should be.
    let n = largest as f64;
    let unit = (n + operator.longest_sum() as f64) * f64::EPSILON + row_sum_error(operator);
    let stop = if residual <= 4.0 * n * unit { Stop::Direct } else { Stop::Unproven };
    Ok((law, Report { iterations: 0, residual, error_bound: None, stop }))
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The stationary law of a chain with one recurrent class, by
    /// [`StationarySolver`] with its defaults.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralRecurrentClasses`], and as [`StationarySolver::solve`].
    pub fn stationary(&self) -> Result<Outcome<Law>> {
        let classes = self.classes().recurrent_count();
        if classes > 1 {
            return Err(Error::SeveralRecurrentClasses { classes });
        }
        let outcome = StationarySolver::new().solve(self)?;
        let report = *outcome.report();
        Ok(Outcome::new(outcome.into_value().unique()?, report))
    }

    /// The stationary laws of all recurrent classes, by [`StationarySolver`]
    /// with its defaults.
    ///
    /// # Errors
    ///
    /// As [`StationarySolver::solve`].
    pub fn stationary_laws(&self) -> Result<Outcome<StationaryLaws<'_>>> {
        StationarySolver::new().solve(self)
    }
}
