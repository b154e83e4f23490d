//! Poisson's equation.

use crate::chain::{MarkovChain, StateSet};
use crate::error::{Error, Result};
use crate::operator::{Fundamental, TransitionOperator, row_sum_error};
use crate::passage::{Interval, PassageSolver};
use crate::prob::{Law, dot, extremes_by, sum_depth};
use crate::solve::{LinearSolution, LinearSystem, Observer, Outcome, Report, Silent, Stop, check_positive};

/// Solves Poisson's equation `g - P g = f - pi f`, `pi g = 0`, on any operator.
///
/// For up to 512 states by elimination with corrections, else by restarted
/// GMRES (Saad & Schultz 1986) on `(I - P + 1 pi) g = f - pi f`, a product an iteration;
/// where that stands still, for up to 4,096 states by elimination after all.
///
/// The report's residual is the **spread**, the largest less the smallest entry, of
/// `f - g + P g`, which for the exact solution is the constant `pi f`. It bounds
/// the error: where every state reaches some state `a` within `M` steps on
/// average, the differences of the values are right to `M` times the spread, since
/// the error `e` has `e(i) - e(a) = E_i sum over t < T_a of (pi f - f + g - P g)(X_t)`.
/// The report's error bound is that, with rounding; it bounds the differences
/// `g(i) - g(j)`, which are all that sensitivities depend on.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::sensitivity::PoissonSolver;
/// use ndarray::array;
///
/// let chain = MarkovChain::from_dense(array![[0.7, 0.3], [0.2, 0.8]].view())?;
/// let law = chain.stationary()?.converged()?; // 0.4, 0.6
/// let poisson = PoissonSolver::new().solve(&chain, &law, &[1.0, 0.0])?.converged()?;
/// assert!((poisson.values()[0] - 1.2).abs() < 1e-14); // (1 - 0.4) / (1 - 0.5)
/// assert!(poisson.mean_bounds().contains(0.4));
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PoissonSolver {
    tolerance: f64,
    max_iterations: usize,
    proven: bool,
}

impl Default for PoissonSolver {
    fn default() -> Self {
        Self::new()
    }
}

impl PoissonSolver {
    /// Residual 1e-10 in units of the spread of the observable, at most 100,000
    /// products, the error proven.
    pub fn new() -> Self {
        Self { tolerance: 1e-10, max_iterations: 100_000, proven: true }
    }

    /// The spread of the residual to reach, in units of that of the observable; or
    /// what rounding leaves of it, if that is more: some units of the longest row's rounding
    /// of the largest value of the solution.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most products that GMRES may take.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// Whether the mean time to the most probable state is bounded, for a proven
    /// bound on the error; that may cost more than the solution. Where it cannot be
    /// bounded, the solution has not converged: [`Stop::Unproven`]. Without a proof the
    /// report has no error bound.
    pub fn proven(mut self, proven: bool) -> Self {
        self.proven = proven;
        self
    }

    /// The solution for a chain with one recurrent class and an observable, one
    /// number a state.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`]; [`Error::LengthMismatch`] for a law or an
    /// observable over other states; [`Error::SeveralRecurrentClasses`];
    /// [`Error::InvalidObservable`] for a value that is not finite.
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
        observable: &[f64],
    ) -> Result<Outcome<Poisson>> {
        self.solve_watched(chain, stationary, observable, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched. When the observer breaks, the solution
    /// reached so far comes back with [`Stop::Cancelled`].
    ///
    /// # Errors
    ///
    /// As `solve`.
    pub fn solve_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
        observable: &[f64],
        observer: &mut dyn Observer,
    ) -> Result<Outcome<Poisson>> {
        check_positive("tolerance", self.tolerance)?;
        check_observable(chain, stationary, observable)?;
        let fundamental = Fundamental::new(chain.operator(), stationary);
        let mean = dot(stationary, observable);
        let centred = fundamental.centred(observable.to_vec());
        let found = self.iterate(chain.operator(), &fundamental, &centred, observer);
        let (values, iterations, residual) =
            (fundamental.centred(found.values), found.iterations, found.size);
        let poisson = Poisson::new(chain.operator(), values, mean, &centred);
        let proof = match self.proven {
            true => proven_error(chain, stationary, poisson.deviation.width(), observer)?.map(Some),
            false => Ok(None),
        };
        let (error_bound, stop) = match proof {
            Ok(error_bound) => (error_bound, found.stop),
            // What did not converge has that to say first.
            Err(reason) => (None, if is_done(found.stop) { reason } else { found.stop }),
        };
        Ok(Outcome::new(poisson, Report { iterations, residual, error_bound, stop }))
    }

    fn iterate<O: TransitionOperator>(
        &self,
        operator: &O,
        fundamental: &Fundamental<'_, O>,
        centred: &[f64],
        observer: &mut dyn Observer,
    ) -> LinearSolution {
        let rounding = residual_rounding(operator);
        let system = LinearSystem {
            apply: &|values, image| fundamental.apply(values, image),
            right: centred,
            // The constant that the residual should be is of no account.
            size: &spread,
            tolerance: (self.tolerance * spread(centred)).max(rounding * largest(centred)),
            rounding,
            max_iterations: self.max_iterations,
            stage: "Poisson's equation",
        };
        system.solve(observer)
    }
}

fn is_done(stop: Stop) -> bool {
    matches!(stop, Stop::Converged | Stop::Direct)
}

/// What rounding makes of the spread of `f - g + P g`, in units of the largest `f` and `g`:
/// a row adds up its terms, in whatever order, to half a unit of their size each, and
/// three more operations follow, at both ends of the spread; and so does the rounding of `g`.
fn residual_rounding<O: TransitionOperator>(operator: &O) -> f64 {
    2.0 * (operator.longest_row() + 3) as f64 * f64::EPSILON
}

/// The solution of Poisson's equation for an observable.
#[derive(Debug, Clone, PartialEq)]
pub struct Poisson {
    values: Vec<f64>,
    mean: f64,
    /// Bounds on the mean of the observable less `mean`.
    deviation: Interval,
}

impl Poisson {
    /// With bounds on the mean: `pi f = pi (f - g + P g)` for any `g`, so it is
    /// between the least and the largest entry of that (Odoni 1969). The observable
    /// comes less its mean, which keeps the rounding of a large one out of the bounds on the error.
    fn new<O: TransitionOperator>(operator: &O, values: Vec<f64>, mean: f64, centred: &[f64]) -> Self {
        let mut pulled = vec![0.0; values.len()];
        operator.pull_back(&values, &mut pulled);
        let constant = |state: usize| [centred[state] - values[state] + pulled[state]];
        let [(lower, upper)] = extremes_by(values.len(), constant);
        // A row adds up its terms, in whatever order, to `longest_row` units of
        // their size; a row that does not sum to one is off by as much of them.
        let unit = (operator.longest_row() + 3) as f64 * f64::EPSILON + 2.0 * row_sum_error(operator);
        let rounding = unit * (largest(&values) + largest(centred));
        let deviation = Interval { lower: lower - rounding, upper: upper + rounding };
        Self { values, mean, deviation }
    }

    /// `g`, one number a state, in the unit of the observable times steps; its
    /// mean under the stationary law is zero.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean `pi f` under the stationary law that was given.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Proven bounds on the mean `pi f` under the exact stationary law, whatever
    /// the error of the one given.
    pub fn mean_bounds(&self) -> Interval {
        let Interval { lower, upper } = self.deviation;
        // Outwards, by more than the rounding of the sums.
        let rounding = f64::EPSILON * (self.mean.abs() + lower.abs().max(upper.abs()));
        Interval { lower: self.mean + lower - rounding, upper: self.mean + upper + rounding }
    }
}

fn check_observable<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    stationary: &Law,
    observable: &[f64],
) -> Result<()> {
    let expected = chain.len();
    for found in [stationary.len(), observable.len()] {
        if found != expected {
            return Err(Error::LengthMismatch { expected, found });
        }
    }
    if let Some(state) = observable.iter().position(|value| !value.is_finite()) {
        return Err(Error::InvalidObservable { state, value: observable[state] });
    }
    match chain.classes().recurrent_count() {
        1 => Ok(()),
        classes => Err(Error::SeveralRecurrentClasses { classes }),
    }
}

/// The mean time to the most probable state, from anywhere, times the spread; or why
/// there is no bound.
fn proven_error<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    stationary: &Law,
    spread: f64,
    observer: &mut dyn Observer,
) -> Result<Result<f64, Stop>> {
    let Some(&(state, _)) = stationary.top(1).first() else { return Ok(Err(Stop::Unproven)) };
    let target = StateSet::of(chain.len(), [state])?;
    // An upper bound is all that is needed, so the bounds may be far apart.
    let times = PassageSolver::new().tolerance(0.5).times_watched(chain, &target, observer)?;
    if times.report().stop == Stop::Cancelled {
        return Ok(Err(Stop::Cancelled));
    }
    let longest = times.value().mean().upper().iter().copied().fold(0.0, f64::max);
    // The level is subtracted from all values alike; what rounding that brings
    // in was in the residual, which was computed afterwards.
    let sums = sum_depth(chain.len()) as f64 * f64::EPSILON;
    let bound = longest * spread * (1.0 + sums);
    Ok(if bound.is_finite() { Ok(bound) } else { Err(Stop::Unproven) })
}

/// The largest number less the smallest.
fn spread(numbers: &[f64]) -> f64 {
    let [(least, greatest)] = extremes_by(numbers.len(), |i| [numbers[i]]);
    greatest - least
}

/// The largest number in absolute value.
fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most, x| most.max(x.abs()))
}
