//! Settings, and the partition.

use super::states::CausalStates;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::information::refine::coarsest;
use crate::information::rows::{LabelledStep, Rows};
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::{Observer, Silent, check_operations, check_positive};

/// Finds the causal states of a chain.
///
/// # Example
///
/// ```
/// use lmchain::chain::MarkovChain;
/// use lmchain::information::CausalStateSolver;
/// use lmchain::model::TableModel;
///
/// // Order two in name; the older of the two tokens says nothing.
/// let rows = [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [1.0, 0.0]];
/// let golden = MarkovChain::enumerated(&TableModel::from_rows(2, &rows)?)?;
/// let law = golden.stationary()?.converged()?;
/// let causal = CausalStateSolver::new().solve(&golden, &law)?;
/// assert_eq!(causal.count(), 2);
/// assert!((causal.statistical_complexity() - 0.9182958340544896).abs() < 1e-12);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CausalStateSolver {
    within: Option<f64>,
}

impl CausalStateSolver {
    /// States are merged if their futures are the same to the bit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Approximate causal states: laws of the next token count as the same if they allow the
    /// same tokens and no probability differs by more than this.
    ///
    /// Being nearly equal is not transitive: states are taken in order, and each joins the
    /// first group whose first member it is near to. So the partition depends on the order
    /// of the states, and two of one group may be twice the tolerance apart. It takes
    /// a comparison with each group, `O(N groups V)`.
    pub fn within(mut self, tolerance: f64) -> Self {
        self.within = Some(tolerance);
        self
    }

    /// The causal states of a chain under its stationary law.
    ///
    /// 16 bytes a transition, `O(K transitions)`.
    ///
    /// # Errors
    ///
    /// [`NotShiftRegister`](crate::Error::NotShiftRegister) where tokens cannot be read off steps,
    /// [`TooLarge`](crate::Error::TooLarge) beyond 8 GiB,
    /// [`InvalidSetting`](crate::Error::InvalidSetting) for a tolerance that is not positive;
    /// [`TooExpensive`](crate::Error::TooExpensive) for approximate causal states of too many states.
    ///
    /// # Panics
    ///
    /// If the law is over other states.
    #[track_caller]
    pub fn solve<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
    ) -> Result<CausalStates> {
        self.solve_watched(chain, stationary, &mut Silent)
    }

    /// As [`solve`](Self::solve), watched.
    ///
    /// # Errors
    ///
    /// As there, and [`Cancelled`](crate::Error::Cancelled) when the observer breaks.
    #[track_caller]
    pub fn solve_watched<O: TransitionOperator>(
        &self,
        chain: &MarkovChain<O>,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<CausalStates> {
        self.within.map_or(Ok(()), |tolerance| check_positive("tolerance", tolerance))?;
        chain.check_tokens(stationary)?;
        let rows = Rows::new(chain, stationary, |state| chain.states().newest_token(state))?;
        let by_row = match self.within {
            None => rows.equal(),
            Some(tolerance) => near(&rows, tolerance)?,
        };
        let (blocks, count) = coarsest(&rows, by_row, observer)?;
        CausalStates::new(chain.states(), stationary, &rows, &blocks, count, self.within)
    }
}

/// Groups of rows near to the first of each.
fn near(rows: &Rows, tolerance: f64) -> Result<(Vec<u32>, usize)> {
    let steps: usize = (0..rows.len()).map(|place| rows.row(place).len()).sum();
    let remedy = "ask for exact causal states, which are found by hashing";
    check_operations("approximate causal states", steps as f64 * rows.len() as f64 / 2.0, remedy)?;
    let close = |a: &LabelledStep, b: &LabelledStep| {
        a.label == b.label && (a.probability - b.probability).abs() <= tolerance
    };
    let mut firsts: Vec<usize> = Vec::new();
    let mut group = |place: usize| {
        let row = rows.row(place);
        let is_near = |&first: &usize| {
            let other = rows.row(first);
            other.len() == row.len() && other.iter().zip(row).all(|(a, b)| close(a, b))
        };
        let found = firsts.iter().position(is_near);
        found.unwrap_or_else(|| {
            firsts.push(place);
            firsts.len() - 1
        }) as u32
    };
    let groups = (0..rows.len()).map(&mut group).collect();
    Ok((groups, firsts.len()))
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The causal states, exact: [`CausalStateSolver`] with its defaults.
    ///
    /// # Errors
    ///
    /// As [`CausalStateSolver::solve`].
    #[track_caller]
    pub fn causal_states(&self, stationary: &Law) -> Result<CausalStates> {
        CausalStateSolver::new().solve(self, stationary)
    }
}
