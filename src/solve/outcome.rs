//! What an iteration hands back.

use std::fmt;

use crate::error::{Error, Result};

/// Why a computation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The tolerance was met, and the error bound asked for was proven.
    Converged,
    /// A direct method ran to its end; there was nothing to converge.
    Direct,
    /// The residual met its tolerance, but no bound on the error could be
    /// proven: the chain may be nearly decomposable, and the result far off.
    Unproven,
    /// Bounds are proven, but rounding keeps them further apart than the tolerance
    /// asks: a larger one would do.
    Rounding,
    /// The iteration limit was reached.
    MaxIterations,
    /// The observer asked to stop.
    Cancelled,
}

impl Stop {
    /// The reason in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Direct => "solved directly",
            Self::Unproven => "the residual is small but no bound on the error could be proven",
            Self::Rounding => "rounding keeps the bounds further apart than the tolerance; raise it",
            Self::MaxIterations => "the iteration limit was reached",
            Self::Cancelled => "cancelled by the observer",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

/// How a computation went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Iterations of the method, without the products that a proof took, or a search
    /// for sets; 0 for a direct method.
    pub iterations: usize,
    /// What the method drives to zero, computed afresh for the value returned:
    /// `||law P - law||_1` of a stationary law, the mass still transient of
    /// absorption weights, `||P f - lambda f||_2` of an eigenpair with `||f||_2 = 1`,
    /// the distance between two-sided bounds.
    pub residual: f64,
    /// A proven upper bound on the distance from the value returned to the exact
    /// one, or `None` where nothing is proven: total variation of laws, the
    /// largest difference of numbers with two-sided bounds from the middle of
    /// these. A small residual alone proves nothing.
    pub error_bound: Option<f64>,
    /// Why it stopped.
    pub stop: Stop,
}

impl Report {
    /// Whether the computation converged or was direct.
    pub fn is_converged(&self) -> bool {
        matches!(self.stop, Stop::Converged | Stop::Direct)
    }

    /// The report of two computations that both are needed: all iterations, the
    /// larger residual and bound, and the reason of the one that did not
    /// converge, if there is one.
    pub(crate) fn worse(&self, other: &Self) -> Self {
        let (first, then) = if self.is_converged() { (other, self) } else { (self, other) };
        Self {
            iterations: self.iterations + other.iterations,
            residual: self.residual.max(other.residual),
            error_bound: self.error_bound.zip(other.error_bound).map(|(one, two)| one.max(two)),
            stop: if first.is_converged() && then.stop == Stop::Converged { then.stop } else { first.stop },
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { iterations, residual, error_bound, stop } = self;
        match (stop, error_bound) {
            (Stop::Direct, _) => write!(f, "{stop}, residual {residual:.2e}"),
            (_, Some(bound)) => write!(
                f,
                "{stop} after {iterations} iterations, residual {residual:.2e}, error proven below {bound:.2e}"
            ),
            (_, None) => {
                write!(f, "{stop} after {iterations} iterations, residual {residual:.2e}, error not bounded")
            }
        }
    }
}

/// A value and the report of how it came about.
///
/// An iteration that did not converge is never handed out as if it had:
/// [`converged`](Self::converged) insists, [`into_value`](Self::into_value)
/// takes what there is.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an outcome may not have converged: ask with .converged()?, or take what there is with .into_value()"]
pub struct Outcome<T> {
    value: T,
    report: Report,
}

impl<T> Outcome<T> {
    pub(crate) fn new(value: T, report: Report) -> Self {
        Self { value, report }
    }

    /// The value, if the computation converged or was direct.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`] with the facts of the report.
    pub fn converged(self) -> Result<T> {
        if self.is_converged() {
            return Ok(self.value);
        }
        let Report { iterations, residual, stop, .. } = self.report;
        Err(Error::NotConverged { stop: stop.describe(), iterations, residual })
    }

    /// Whether the computation converged or was direct.
    pub fn is_converged(&self) -> bool {
        self.report.is_converged()
    }

    /// The value, converged or not.
    pub fn into_value(self) -> T {
        self.value
    }

    /// A look at the value, converged or not.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// How the computation went.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The same report for a value made from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: f(self.value), report: self.report }
    }
}
