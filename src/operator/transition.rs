//! The one trait that every analysis is written against.

use super::block::{by_column, check_blocks};
use super::tabulated::{tabulate, tabulated_bytes};
use crate::error::Result;
use crate::parallel::{ROWS_A_PART, fill_by};
use crate::prob::{StreamRng, sums_by};

/// A transition of positive probability, met while walking a row or column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// The state at the other end.
    pub state: usize,
    /// Its probability.
    pub probability: f64,
    /// Where to go on looking for the next transition.
    pub cursor: usize,
}

/// An arc of the chain's graph, see [`TransitionOperator::next_arc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arc {
    /// The node at the other end.
    pub node: usize,
    /// Steps of the chain that the arc stands for: 1, or 0 out of a hub.
    pub steps: u32,
    /// Where to go on looking for the next arc.
    pub cursor: usize,
}

/// One likely transition out of a state, see [`TransitionOperator::likely_steps`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LikelyStep {
    /// The state that it leads to.
    pub to: u32,
    /// Its probability; zero if no step stands out.
    pub probability: f64,
    /// The probability of all other steps, added up without subtraction where
    /// the operator can.
    pub rest: f64,
}

/// What one step did to a law, see [`TransitionOperator::push_measuring`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pushed {
    /// The sum of the law after the step.
    pub sum: f64,
    /// `||next - law||_1`: how much of the law the step moved, counted twice.
    pub change: f64,
}

/// A transition matrix `P` over states `0..N`, known by what it does.
///
/// Everything else in the crate is built on the two products: a law is pushed
/// forward, an observable is pulled back. They are parallel, and give the same
/// bits on any number of threads.
///
/// # Contract
///
/// Rows are probability vectors up to rounding. [`next_successor`] and
/// [`next_predecessor`] meet every transition of positive probability exactly
/// once, in an order that never changes.
///
/// [`next_successor`]: Self::next_successor
/// [`next_predecessor`]: Self::next_predecessor
pub trait TransitionOperator: Send + Sync {
    /// Number of states N.
    fn states(&self) -> usize;

    /// Entries stored: what a product reads.
    fn stored_entries(&self) -> usize;

    /// The most terms that any one output of a product adds up; the relative
    /// rounding error of a product is at most about this many `eps`.
    fn longest_sum(&self) -> usize;

    /// The most terms that any output of [`pull_back`](Self::pull_back) adds up.
    fn longest_row(&self) -> usize {
        self.longest_sum()
    }

    /// Pushes a law one step forward: `next = law · P`.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries.
    fn push_forward(&self, law: &[f64], next: &mut [f64]);

    /// Pushes a law one step forward, as [`push_forward`](Self::push_forward) with
    /// the same bits, and measures on the way what the step did to it: an
    /// iteration so needs no pass of its own over the two laws.
    ///
    /// The sums are those of fixed parts, added up in a fixed order that is the
    /// operator's own.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries.
    fn push_measuring(&self, law: &[f64], next: &mut [f64]) -> Pushed {
        self.push_forward(law, next);
        let [sum, change] = sums_by(next.len(), |state| [next[state], (next[state] - law[state]).abs()]);
        Pushed { sum, change }
    }

    /// One sweep of block Gauss–Seidel: `next` is `law · P` group by group, each by what `next`
    /// has for the groups before it, and `law` for the others. The measures are those of
    /// [`push_measuring`](Self::push_measuring).
    ///
    /// The fixed points are those of [`push_forward`](Self::push_forward), and the change
    /// bounds the residual of `next`: with `P = L + U`, `L` what leads
    /// to later groups, `next (I - L) = law U`, so that
    /// `next - next P = (law - next) U`. Sums are not kept, and on a periodic chain or
    /// an unlucky order of its states sweeps may go round (Stewart, *Introduction to the
    /// Numerical Solution of Markov Chains*, 1994, sections 3.2 and 3.4).
    ///
    /// `None`, with `next` as it was, from an operator that has no order of its outputs, or so
    /// few that they are one group: the answer of an operator is always the same.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries.
    fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
        let _ = (law, next);
        None
    }

    /// Pulls an observable one step back: `expected = P · observable`, the
    /// expectation of the observable one step later.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries.
    fn pull_back(&self, observable: &[f64], expected: &mut [f64]);

    /// Pushes several laws one step forward together: `columns` laws, interleaved,
    /// entry `state * columns + column`.
    ///
    /// An operator that can reads what it stores once for all of them. Each column is
    /// as right as by [`push_forward`](Self::push_forward), though its terms may be added up in
    /// another order: in one that depends neither on the other columns nor on
    /// their number.
    ///
    /// Pushes one law after the other, with two vectors of memory, unless the
    /// operator knows better.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries a column.
    fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
        check_blocks(self, laws, next, columns);
        by_column((laws, next), columns, &|law, next| self.push_forward(law, next));
    }

    /// Pulls several observables one step back together, interleaved as the laws of
    /// [`push_block`](Self::push_block) are; what is said there holds here too.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries a column.
    fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
        check_blocks(self, observables, expected, columns);
        by_column((observables, expected), columns, &|observable, expected| {
            self.pull_back(observable, expected);
        });
    }

    /// Whether all products and transitions so far could be computed.
    ///
    /// An operator that does not hold its transitions in memory may fail to get
    /// at them. Products cannot fail: from then on they give NaN, and all that was
    /// made of them is void.
    ///
    /// # Errors
    ///
    /// [`Error::Product`](crate::Error::Product) with the first reason.
    fn check_products(&self) -> Result<()> {
        Ok(())
    }

    /// The first transition out of `state` at or after `cursor`; start at 0.
    fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition>;

    /// The first transition into `state` at or after `cursor`; start at 0.
    /// The state met is the one left, the probability that of going from it to `state`.
    fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition>;

    /// The probability of going from one state to another in one step.
    fn probability(&self, from: usize, to: usize) -> f64;

    /// Whether one look at the entries shows that every state leads to every
    /// other, with no period: spares the search for classes. `false` says nothing.
    fn is_evidently_regular(&self) -> bool {
        false
    }

    /// Nodes of the chain's graph that are not states, numbered from N on.
    ///
    /// An operator with dense rank-one parts keeps its graph small by leading
    /// every state to a hub (one step) and the hub on to its targets (no step).
    fn hubs(&self) -> usize {
        0
    }

    /// The first arc out of a node (a state or a hub) at or after `cursor`.
    ///
    /// The graph connects the same states in the same numbers of steps as the
    /// transitions do, so classes and periods can be read off it.
    fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
        self.next_successor(node, cursor).map(|transition| Arc {
            node: transition.state,
            steps: 1,
            cursor: transition.cursor,
        })
    }

    /// The largest term of every output of a product, instead of their sum:
    /// `next[j] = max over i of weights[i] P(i, j)`, for weights that are not negative.
    ///
    /// Looks at every transition, in parallel, unless the operator knows better.
    ///
    /// # Panics
    ///
    /// If a slice does not have N entries.
    fn push_largest(&self, weights: &[f64], next: &mut [f64]) {
        assert_eq!(weights.len(), self.states(), "one entry per state");
        assert_eq!(next.len(), self.states(), "one entry per state");
        let term = |from: Transition| weights[from.state] * from.probability;
        fill_by(next, ROWS_A_PART, |state| predecessors(self, state).map(term).fold(0.0, f64::max));
    }

    /// Writes one likely step out of every state: the most probable one, the
    /// first in the operator's order among equals. An operator that cannot look
    /// at all steps cheaply may write another one, or none.
    ///
    /// Looks at every transition, in parallel, unless the operator knows better.
    ///
    /// # Panics
    ///
    /// If the slice does not have N entries.
    fn likely_steps(&self, steps: &mut [LikelyStep]) {
        assert_eq!(steps.len(), self.states(), "one entry per state");
        let likeliest_from = |state| likeliest(successors(self, state).map(|to| (to.state, to.probability)));
        fill_by(steps, ROWS_A_PART, likeliest_from);
    }

    /// Whether it is evident that every step appends a token to a context and
    /// drops the oldest: spares looking at the transitions. `false` says nothing.
    fn is_evidently_shift(&self) -> bool {
        false
    }

    /// Whether a look at one transition costs a whole row, read from elsewhere or computed
    /// anew, unless the look before it was at the same row: then rows are looked at in order,
    /// by one thread, and columns not at all where there is another way.
    fn looks_cost_rows(&self) -> bool {
        false
    }

    /// Writes the entropy of each row, `sum over j of - P(i, j) log2 P(i, j)`, in bits.
    ///
    /// Looks at every transition, unless the operator knows better.
    ///
    /// # Panics
    ///
    /// If the slice does not have N entries.
    fn row_entropies(&self, entropies: &mut [f64]) {
        assert_eq!(entropies.len(), self.states(), "one entry per state");
        fill_by(entropies, ROWS_A_PART, |state| {
            successors(self, state).map(|to| -to.probability * to.probability.log2()).sum()
        });
    }

    /// Entropies `H(0), H(1), ...` of blocks of tokens under a stationary law, in
    /// bits, up to `longest` tokens or the longest context, for an operator that
    /// knows which token every step appends. `None` from all others.
    ///
    /// # Panics
    ///
    /// If the law does not have N entries.
    fn block_entropies(&self, law: &[f64], longest: usize) -> Option<Vec<f64>> {
        let _ = (law, longest);
        None
    }

    /// For every token the least probability that it has after any state, for an
    /// operator that knows which token every step appends although its states are no windows.
    /// `None` from all others.
    fn token_floors(&self) -> Option<Vec<f64>> {
        None
    }

    /// Bytes that [`single_precision`](Self::single_precision) would allocate;
    /// `None` if there is no such copy.
    fn single_precision_bytes(&self) -> Option<u128> {
        None
    }

    /// A copy whose products read half the bytes: the same transitions, their
    /// probabilities rounded to `f32` and divided by their sum. `None` from an
    /// operator that stores no table to round, or one that is rounded already.
    fn single_precision(&self) -> Option<Box<dyn TransitionOperator + '_>> {
        None
    }

    /// Bytes that [`sampler`](Self::sampler) would allocate.
    fn sampler_bytes(&self) -> u128 {
        tabulated_bytes(self.states(), self.stored_entries(), self.longest_row())
    }

    /// Tables to draw steps from in constant time, written in parallel.
    ///
    /// Unless the operator knows better, 8 bytes a transition and 8 a state; 12 a
    /// transition where the number of a state and that of a transition out of it
    /// take more than 32 bits together.
    fn sampler(&self) -> Box<dyn StepSampler + '_> {
        tabulate(self)
    }
}

/// Draws steps of a chain.
pub trait StepSampler: Send + Sync {
    /// The state one step after `state`. A transition of probability zero is never drawn.
    fn step(&self, state: usize, rng: &mut StreamRng) -> usize;

    /// One step of each of many walks, every one with the draws of its own
    /// stream: the same states as by [`step`](Self::step), and the streams are
    /// left as that leaves them.
    ///
    /// A step waits for memory; tables that are read for many walks together wait
    /// for all of them at once.
    ///
    /// # Panics
    ///
    /// If there are not as many streams as states.
    fn step_many(&self, states: &mut [u32], rngs: &mut [StreamRng]) {
        assert_eq!(states.len(), rngs.len(), "one stream a walk");
        for (state, rng) in states.iter_mut().zip(rngs) {
            *state = self.step(*state as usize, rng) as u32;
        }
    }

    /// Whether all steps so far could be drawn, as
    /// [`TransitionOperator::check_products`] says of products.
    ///
    /// # Errors
    ///
    /// [`Error::Product`](crate::Error::Product) with the first reason.
    fn check_steps(&self) -> Result<()> {
        Ok(())
    }
}

/// The likeliest of some steps `(state, probability)`, the first among equals.
pub(super) fn likeliest(steps: impl Iterator<Item = (usize, f64)>) -> LikelyStep {
    steps.fold(LikelyStep::default(), |best, (to, probability)| {
        if probability > best.probability {
            LikelyStep { to: to as u32, probability, rest: best.rest + best.probability }
        } else {
            LikelyStep { rest: best.rest + probability, ..best }
        }
    })
}

/// The transitions out of a state, in order.
pub fn successors<O: TransitionOperator + ?Sized>(
    operator: &O,
    state: usize,
) -> impl Iterator<Item = Transition> + '_ {
    let mut cursor = 0;
    std::iter::from_fn(move || {
        let transition = operator.next_successor(state, cursor)?;
        cursor = transition.cursor;
        Some(transition)
    })
}

/// The transitions into a state, in order.
pub fn predecessors<O: TransitionOperator + ?Sized>(
    operator: &O,
    state: usize,
) -> impl Iterator<Item = Transition> + '_ {
    let mut cursor = 0;
    std::iter::from_fn(move || {
        let transition = operator.next_predecessor(state, cursor)?;
        cursor = transition.cursor;
        Some(transition)
    })
}

macro_rules! delegate_operator {
    ($pointer:ty) => {
        impl<O: TransitionOperator + ?Sized> TransitionOperator for $pointer {
            fn states(&self) -> usize {
                (**self).states()
            }
            fn stored_entries(&self) -> usize {
                (**self).stored_entries()
            }
            fn longest_sum(&self) -> usize {
                (**self).longest_sum()
            }
            fn longest_row(&self) -> usize {
                (**self).longest_row()
            }
            fn push_forward(&self, law: &[f64], next: &mut [f64]) {
                (**self).push_forward(law, next);
            }
            fn push_measuring(&self, law: &[f64], next: &mut [f64]) -> Pushed {
                (**self).push_measuring(law, next)
            }
            fn sweep_forward(&self, law: &[f64], next: &mut [f64]) -> Option<Pushed> {
                (**self).sweep_forward(law, next)
            }
            fn pull_back(&self, observable: &[f64], expected: &mut [f64]) {
                (**self).pull_back(observable, expected);
            }
            fn push_block(&self, laws: &[f64], next: &mut [f64], columns: usize) {
                (**self).push_block(laws, next, columns);
            }
            fn pull_block(&self, observables: &[f64], expected: &mut [f64], columns: usize) {
                (**self).pull_block(observables, expected, columns);
            }
            fn check_products(&self) -> Result<()> {
                (**self).check_products()
            }
            fn push_largest(&self, weights: &[f64], next: &mut [f64]) {
                (**self).push_largest(weights, next);
            }
            fn likely_steps(&self, steps: &mut [LikelyStep]) {
                (**self).likely_steps(steps);
            }
            fn is_evidently_shift(&self) -> bool {
                (**self).is_evidently_shift()
            }
            fn looks_cost_rows(&self) -> bool {
                (**self).looks_cost_rows()
            }
            fn next_successor(&self, state: usize, cursor: usize) -> Option<Transition> {
                (**self).next_successor(state, cursor)
            }
            fn next_predecessor(&self, state: usize, cursor: usize) -> Option<Transition> {
                (**self).next_predecessor(state, cursor)
            }
            fn probability(&self, from: usize, to: usize) -> f64 {
                (**self).probability(from, to)
            }
            fn is_evidently_regular(&self) -> bool {
                (**self).is_evidently_regular()
            }
            fn hubs(&self) -> usize {
                (**self).hubs()
            }
            fn next_arc(&self, node: usize, cursor: usize) -> Option<Arc> {
                (**self).next_arc(node, cursor)
            }
            fn row_entropies(&self, entropies: &mut [f64]) {
                (**self).row_entropies(entropies);
            }
            fn block_entropies(&self, law: &[f64], longest: usize) -> Option<Vec<f64>> {
                (**self).block_entropies(law, longest)
            }
            fn token_floors(&self) -> Option<Vec<f64>> {
                (**self).token_floors()
            }
            fn single_precision_bytes(&self) -> Option<u128> {
                (**self).single_precision_bytes()
            }
            fn single_precision(&self) -> Option<Box<dyn TransitionOperator + '_>> {
                (**self).single_precision()
            }
            fn sampler_bytes(&self) -> u128 {
                (**self).sampler_bytes()
            }
            fn sampler(&self) -> Box<dyn StepSampler + '_> {
                (**self).sampler()
            }
        }
    };
}

delegate_operator!(&O);
delegate_operator!(Box<O>);
