//! Pairs of walks, drawn.

use rayon::prelude::*;

use super::continuations::Continuations;
use super::mean_time::MeanTime;
use super::meeting::MeetingTime;
use super::token_coupling::{Entry, TokenCoupling, draw_next, write_row};
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::{AliasTable, Law, StreamRng, stream};
use crate::solve::{MEMORY_LIMIT, Observer, check_memory, check_operations, report};

/// Pairs of walks, sampled; pair `i` draws from stream `i` of the seed.
pub(super) struct SampledPairs<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    pub(super) steps: usize,
    pub(super) pairs: usize,
    pub(super) seed: u64,
}

/// The step after which a pair parts, and the steps until it meets again.
type Parted = Option<(usize, Option<usize>)>;

/// Pairs that are followed between two reports.
const BATCH: usize = 256;

impl<O: TransitionOperator> SampledPairs<'_, O> {
    /// Refuses more pairs than can be kept, or followed.
    pub(super) fn check(&self) -> Result<()> {
        let kept = size_of::<Parted>() + 2 * size_of::<Option<usize>>();
        check_memory("the sampled pairs", self.pairs as u128 * kept as u128, MEMORY_LIMIT)?;
        let rows = 2.0 * self.chain.operator().longest_row() as f64;
        let work = 2.0 * self.pairs as f64 * self.steps as f64 * rows;
        check_operations("the sampled pairs", work, "sample fewer pairs, or ask for fewer steps")
    }

    /// The time until a walk from the prompt meets one from the stationary law.
    pub(super) fn with_stationary(
        &self,
        prompt: usize,
        stationary: &Law,
        observer: &mut dyn Observer,
    ) -> Result<MeetingTime> {
        let table = AliasTable::new(stationary);
        let times = self.each(observer, "a continuation and a stationary text", |number, room| {
            let rng = &mut stream(self.seed, number);
            let other = table.draw(rng);
            room.meet(self.chain, [prompt, other], self.steps, rng)
        })?;
        Ok(MeetingTime::from_sample(&times, self.steps))
    }

    /// Two continuations of the prompt.
    pub(super) fn continuations(&self, prompt: usize, observer: &mut dyn Observer) -> Result<Continuations> {
        let found: Vec<Parted> = self.each(observer, "two continuations", |number, room| {
            // The streams after those of the other sample.
            let rng = &mut stream(self.seed, self.pairs as u64 + number);
            let mut state = prompt;
            for step in 0..self.steps {
                write_row(self.chain, state, &mut room.rows[0]);
                let [one, other] = [0; 2].map(|_| draw_next(&room.rows[0], rng));
                if one != other {
                    return Some((step, room.meet(self.chain, [one, other], self.steps, rng)));
                }
                state = one;
            }
            None
        })?;
        let still =
            |steps: usize| found.iter().filter(move |pair| pair.is_none_or(|(step, _)| step >= steps));
        let together =
            (0..=self.steps).map(|steps| still(steps).count() as f64 / found.len() as f64).collect();
        let parted: Vec<Option<usize>> = found.iter().map(|pair| pair.map(|(step, _)| step + 1)).collect();
        let met: Vec<Option<usize>> = found.iter().flatten().map(|&(_, time)| time).collect();
        let meeting = (met.len() >= 2).then(|| MeetingTime::from_sample(&met, self.steps));
        Ok(Continuations { together, time_to_part: MeanTime::of_sample(&parted, self.steps), meeting })
    }

    /// What becomes of every pair.
    fn each<T: Send>(
        &self,
        observer: &mut dyn Observer,
        stage: &'static str,
        follow: impl Fn(u64, &mut Room) -> T + Sync,
    ) -> Result<Vec<T>> {
        let mut all = Vec::with_capacity(self.pairs);
        for from in (0..self.pairs).step_by(BATCH) {
            report(observer, stage, from as u64, Some(self.pairs as u64))?;
            let numbers = from..self.pairs.min(from + BATCH);
            let batch = numbers.into_par_iter().map_init(Room::default, |room, i| follow(i as u64, room));
            all.extend(batch.collect::<Vec<T>>());
        }
        Ok(all)
    }
}

/// Room for two rows and their coupling.
#[derive(Default)]
struct Room {
    rows: [Vec<Entry>; 2],
    coupling: TokenCoupling,
}

impl Room {
    /// The steps until two coupled walks meet, if they do.
    fn meet<O: TransitionOperator>(
        &mut self,
        chain: &MarkovChain<O>,
        mut pair: [usize; 2],
        steps: usize,
        rng: &mut StreamRng,
    ) -> Option<usize> {
        for step in 0..=steps {
            if pair[0] == pair[1] {
                return Some(step);
            }
            if step < steps {
                self.rows.iter_mut().zip(pair).for_each(|(row, state)| write_row(chain, state, row));
                self.coupling.couple([&self.rows[0], &self.rows[1]]);
                pair = self.coupling.draw(rng);
            }
        }
        None
    }
}
