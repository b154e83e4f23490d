//! When two coupled walks meet.

use rayon::prelude::*;

use super::pair_chain::PairChain;
use super::token_coupling::{Entry, TokenCoupling, draw_next, write_row};
use crate::chain::{MarkovChain, Start};
use crate::drift::sojourn::half_life;
use crate::error::{Error, Result};
use crate::operator::{Transition, TransitionOperator, successors};
use crate::passage::{Interval, PassageSolver};
use crate::prob::{AliasTable, Law, StreamRng, stream};
use crate::solve::{Observer, Stop, report};

/// The mean of a time, and how it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MeanTime {
    /// Solved exactly: between proven bounds.
    Bounds(Interval),
    /// The mean of a sample, with its standard error.
    Sampled {
        /// The mean.
        mean: f64,
        /// The standard error of the mean.
        standard_error: f64,
    },
    /// As far as it was followed: some had not ended by then, so the mean is larger.
    AtLeast(f64),
}

impl MeanTime {
    /// The mean: the middle of the bounds, or what was found.
    pub fn value(&self) -> f64 {
        match self {
            Self::Bounds(bounds) => bounds.midpoint(),
            Self::Sampled { mean, .. } | Self::AtLeast(mean) => *mean,
        }
    }
}

/// The law of the time at which two coupled walks are in the same state, in steps.
#[derive(Debug, Clone, PartialEq)]
pub struct MeetingTime {
    /// `survival[n]`: the probability that the two have not met within `n` steps.
    pub survival: Vec<f64>,
    /// The mean time.
    pub mean: MeanTime,
    /// How many pairs were sampled; `None` if the law is exact.
    pub sampled: Option<usize>,
}

impl MeetingTime {
    /// The first `n` within which at least half of the pairs meet, if that was followed so far.
    pub fn half_life(&self) -> Option<usize> {
        half_life(&self.survival)
    }

    /// Solved on the chain of pairs.
    pub(super) fn exact(
        pairs: &PairChain,
        start: &Law,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let met = pairs.met()?;
        let law = pairs.chain.hitting_time_law(Start::Law(start), &met, steps)?;
        let within = |left: &mut f64, p: &f64| {
            *left -= p;
            Some(left.clamp(0.0, 1.0))
        };
        let survival = law.of_set(0).iter().scan(1.0, within).collect();
        let times = PassageSolver::new().times_watched(&pairs.chain, &met, observer)?;
        if times.report().stop == Stop::Cancelled {
            return Err(Error::Cancelled { stage: "the mean time until two continuations meet" });
        }
        let mean = MeanTime::Bounds(times.value().mean().mean(start));
        Ok(Self { survival, mean, sampled: None })
    }

    /// From the times of sampled pairs, those beyond the steps followed unknown.
    fn from_sample(times: &[Option<usize>], steps: usize) -> Self {
        let n = times.len() as f64;
        let mut met_at = vec![0usize; steps + 1];
        times.iter().flatten().for_each(|&time| met_at[time] += 1);
        let left = |left: &mut usize, met: &usize| {
            *left -= met;
            Some(*left as f64 / n)
        };
        let survival = met_at.iter().scan(times.len(), left).collect();
        let followed = |time: &Option<usize>| time.unwrap_or(steps) as f64;
        let mean = times.iter().map(followed).sum::<f64>() / n;
        let square = times.iter().map(|time| (followed(time) - mean).powi(2)).sum::<f64>();
        let mean = match times.iter().all(Option::is_some) {
            true => MeanTime::Sampled { mean, standard_error: (square / (n * (n - 1.0))).sqrt() },
            false => MeanTime::AtLeast(mean),
        };
        Self { survival, mean, sampled: Some(times.len()) }
    }
}

/// Two continuations of one prompt, drawn independently until they part and coupled from there on.
#[derive(Debug, Clone, PartialEq)]
pub struct Continuations {
    /// `together[n]`: the probability that two independent continuations are the same for `n` steps.
    pub together: Vec<f64>,
    /// When they are in the same state again, counted from the step at which they parted,
    /// given that they part within the steps followed.
    pub meeting: MeetingTime,
}

impl Continuations {
    /// The mean number of steps for which two independent continuations are the same,
    /// not counted beyond the steps followed.
    pub fn mean_time_together(&self) -> f64 {
        self.together.iter().skip(1).sum()
    }

    /// Exactly; `None` if the continuations never part.
    pub(super) fn exact<O: TransitionOperator>(
        chain: &MarkovChain<O>,
        pairs: &PairChain,
        prompt: usize,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let (together, visits) = together(chain, prompt, steps, observer)?;
        let visited = (0..chain.len()).filter(|&state| visits[state] > 0.0);
        let apart = visited.flat_map(|state| {
            let row: Vec<Transition> = successors(chain.operator(), state).collect();
            let after = |(place, one): (usize, &Transition)| {
                let weight = visits[state] * one.probability;
                let others = row[place + 1..].iter();
                others.map(|other| (one.state, other.state, weight * other.probability)).collect::<Vec<_>>()
            };
            row.iter().enumerate().flat_map(after).collect::<Vec<_>>()
        });
        let start = match pairs.law(apart) {
            Err(Error::ZeroMass) => return Ok(None),
            start => start?,
        };
        let meeting = MeetingTime::exact(pairs, &start, steps, observer)?;
        Ok(Some(Self { together, meeting }))
    }
}

/// The probability that two independent continuations are the same for `0..=steps` steps, and
/// how often on average they are together in each state before the last of these.
fn together<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    prompt: usize,
    steps: usize,
    observer: &mut dyn Observer,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut both = Law::point(chain.len(), prompt).into_vec();
    let (mut together, mut visits) = (vec![1.0], vec![0.0; chain.len()]);
    for step in 0..steps {
        report(observer, "two continuations until they part", step as u64, Some(steps as u64))?;
        let mut next = vec![0.0; chain.len()];
        for (state, &weight) in both.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            visits[state] += weight;
            for one in successors(chain.operator(), state) {
                next[one.state] += weight * one.probability.powi(2);
            }
        }
        both = next;
        together.push(both.iter().sum());
    }
    Ok((together, visits))
}

/// Pairs of walks, sampled; pair `i` draws from stream `i` of the seed.
pub(super) struct SampledPairs<'a, O> {
    pub(super) chain: &'a MarkovChain<O>,
    pub(super) steps: usize,
    pub(super) pairs: usize,
    pub(super) seed: u64,
}

/// Pairs that are followed between two reports.
const BATCH: usize = 256;

impl<O: TransitionOperator> SampledPairs<'_, O> {
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

    /// Two continuations of the prompt; `None` if no pair of them parts.
    pub(super) fn continuations(
        &self,
        prompt: usize,
        observer: &mut dyn Observer,
    ) -> Result<Option<Continuations>> {
        let found = self.each(observer, "two continuations", |number, room| {
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
        let times: Vec<Option<usize>> = found.iter().flatten().map(|&(_, time)| time).collect();
        if times.len() < 2 {
            return Ok(None);
        }
        Ok(Some(Continuations { together, meeting: MeetingTime::from_sample(&times, self.steps) }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_did_not_meet_leave_the_mean_open() {
        let open = MeetingTime::from_sample(&[Some(0), Some(2), None, Some(2)], 3);
        assert_eq!(open.survival, [0.75, 0.75, 0.25, 0.25]);
        assert_eq!((open.mean, open.half_life()), (MeanTime::AtLeast(7.0 / 4.0), Some(2)));
        let closed = MeetingTime::from_sample(&[Some(1), Some(3)], 3);
        assert_eq!(closed.mean, MeanTime::Sampled { mean: 2.0, standard_error: 1.0 });
    }
}
