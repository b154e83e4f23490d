//! Exact draws from the stationary law of a restarted chain.

use std::ops::ControlFlow;

use rand_distr::{Distribution, Geometric};

use crate::chain::{Begun, MarkovChain, walk_each};
use crate::error::{Error, Result};
use crate::operator::{Restart, TransitionOperator};
use crate::prob::{AliasTable, stream};
use crate::solve::{MEMORY_LIMIT, check_memory};

impl<O: TransitionOperator> MarkovChain<Restart<O>> {
    /// Independent draws from the stationary law, exact ones: no burn-in, no
    /// bias, no stationary law to be solved for.
    ///
    /// Looking back from now, the last restart was a geometrically distributed
    /// number of steps ago, with the restart probability `eps`; since then the
    /// chain ran freely from the restart law. So a draw is a free run of
    /// geometric length: `1/eps - 1` steps on average (Propp & Wilson 1996 for
    /// the principle; here the coupling time is that of the restart alone).
    ///
    /// Draw `i` takes stream `i` of the seed.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the tables to walk with would take more than 8 GiB.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::prelude::*;
    ///
    /// let cycle = SparseOperator::from_triplets(2, vec![(0, 1, 1.0), (1, 0, 1.0)])?;
    /// let restart = Restart::new(cycle, 0.5, Law::point(2, 0))?;
    /// let chain = MarkovChain::new(restart, States::numbered(2));
    /// let draws = chain.stationary_draws(3000, 1)?;
    /// let ones = draws.iter().filter(|&&state| state == 1).count();
    /// assert!((ones as f64 / 3000.0 - 1.0 / 3.0).abs() < 0.07);
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    pub fn stationary_draws(&self, draws: usize, seed: u64) -> Result<Vec<usize>> {
        let restart = self.operator();
        check_memory("the alias tables", restart.sampler_bytes(), MEMORY_LIMIT)?;
        let free = restart.operator().sampler();
        let fresh = AliasTable::new(restart.law());
        let probability = restart.restart();
        let length = Geometric::new(probability).map_err(|_| Error::InvalidSetting {
            name: "restart",
            value: probability,
            requirement: "above 0 and at most 1",
        })?;
        let begin = |number: usize| {
            let mut rng = stream(seed, number as u64);
            let steps = length.sample(&mut rng);
            let state = fresh.draw(&mut rng);
            Begun { rng, state, steps }
        };
        let mut drawn = vec![0; draws];
        walk_each(&*free, &mut drawn, begin, |drawn, visit| {
            *drawn = visit.state;
            ControlFlow::Continue(())
        });
        Ok(drawn)
    }
}
