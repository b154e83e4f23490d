//! What takes a law nearer to the stationary one, by about one product a step.
//!
//! - a **plain** step is the product itself ([`plain`]), or a sweep, which takes up every
//!   output as soon as it is there;
//! - **likely paths** are followed to their end without products ([`likely_paths`]);
//! - **shorter contexts** correct what tokens alone can tell ([`shorter_contexts`]);
//! - **metastable sets** correct what they alone can tell ([`metastable_sets`]);
//! - **extrapolation** removes the few slow modes that are left ([`anderson`]);
//! - **accelerated** steps are all of these, as far as they are called for ([`accelerated`]).

mod accelerated;
mod anderson;
mod coarse;
mod context_level;
mod likely_paths;
mod metastable_sets;
mod partition_tree;
mod plain;
mod shorter_contexts;

pub(super) use accelerated::{Accelerated, DEPTH};
pub(super) use anderson::Anderson;
pub(super) use coarse::Aggregation;
pub(super) use likely_paths::{DAMPED, LikelyPaths};
pub(super) use metastable_sets::MetastableSets;
pub(super) use plain::Plain;
pub(super) use shorter_contexts::ShorterContexts;

use std::io;

use super::tape::Tape;
use crate::operator::TransitionOperator;

/// One way to go from a law to the next.
pub(super) trait Step {
    /// Moves `law` on, and reads the operator no more than once for it, beside what is
    /// built once; gives a bound on the residual of the law that is left, divided by its sum,
    /// if one is known without another product. What is left in `next` is of no account. Laws of
    /// several classes move together; each may come out with any sum.
    fn advance(&mut self, law: &mut Vec<f64>, next: &mut Vec<f64>, start: &Start<'_>) -> Option<f64>;

    /// Told when the products from now on are those of another operator, near the one before.
    fn start_afresh(&mut self) {}

    /// Whether sums are kept, up to the rounding of a product.
    fn keeps_sums(&self) -> bool;

    /// Whether the last step left the law where it was, as far as a small
    /// residual does not say so already.
    fn has_settled(&self, tolerance: f64) -> bool {
        let _ = tolerance;
        true
    }

    /// Takes note that the residual is small and proves nothing: `true` if there
    /// is a way to find what it does not show.
    fn look_closer(&mut self) -> bool {
        false
    }

    /// Passes everything that it goes on from, beside the law.
    fn persist(&mut self, law: &[f64], tape: &mut Tape<'_>) -> io::Result<()>;

    /// What it makes use of beside the product.
    fn means(&self) -> Means<'_> {
        Means::default()
    }
}

/// What a step starts from, beside the law.
pub(super) struct Start<'a> {
    /// Whose products they are.
    pub(super) operator: &'a dyn TransitionOperator,
    /// Whether `next` is the product with the law.
    pub(super) is_pushed: bool,
    /// The residual of the law, or a bound on it.
    pub(super) residual: f64,
    /// The residual to reach.
    pub(super) tolerance: f64,
}

/// What accelerates a step, as far as it is called for.
#[derive(Clone, Copy, Default)]
pub(super) struct Means<'a> {
    pub(super) paths: Option<&'a LikelyPaths>,
    pub(super) contexts: Option<&'a ShorterContexts>,
    pub(super) sets: Option<&'a MetastableSets>,
    pub(super) extrapolate: bool,
    /// Whether of a step along likely paths only [`DAMPED`] is taken.
    pub(super) damped: bool,
}

impl<'a> Means<'a> {
    /// What states are taken into.
    pub(super) fn aggregations(self) -> impl Iterator<Item = &'a dyn Aggregation> {
        let contexts = self.contexts.map(|contexts| contexts as &dyn Aggregation);
        contexts.into_iter().chain(self.sets.map(|sets| sets as &dyn Aggregation))
    }

    /// What to try where all of them together fail: first no sets, then likely paths alone,
    /// which arrive on every chain, if slowly, or plain steps where there are none; `None` if
    /// these have failed.
    pub(super) fn fewer(self) -> Option<Self> {
        let alone = Self { paths: self.paths, damped: true, ..Self::default() };
        match (self.sets, self.paths) {
            (Some(_), _) => Some(Self { sets: None, ..self }),
            (None, Some(_)) if !self.damped => Some(alone),
            (None, None) if self.contexts.is_some() => Some(Self::default()),
            _ => None,
        }
    }

    /// Which there are, as bits.
    pub(super) fn kinds(self) -> usize {
        let kinds = [
            self.paths.is_some(),
            self.contexts.is_some(),
            self.sets.is_some(),
            self.extrapolate,
            self.damped,
        ];
        kinds.into_iter().fold(0, |bits, is_there| 2 * bits + usize::from(is_there))
    }

    /// The one whose turn it is; a plain step takes that of likely paths where there are none.
    pub(super) fn in_turn(self, turn: usize) -> Self {
        let count = |is_there: bool| usize::from(is_there);
        let contexts = count(self.contexts.is_some());
        let sets = contexts + count(self.sets.is_some());
        let turn = turn % (sets + 1);
        Self {
            contexts: self.contexts.filter(|_| turn < contexts),
            sets: self.sets.filter(|_| (contexts..sets).contains(&turn)),
            paths: self.paths.filter(|_| turn >= sets),
            ..self
        }
    }
}
