//! The chain: states and an operator over them.

use std::sync::{Arc, OnceLock};

use super::{Classes, States};
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::solve::{Observer, Silent};

/// A Markov chain: states, and the operator that moves laws over them.
///
/// Built by the constructors of this floor ([`enumerated`], [`observed`],
/// [`reachable`], [`smoothed`], [`from_dense`], [`from_matrix_market`]...), questioned by the
/// methods that the floors above add: `stationary`, `reversed`,
/// `distance_curve`, `entropy_rate`, `topic_curve` and so on.
///
/// Classes and periods are found once, at the first question that needs them.
///
/// [`enumerated`]: Self::enumerated
/// [`observed`]: Self::observed
/// [`reachable`]: Self::reachable
/// [`smoothed`]: Self::smoothed
/// [`from_dense`]: Self::from_dense
/// [`from_matrix_market`]: Self::from_matrix_market
#[derive(Debug)]
pub struct MarkovChain<O> {
    operator: O,
    states: Arc<States>,
    classes: OnceLock<Classes>,
}

impl<O: TransitionOperator> MarkovChain<O> {
    /// A chain from an operator and a description of its states.
    ///
    /// # Panics
    ///
    /// If the two do not have the same number of states, or there are 2^32 - 1
    /// or more; the operators of this crate have fewer.
    #[track_caller]
    pub fn new(operator: O, states: impl Into<Arc<States>>) -> Self {
        let states = states.into();
        assert_eq!(operator.states(), states.len(), "one state of the operator per state described");
        let nodes = operator.states() + operator.hubs();
        assert!(nodes < u32::MAX as usize, "states are numbered in 32 bits, and there are {nodes}");
        Self { operator, states, classes: OnceLock::new() }
    }

    /// The operator.
    pub fn operator(&self) -> &O {
        &self.operator
    }

    /// The states.
    pub fn states(&self) -> &States {
        &self.states
    }

    /// The states, to be shared with another chain.
    pub(crate) fn shared_states(&self) -> Arc<States> {
        Arc::clone(&self.states)
    }

    /// Number of states N.
    #[allow(clippy::len_without_is_empty, reason = "a chain has at least one state")]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Communicating classes, recurrence and periods: found once, then kept. Threads that
    /// are the first to ask at the same time each find them.
    pub fn classes(&self) -> &Classes {
        self.classes_watched(&mut Silent).expect("a silent observer asks nobody to stop")
    }

    /// As [`classes`](Self::classes), watched while states are searched, which are what
    /// progress counts; not while periods are found, and not once the classes are known.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`](crate::Error::Cancelled); the next call begins anew.
    pub fn classes_watched(&self, observer: &mut dyn Observer) -> Result<&Classes> {
        if let Some(known) = self.classes.get() {
            return Ok(known);
        }
        let found = Classes::find(&self.operator, observer)?;
        Ok(self.classes.get_or_init(|| found))
    }

    /// The chain behind a boxed operator, so that chains of different operators
    /// have one type.
    pub fn boxed(self) -> MarkovChain<Box<dyn TransitionOperator>>
    where
        O: 'static,
    {
        MarkovChain { operator: Box::new(self.operator), states: self.states, classes: self.classes }
    }

    /// The chain of another operator over the same states.
    ///
    /// # Panics
    ///
    /// If the operator has another number of states.
    #[track_caller]
    pub fn with_operator<P: TransitionOperator>(&self, operator: P) -> MarkovChain<P> {
        MarkovChain::new(operator, Arc::clone(&self.states))
    }
}
