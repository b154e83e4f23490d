//! Where walks start.

use super::lockstep::Begun;
use crate::chain::States;
use crate::error::{Error, Result};
use crate::prob::{AliasTable, Law, stream};
use crate::text::Token;

/// Where walks start.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Start<'a> {
    /// In this state.
    State(usize),
    /// In the state made of the last K tokens of this prompt.
    Prompt(&'a [Token]),
    /// In a state drawn from this law.
    Law(&'a Law),
}

impl Start<'_> {
    /// The law of the first state.
    ///
    /// # Errors
    ///
    /// [`Error::StateOutOfRange`], [`Error::LengthMismatch`] for a law over
    /// other states, and as [`States::after_prompt`] for a prompt.
    pub fn law(&self, states: &States) -> Result<Law> {
        Ok(match self.checked(states)? {
            Checked::Fixed(state) => Law::point(states.len(), state),
            Checked::Drawn(law) => law.clone(),
        })
    }

    fn checked(&self, states: &States) -> Result<Checked<'_>> {
        let n = states.len();
        match *self {
            Self::State(state) if state < n => Ok(Checked::Fixed(state)),
            Self::State(state) => Err(Error::StateOutOfRange { state, states: n }),
            Self::Prompt(prompt) => states.after_prompt(prompt).map(Checked::Fixed),
            Self::Law(law) if law.len() == n => Ok(Checked::Drawn(law)),
            Self::Law(law) => Err(Error::LengthMismatch { expected: n, found: law.len() }),
        }
    }
}

/// A start that there is.
enum Checked<'a> {
    Fixed(usize),
    Drawn(&'a Law),
}

/// A start to draw first states from.
pub(super) enum StartTable {
    Fixed(usize),
    Drawn(AliasTable),
}

impl StartTable {
    pub(super) fn new(start: Start<'_>, states: &States) -> Result<Self> {
        Ok(match start.checked(states)? {
            Checked::Fixed(state) => Self::Fixed(state),
            Checked::Drawn(law) => Self::Drawn(AliasTable::new(law)),
        })
    }

    /// Begins walks of `steps` steps: walk `i` with stream `i` of a seed. A fixed
    /// start takes no draw.
    pub(super) fn begin(&self, seed: u64, steps: usize) -> impl Fn(usize) -> Begun + Sync + '_ {
        move |walk| {
            let mut rng = stream(seed, walk as u64);
            let state = match self {
                Self::Fixed(state) => *state,
                Self::Drawn(table) => table.draw(&mut rng),
            };
            Begun { rng, state, steps: steps as u64 }
        }
    }
}
