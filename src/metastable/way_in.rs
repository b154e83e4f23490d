//! From states that are never visited to those that are.

use crate::operator::{TransitionOperator, pull_all};
use crate::prob::Law;
use crate::solve::{Observer, Progress, Report, Stop};

/// Extends memberships to states that a law does not visit.
pub(super) struct WayIn {
    pub(super) tolerance: f64,
    pub(super) max_iterations: usize,
}

impl WayIn {
    /// Gives every state that the law does not visit the expected membership of
    /// the first state visited: `chi = P chi` outside, by pulling back until no
    /// more than the tolerance is still outside from any start. The mass left
    /// outside is shared out in proportion. `None` if all states are visited. The observer
    /// is asked after every round.
    pub(super) fn extend<O: TransitionOperator>(
        &self,
        operator: &O,
        law: &Law,
        sets: &mut [Vec<f64>],
        observer: &mut dyn Observer,
    ) -> Option<Report> {
        let outside: Vec<usize> = (0..law.len()).filter(|&state| law[state] == 0.0).collect();
        if outside.is_empty() {
            return None;
        }
        for iterations in 1.. {
            let mut expected = sets.to_vec();
            pull_all(operator, &mut expected);
            for (set, expected) in sets.iter_mut().zip(&expected) {
                outside.iter().for_each(|&state| set[state] = expected[state]);
            }
            let inside = |&state: &usize| sets.iter().map(|set| set[state]).sum::<f64>();
            let residual = outside.iter().map(|state| 1.0 - inside(state)).fold(0.0, f64::max);
            if let Some(stop) = self.stop(iterations, residual, observer) {
                return Some(Report { iterations, residual, error_bound: None, stop });
            }
        }
        None
    }

    fn stop(&self, iterations: usize, residual: f64, observer: &mut dyn Observer) -> Option<Stop> {
        if residual <= self.tolerance {
            return Some(Stop::Converged);
        }
        if iterations >= self.max_iterations {
            return Some(Stop::MaxIterations);
        }
        let (stage, done) = ("the way into the sets", iterations as u64);
        let progress = Progress { stage, done, total: None, residual: Some(residual) };
        observer.observe(&progress).is_break().then_some(Stop::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use ndarray::array;

    use super::*;
    use crate::chain::MarkovChain;
    use crate::solve::Silent;

    #[test]
    fn a_gambler_belongs_where_he_ends() {
        // A fair game for 4 coins: from i coins all are won with probability i / 4.
        let mut game = ndarray::Array2::zeros((5, 5));
        game[[0, 0]] = 1.0;
        game[[4, 4]] = 1.0;
        for coins in 1..4 {
            game[[coins, coins - 1]] = 0.5;
            game[[coins, coins + 1]] = 0.5;
        }
        let chain = MarkovChain::from_dense(game.view()).unwrap();
        let law = Law::new(vec![0.5, 0.0, 0.0, 0.0, 0.5]).unwrap();
        let mut sets = [array![1.0, 0.0, 0.0, 0.0, 0.0].to_vec(), array![0.0, 0.0, 0.0, 0.0, 1.0].to_vec()];
        let way_in = WayIn { tolerance: 1e-12, max_iterations: 1000 };
        let report = way_in.extend(chain.operator(), &law, &mut sets, &mut Silent).unwrap();
        assert!(report.is_converged());
        for (coins, won) in sets[1].iter().enumerate() {
            assert!((won - coins as f64 / 4.0).abs() < 1e-11);
        }
        let short = WayIn { tolerance: 1e-12, max_iterations: 3 };
        let mut sets = [vec![1.0, 0.0, 0.0, 0.0, 1.0]];
        let mut extend =
            |law: &Law, watch: &mut dyn Observer| short.extend(chain.operator(), law, &mut sets, watch);
        assert_eq!(extend(&law, &mut Silent).unwrap().stop, Stop::MaxIterations);
        let report = extend(&law, &mut |_: &Progress| ControlFlow::Break(())).unwrap();
        assert_eq!((report.stop, report.iterations), (Stop::Cancelled, 1));
        assert!(extend(&Law::uniform(5), &mut Silent).is_none());
    }
}
