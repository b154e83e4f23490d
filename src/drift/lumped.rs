//! The topics as a chain of their own, and how wrong that is.

use crate::chain::{MarkovChain, Start, States};
use crate::error::{Error, Result};
use crate::operator::{SparseOperator, TransitionOperator, block_batches, pull_all};
use crate::prob::{Law, dot, total_variation};
use crate::solve::{Observer, Silent, report};
use crate::text::Vocab;
use crate::topics::{TopicLaw, Topics};

/// The chain over topics whose transition matrix is the flow matrix: the
/// topics, were the next topic to depend on the present one alone.
///
/// The true sequence of topics is a Markov chain, whatever the start, if and only
/// if every state of a topic leads to each topic with the same probability
/// (strong lumpability; Kemeny & Snell 1960, section 6.3): then, and only then,
/// [`max_error`](Self::max_error) is zero, up to rounding.
#[derive(Debug)]
pub struct LumpedChain {
    chain: MarkovChain<SparseOperator>,
    shares: Law,
    mean_error: f64,
    max_error: f64,
    worst_state: usize,
}

impl LumpedChain {
    /// The chain, its states named by the topics.
    pub fn chain(&self) -> &MarkovChain<SparseOperator> {
        &self.chain
    }

    /// Its stationary law: the shares of the topics under that of the whole chain.
    pub fn shares(&self) -> &Law {
        &self.shares
    }

    /// The lumpability error under the stationary law: the mean over all states of the
    /// total variation distance from the law of the next topic given the state to that given its
    /// topic alone.
    pub fn mean_error(&self) -> f64 {
        self.mean_error
    }

    /// The largest of these distances, over all states, transient ones included.
    pub fn max_error(&self) -> f64 {
        self.max_error
    }

    /// The first state with the largest distance.
    pub fn worst_state(&self) -> usize {
        self.worst_state
    }
}

/// The law of the topic `n` steps after a topic: as it is, and as the lumped
/// chain has it (the Chapman-Kolmogorov test; Prinz et al. 2011).
#[derive(Debug, Clone, PartialEq)]
pub struct ChapmanKolmogorov {
    /// `exact[a][n]`: the law of the topic `n` steps after the stationary law given topic `a`.
    pub exact: Vec<Vec<TopicLaw>>,
    /// `lumped[a][n]`: the law after `n` steps of the lumped chain from topic `a`.
    pub lumped: Vec<Vec<TopicLaw>>,
}

impl ChapmanKolmogorov {
    /// After `0, 1, ...` steps, the largest total variation distance between the
    /// two laws over the topics to start from. Zero after no step and after one, up to rounding.
    pub fn deviation(&self) -> Vec<f64> {
        let steps = self.exact.first().map_or(0, Vec::len);
        let apart = |step: usize| {
            let pairs = self.exact.iter().zip(&self.lumped);
            pairs.map(|(exact, lumped)| total_variation(&exact[step], &lumped[step])).fold(0.0, f64::max)
        };
        (0..steps).map(apart).collect()
    }

    /// The step with the largest deviation, and that deviation.
    pub fn max_deviation(&self) -> (usize, f64) {
        let larger = |best: (usize, f64), (step, apart)| if apart > best.1 { (step, apart) } else { best };
        self.deviation().into_iter().enumerate().fold((0, 0.0), larger)
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The chain over topics with the flow matrix, and its lumpability error.
    ///
    /// Two products a topic.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyTopic`] for a topic that the stationary law never visits,
    /// [`Error::DuplicateName`] for two topics of the same name.
    ///
    /// # Panics
    ///
    /// If the topics are of another chain; so does the method below.
    #[track_caller]
    pub fn lumped(&self, topics: &Topics, stationary: &Law) -> Result<LumpedChain> {
        let shares = Law::normalized(topics.law(stationary))?;
        let flow = self.complete_flow(topics, stationary)?;
        let mut apart = vec![0.0; self.len()];
        for run in block_batches(self.len(), topics.count()).flatten() {
            let mut ahead: Vec<Vec<f64>> = run.clone().map(|to| topics.states_of(to).indicator()).collect();
            pull_all(self.operator(), &mut ahead);
            for (to, ahead) in run.zip(&ahead) {
                let lumped: Vec<f64> = flow.iter().map(|row| row[to]).collect();
                for (state, apart) in apart.iter_mut().enumerate() {
                    *apart += 0.5 * (ahead[state] - lumped[topics.of_state(state)]).abs();
                }
            }
        }
        let mean_error = dot(stationary, &apart);
        let worst = |best: usize, state: usize| if apart[state] > apart[best] { state } else { best };
        let worst_state = (1..self.len()).fold(0, worst);
        Ok(LumpedChain {
            chain: lumped_chain(topics.names(), &flow)?,
            shares,
            mean_error,
            max_error: apart[worst_state],
            worst_state,
        })
    }

    /// The law of the topic `0..=steps` steps after each topic, exactly and by the
    /// lumped chain.
    ///
    /// `steps` products a topic.
    ///
    /// # Errors
    ///
    /// As [`lumped`](Self::lumped).
    #[track_caller]
    pub fn chapman_kolmogorov(
        &self,
        topics: &Topics,
        stationary: &Law,
        steps: usize,
    ) -> Result<ChapmanKolmogorov> {
        self.chapman_kolmogorov_watched(topics, stationary, steps, &mut Silent)
    }

    /// As [`chapman_kolmogorov`](Self::chapman_kolmogorov), watched.
    ///
    /// # Errors
    ///
    /// As above, and [`Error::Cancelled`].
    #[track_caller]
    pub fn chapman_kolmogorov_watched(
        &self,
        topics: &Topics,
        stationary: &Law,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> Result<ChapmanKolmogorov> {
        let lumped_chain = lumped_chain(topics.names(), &self.complete_flow(topics, stationary)?)?;
        let single = Topics::by_state(lumped_chain.states(), topics.names().to_vec(), |state| state)?;
        let (mut exact, mut lumped) = (Vec::new(), Vec::new());
        for run in block_batches(self.len(), topics.count()).flatten() {
            let total = Some(topics.count() as u64);
            report(observer, "the law of the topic, exactly and lumped", run.start as u64, total)?;
            let law = |topic| self.law_in_topic(topics, topic, stationary);
            let laws = run.clone().map(law).collect::<Result<Vec<Law>>>()?;
            exact.extend(self.topic_curves(topics, laws, steps));
            for topic in run {
                lumped.push(lumped_chain.topic_curve(&single, Start::State(topic), steps)?);
            }
        }
        Ok(ChapmanKolmogorov { exact, lumped })
    }

    /// The flow matrix of topics that all are visited.
    #[track_caller]
    fn complete_flow(&self, topics: &Topics, stationary: &Law) -> Result<Vec<TopicLaw>> {
        let rows = self.topic_flow(topics, stationary).into_iter().zip(topics.names());
        rows.map(|(row, name)| row.ok_or_else(|| Error::EmptyTopic { name: name.clone() })).collect()
    }
}

fn lumped_chain(names: &[String], flow: &[TopicLaw]) -> Result<MarkovChain<SparseOperator>> {
    let entries = flow.iter().zip(0u32..).flat_map(|(row, from)| {
        row.iter().zip(0u32..).filter(|(p, _)| **p > 0.0).map(move |(&p, to)| (from, to, p))
    });
    let operator = SparseOperator::from_weights(names.len(), entries.collect())?;
    Ok(MarkovChain::new(operator, States::named(Vocab::new(names.to_vec())?)))
}
