//! What a topic is about: its words and its typical contexts.

use super::Memberships;
use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;
use crate::prob::{Law, dot};
use crate::text::Token;

/// A token that is said more in a topic than elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopicToken {
    /// The token.
    pub token: Token,
    /// Its probability in the topic, `p(token | topic)`.
    pub probability: f64,
    /// How many times more probable it is than everywhere: `p(token | topic) / p(token)`.
    pub lift: f64,
    /// Its share of the relative entropy, `p(token | topic) log2 lift`, in bits.
    pub bits: f64,
}

/// A context that a topic is often in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopicContext {
    /// The state.
    pub state: usize,
    /// Its share of the topic.
    pub share: f64,
    /// How much of the state is in the topic.
    pub membership: f64,
}

/// What a topic is about.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicDescription {
    /// How much of the law is in the topic.
    pub mass: f64,
    /// Relative entropy of its tokens to those of the whole law, in bits. Summed
    /// over the topics with their masses: the mutual information of the topic
    /// and the token.
    pub divergence: f64,
    /// The tokens with most bits, most first; none that is rarer than everywhere.
    pub tokens: Vec<TopicToken>,
    /// The contexts with most of its mass, most first.
    pub contexts: Vec<TopicContext>,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// What topics are about, in their order: for each at most `count` tokens
    /// and contexts. The token of a state is its newest; states count by a law,
    /// usually the stationary one, and by their memberships.
    ///
    /// Tokens are ranked by their share of the relative entropy (Kullback and
    /// Leibler 1951) of the tokens of the topic to those of the law, which takes
    /// neither the frequent ones that are everywhere nor the rare ones by accident.
    /// `O(N topics + (V log V + count log count) topics)`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] for memberships or a law over other states,
    /// [`Error::EmptyTopic`] for a topic that the law never visits.
    pub fn describe_topics(
        &self,
        law: &Law,
        memberships: &Memberships,
        count: usize,
    ) -> Result<Vec<TopicDescription>> {
        for found in [law.len(), memberships.states()] {
            if found != self.len() {
                return Err(Error::LengthMismatch { expected: self.len(), found });
            }
        }
        let everywhere = self.token_masses(law);
        (0..memberships.count())
            .map(|topic| {
                let of_state = memberships.observable(topic);
                let mass = dot(law, &of_state);
                if mass <= 0.0 {
                    return Err(Error::EmptyTopic { name: memberships.names()[topic].clone() });
                }
                let share: Vec<f64> = law.iter().zip(&of_state).map(|(p, part)| p * part / mass).collect();
                let tokens = ranked_tokens(&self.token_masses(&share), &everywhere);
                Ok(TopicDescription {
                    mass,
                    divergence: tokens.iter().map(|token| token.bits).sum::<f64>().max(0.0),
                    tokens: tokens.into_iter().filter(|token| token.bits > 0.0).take(count).collect(),
                    contexts: largest(&share, &of_state, count),
                })
            })
            .collect()
    }

    /// The law of the newest token.
    fn token_masses(&self, law: &[f64]) -> Vec<f64> {
        let mut masses = vec![0.0; self.states().vocabulary_size()];
        for (state, p) in law.iter().enumerate() {
            masses[self.states().newest_token(state) as usize] += p;
        }
        masses
    }
}

/// The tokens of a topic, those with most bits first.
fn ranked_tokens(inside: &[f64], everywhere: &[f64]) -> Vec<TopicToken> {
    let said = |&(_, (&probability, &all)): &(usize, (&f64, &f64))| probability > 0.0 && all > 0.0;
    let of = |(token, (&probability, &all)): (usize, (&f64, &f64))| {
        let lift = probability / all;
        TopicToken { token: token as Token, probability, lift, bits: probability * lift.log2() }
    };
    let mut tokens: Vec<TopicToken> =
        inside.iter().zip(everywhere).enumerate().filter(said).map(of).collect();
    tokens.sort_unstable_by(|a, b| b.bits.total_cmp(&a.bits).then(a.token.cmp(&b.token)));
    tokens
}

/// The states with the largest shares, of equals the first: picked first and only then sorted,
/// for there may be many more states.
fn largest(share: &[f64], of_state: &[f64], count: usize) -> Vec<TopicContext> {
    let mut states: Vec<usize> = (0..share.len()).filter(|&state| share[state] > 0.0).collect();
    let order = |a: &usize, b: &usize| share[*b].total_cmp(&share[*a]).then(a.cmp(b));
    if count < states.len() {
        states.select_nth_unstable_by(count, order);
        states.truncate(count);
    }
    states.sort_unstable_by(order);
    let context = |state| TopicContext { state, share: share[state], membership: of_state[state] };
    states.into_iter().map(context).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::chain::States;
    use crate::operator::ShiftOperator;
    use crate::text::ContextSpace;

    #[test]
    fn the_bits_of_all_topics_are_the_mutual_information_of_topic_and_token() {
        let space = ContextSpace::new(2, 2).unwrap();
        let table = vec![0.9, 0.1, 0.5, 0.5, 0.4, 0.6, 0.2, 0.8];
        let chain =
            MarkovChain::new(ShiftOperator::new(space, table).unwrap(), States::contexts(space, None));
        let law = Law::new(vec![0.4, 0.1, 0.2, 0.3]).unwrap();
        let soft = [0.9, 0.1, 0.5, 0.5, 0.25, 0.75, 0.0, 1.0];
        let memberships = Memberships::new(["left", "right"], soft.to_vec()).unwrap();
        let found = chain.describe_topics(&law, &memberships, 4).unwrap();
        // I(topic; token) from the joint law, cell by cell; the token is state mod 2.
        let joint = |topic: usize, token: usize| {
            (0..4).filter(|s| s % 2 == token).map(|s| law[s] * soft[2 * s + topic]).sum::<f64>()
        };
        let information: f64 = (0..2)
            .flat_map(|topic| (0..2).map(move |token| (topic, token)))
            .map(|(topic, token)| {
                let of_topic = joint(topic, 0) + joint(topic, 1);
                let of_token = joint(0, token) + joint(1, token);
                joint(topic, token) * (joint(topic, token) / (of_topic * of_token)).log2()
            })
            .sum();
        let bits: f64 = found.iter().map(|topic| topic.mass * topic.divergence).sum();
        assert!((bits - information).abs() < 1e-15);
        assert_eq!(found[0].contexts[0].state, 0);
        assert_eq!(
            found[1].contexts[0],
            TopicContext { state: 3, share: 0.3 / found[1].mass, membership: 1.0 }
        );
        let [left] = found[0].tokens[..] else { panic!("one token is more frequent on the left") };
        assert_eq!(left.token, 0);
        assert!((left.lift - left.probability / 0.6).abs() < 1e-15);
    }

    #[test]
    fn the_largest_are_those_that_a_sort_puts_first() {
        // Shares with many ties, and some that are zero.
        let share: Vec<f64> = (0..100u32).map(|state| f64::from(state * 37 % 11)).collect();
        let all = largest(&share, &share, share.len());
        assert_eq!(all.len(), share.iter().filter(|p| **p > 0.0).count());
        let before = |a: &TopicContext, b: &TopicContext| {
            a.share > b.share || (a.share == b.share && a.state < b.state)
        };
        assert!(all.windows(2).all(|two| before(&two[0], &two[1])));
        for count in 0..=all.len() + 1 {
            assert_eq!(largest(&share, &share, count), all[..count.min(all.len())]);
        }
    }

    #[test]
    fn topics_that_do_not_fit_are_refused() {
        let chain = MarkovChain::from_dense(array![[0.0, 1.0], [1.0, 0.0]].view()).unwrap();
        let law = Law::uniform(2);
        let wholly = |by_state: Vec<f64>| Memberships::new(["a", "b"], by_state).unwrap();
        let refused = chain.describe_topics(&law, &wholly(vec![1.0, 0.0, 1.0, 0.0]), 1);
        assert!(matches!(refused, Err(Error::EmptyTopic { name }) if name == "b"));
        let refused = chain.describe_topics(&law, &wholly(vec![1.0, 0.0]), 1);
        assert!(matches!(refused, Err(Error::LengthMismatch { expected: 2, found: 1 })));
    }
}
