//! A chain together with the automaton that reads its tokens.

use rayon::prelude::*;

use super::Patterns;
use super::incoming::Incoming;
use crate::chain::{MarkovChain, StateSet, States};
use crate::error::{Error, Result};
use crate::operator::{Arc, StepSampler, Transition, TransitionOperator, successors};
use crate::prob::{LANES, StreamRng};
use crate::solve::{MEMORY_LIMIT, check_memory};

/// A law over fewer than one in so many states is pushed transition by transition.
const FEW: usize = 8;

/// Outputs that one task writes.
const OUTPUTS: usize = 4096;

/// The chain of pairs (node `m` of the automaton of some [`Patterns`], state `s`
/// of a chain), numbered `m N + s`: the text so far, as far as it matters for
/// both.
///
/// A step of the chain to `s'` takes the automaton on by the newest token of
/// `s'` ([`States::newest_token`]), so the rows are those of the chain, and
/// nothing but a node a state is added to what is known: strings of any length
/// can be waited for in contexts of any other. With it every analysis of a set of states
/// is one of strings: see [`ending`](Self::ending).
///
/// No transition is stored. A product takes one product of the chain for each
/// of the M nodes (pushing forward, each that has any mass), and routes what they give:
///
/// ```text
/// next[m', s'] = sum over m with delta(m, s') = m' of (law_m P)[s']
/// expected_m = P f_m,  f_m[s'] = f[delta(m, s'), s'].
/// ```
///
/// # Which token a step appends
///
/// The newest one of the state that it enters. The states of a bare matrix are
/// tokens themselves. In the chain of a back-off model the end of a text is read
/// as its end token, in chains of windows that start anew as the last token of
/// the start context, and in a chain that [restarts](crate::operator::Restart)
/// as the newest token of the state that it restarts in. An absorbing end token is
/// read again at every step.
#[derive(Debug, Clone)]
pub struct PatternOperator<O> {
    operator: O,
    patterns: Patterns,
    incoming: Incoming,
    /// The column of the newest token of each state of the chain.
    columns: Vec<u32>,
}

impl<O: TransitionOperator> PatternOperator<O> {
    /// The pairs of an operator over some states, and patterns.
    ///
    /// # Errors
    ///
    /// [`Error::VocabularyMismatch`] for patterns over another number of tokens,
    /// [`Error::TooLarge`] if three vectors over the pairs would take more than
    /// 8 GiB, which is long before there are more than can be numbered in 32 bits.
    ///
    /// # Panics
    ///
    /// If the operator and the states do not have the same number of states.
    #[track_caller]
    pub fn new(operator: O, states: &States, patterns: &Patterns) -> Result<Self> {
        assert_eq!(operator.states(), states.len(), "one state of the operator per state described");
        let (model, text) = (states.vocabulary_size(), patterns.vocabulary_size());
        if model != text {
            return Err(Error::VocabularyMismatch { model, text });
        }
        let needed = Self::bytes(&operator, patterns);
        check_memory("the product of a chain and the automaton of patterns", needed, MEMORY_LIMIT)?;
        let incoming = Incoming::new(patterns);
        let columns = (0..states.len()).map(|state| patterns.column(states.newest_token(state))).collect();
        Ok(Self { operator, patterns: patterns.clone(), incoming, columns })
    }

    /// Bytes that a product takes: a law, the next one, and what is pushed but
    /// not yet routed; and the tables.
    fn bytes(operator: &O, patterns: &Patterns) -> u128 {
        let chain = (operator.states() + operator.hubs()) as u128;
        let (nodes, width) = (patterns.nodes() as u128, patterns.width() as u128);
        let vectors = 3 * size_of::<f64>() as u128 * nodes * chain;
        vectors + size_of::<u32>() as u128 * (2 * nodes * width + chain)
    }

    /// The operator of the chain.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The patterns.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The pair with a number: a node of the automaton and a state of the chain.
    ///
    /// # Panics
    ///
    /// If there is no such pair.
    #[track_caller]
    pub fn pair(&self, product_state: usize) -> (usize, usize) {
        let states = self.states();
        assert!(product_state < states, "state {product_state} is outside the chain of {states} states");
        (product_state / self.columns.len(), product_state % self.columns.len())
    }

    /// The number of a pair.
    ///
    /// # Panics
    ///
    /// If there is no such node or state.
    #[track_caller]
    pub fn number(&self, node: usize, state: usize) -> usize {
        assert!(node < self.patterns.nodes(), "node {node} is outside the automaton");
        assert!(state < self.columns.len(), "state {state} is outside the chain");
        node * self.columns.len() + state
    }

    /// The pairs in which a pattern has just ended.
    ///
    /// # Panics
    ///
    /// If there is no such pattern.
    #[track_caller]
    pub fn ending(&self, pattern: usize) -> StateSet {
        assert!(pattern < self.patterns.len(), "there are {} patterns", self.patterns.len());
        self.pairs_at(|node| self.patterns.ending_at(node).any(|ending| ending == pattern))
    }

    /// The pairs in which a pattern has just come first: in which it is the
    /// shortest of those that end. Disjoint for different patterns.
    ///
    /// # Panics
    ///
    /// If there is no such pattern.
    #[track_caller]
    pub fn won_by(&self, pattern: usize) -> StateSet {
        assert!(pattern < self.patterns.len(), "there are {} patterns", self.patterns.len());
        self.pairs_at(|node| self.patterns.winner_at(node) == Some(pattern))
    }

    /// The pairs in which any pattern has just ended.
    pub fn ending_any(&self) -> StateSet {
        self.pairs_at(|node| self.patterns.winner_at(node).is_some())
    }

    fn pairs_at(&self, wanted: impl Fn(usize) -> bool) -> StateSet {
        let wanted: Vec<bool> = (0..self.patterns.nodes()).map(wanted).collect();
        StateSet::by_state(self.states(), |pair| wanted[self.pair(pair).0])
    }

    /// The pair that a node and a step into a state lead to.
    fn entered(&self, node: usize, state: usize) -> usize {
        self.patterns.next_by_column(node, self.columns[state]) * self.columns.len() + state
    }

    /// Pushes a law with few states forward, transition by transition.
    fn push_few(&self, law: &[f64], pushed: &mut [f64]) {
        for (state, &p) in law.iter().enumerate().filter(|(_, p)| **p != 0.0) {
            successors(&self.operator, state).for_each(|next| pushed[next.state] += p * next.probability);
        }
    }

    /// The nodes from which a step into a pair may come.
    fn sources(&self, pair: usize) -> &[u32] {
        let (node, state) = self.pair(pair);
        self.incoming.sources(node, self.columns[state])
    }

    #[track_caller]
    fn check_lengths(&self, input: &[f64], output: &[f64]) {
        assert_eq!(input.len(), self.states(), "one entry per pair of a node and a state");
        assert_eq!(output.len(), self.states(), "one entry per pair of a node and a state");
    }
}

impl<O: TransitionOperator> TransitionOperator for PatternOperator<O> {
    fn states(&self) -> usize {
        self.patterns.nodes() * self.columns.len()
    }

    fn stored_entries(&self) -> usize {
        self.patterns.nodes().saturating_mul(self.operator.stored_entries())
    }

    fn longest_sum(&self) -> usize {
        self.operator.longest_sum() + self.incoming.most_sources()
    }

    fn push_forward(&self, law: &[f64], next: &mut [f64]) {
        self.check_lengths(law, next);
        let n = self.columns.len();
        let mut pushed = vec![0.0; law.len()];
        let few = (OUTPUTS / n).max(1);
        pushed.par_chunks_mut(n).zip(law.par_chunks(n)).with_min_len(few).for_each(|(pushed, law)| {
            // Nodes that no text has reached yet, or that were emptied, cost nothing;
            // one far from the root goes with the few states that end as it does.
            let support = law.iter().filter(|&&p| p != 0.0).count();
            if support > 0 && self.operator.hubs() == 0 && FEW * support < n {
                self.push_few(law, pushed);
            } else if support > 0 {
                self.operator.push_forward(law, pushed);
            }
        });
        next.par_chunks_mut(OUTPUTS).enumerate().for_each(|(chunk, next)| {
            for (pair, out) in (chunk * OUTPUTS..).zip(next) {
                let state = pair % n;
                let term = |&node: &u32| pushed[node as usize * n + state];
                *out = self.sources(pair).iter().fold(0.0, |sum, node| sum + term(node));
            }
        });
    }

    fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
        self.check_lengths(observable, expected);
        let n = self.columns.len();
        let few = (OUTPUTS / n).max(1);
        expected.par_chunks_mut(n).with_min_len(few).enumerate().for_each(|(node, expected)| {
            let routed: Vec<f64> = (0..n).map(|state| observable[self.entered(node, state)]).collect();
            self.operator.pull_back(&routed, expected);
        });
    }

    fn check_products(&self) -> Result<()> {
        self.operator.check_products()
    }

    fn looks_cost_rows(&self) -> bool {
        self.operator.looks_cost_rows()
    }

    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let (node, state) = self.pair(state);
        let inner = self.operator.next_successor(state, cursor)?;
        Some(Transition { state: self.entered(node, inner.state), ..inner })
    }

    /// Cursors count the nodes that a step may come from within the cursors of the chain.
    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
        let sources = self.sources(state);
        let (outer, nth) = (cursor.checked_div(sources.len())?, cursor % sources.len());
        let inner = self.operator.next_predecessor(self.pair(state).1, outer)?;
        let is_last = nth + 1 == sources.len();
        let cursor = if is_last { inner.cursor * sources.len() } else { cursor + 1 };
        Some(Transition { state: self.number(sources[nth] as usize, inner.state), cursor, ..inner })
    }

    fn probability(&self, from: usize, to: usize) -> f64 {
        let ((node, from), (_, state)) = (self.pair(from), self.pair(to));
        if self.entered(node, state) == to { self.operator.probability(from, state) } else { 0.0 }
    }

    fn hubs(&self) -> usize {
        self.patterns.nodes() * self.operator.hubs()
    }

    /// The hubs of the chain, once a node: the automaton moves where the arc out
    /// of a hub enters a state.
    fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
        let (n, hubs) = (self.columns.len(), self.operator.hubs());
        let (at, inner) = match node.checked_sub(self.states()) {
            None => self.pair(node),
            Some(hub) => (hub / hubs, n + hub % hubs),
        };
        let arc = self.operator.next_arc(inner, cursor)?;
        let target = match arc.node.checked_sub(n) {
            None => self.entered(at, arc.node),
            Some(hub) => self.states() + at * hubs + hub,
        };
        Some(Arc { node: target, ..arc })
    }

    fn row_entropies(&self, entropies: &mut [f64]) {
        assert_eq!(entropies.len(), self.states(), "one entry per pair of a node and a state");
        let (first, others) = entropies.split_at_mut(self.columns.len());
        self.operator.row_entropies(first);
        others.chunks_mut(first.len()).for_each(|others| others.copy_from_slice(first));
    }

    fn sampler_bytes(&self) -> u128 {
        self.operator.sampler_bytes()
    }

    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        Box::new(ReadSteps { operator: self, inner: self.operator.sampler() })
    }
}

/// Steps of the chain, read by the automaton.
struct ReadSteps<'a, O> {
    operator: &'a PatternOperator<O>,
    inner: Box<dyn StepSampler + 'a>,
}

impl<O: TransitionOperator> StepSampler for ReadSteps<'_, O> {
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize {
        let (node, state) = self.operator.pair(state);
        self.operator.entered(node, self.inner.step(state, rng))
    }

    fn step_many(&self, pairs: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(pairs.len(), rngs.len(), "one stream a walk");
        let (mut nodes, mut states) = ([0; LANES], [0; LANES]);
        for (pairs, rngs) in pairs.chunks_mut(LANES).zip(rngs.chunks_mut(LANES)) {
            for ((node, state), &pair) in nodes.iter_mut().zip(&mut states).zip(&*pairs) {
                let (at, inner) = self.operator.pair(pair as usize);
                (*node, *state) = (at, inner as u32);
            }
            let states = &mut states[..pairs.len()];
            self.inner.step_many(states, rngs);
            for ((pair, &node), &state) in pairs.iter_mut().zip(&nodes).zip(&*states) {
                *pair = self.operator.entered(node, state as usize) as u32;
            }
        }
    }
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// The chain together with the automaton that looks for patterns in what it
    /// says, as a chain of pairs ([`PatternOperator`]). A pair is called by the tokens of
    /// its state, and its node.
    ///
    /// Starts are laws, from [`pattern_start`](Self::pattern_start): a prompt names no
    /// pair, and is refused.
    ///
    /// # Example
    ///
    /// ```
    /// use lmchain::chain::{MarkovChain, Start};
    /// use lmchain::passage::{Overlap, Patterns};
    ///
    /// let coin = MarkovChain::from_dense(ndarray::array![[0.5, 0.5], [0.5, 0.5]].view())?;
    /// let patterns = Patterns::new(2, [[1, 1, 1]])?;
    /// let watched = coin.with_patterns(&patterns)?;
    /// let start = coin.pattern_start(&patterns, Start::State(1), Overlap::Fresh)?;
    /// // The empty prefix, 1, 11 and 111, each with two states.
    /// assert_eq!(watched.len(), 8);
    /// let bad = watched.operator().ending(0);
    /// let walker = watched.walker()?;
    /// let mut walk = walker.walk(Start::Law(&start), 1)?;
    /// assert!(walk.take(1000).any(|state| bad.contains(state)));
    /// # Ok::<(), lmchain::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`PatternOperator::new`].
    pub fn with_patterns(&self, patterns: &Patterns) -> Result<MarkovChain<PatternOperator<&O>>> {
        let operator = PatternOperator::new(self.operator(), self.states(), patterns)?;
        let states = States::pairs(self.shared_states(), patterns.nodes());
        Ok(MarkovChain::new(operator, states))
    }
}
