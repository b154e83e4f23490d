//! The end of a text in a chain of contexts.

use crate::error::{Error, Result};
use crate::ngram::{ContextTree, EndContexts};
use crate::text::{EndRule, Token, Vocab};

/// What the end-of-text token does, in terms of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    /// The end token, where it is not one like any other.
    pub(super) end: Option<Token>,
    /// The state in which a text starts anew.
    pub(super) start: Option<usize>,
    /// The state that is never left.
    pub(super) absorbing: Option<usize>,
}

impl Ends {
    /// Which contexts with the end token are states.
    ///
    /// # Errors
    ///
    /// [`Error::MissingToken`] if the rule needs an end token and there is none,
    /// [`Error::TokenOutOfRange`] for that or a start token.
    pub(super) fn contexts(
        vocabulary_size: usize,
        end: Option<Token>,
        rule: &EndRule,
    ) -> Result<EndContexts> {
        let start: &[Token] = if let EndRule::Reset { start } = rule { start } else { &[] };
        if let Some(&token) = start.iter().chain(&end).find(|&&token| token as usize >= vocabulary_size) {
            return Err(Error::TokenOutOfRange { token, vocabulary_size });
        }
        let missing = Error::MissingToken { name: Vocab::END, needed_for: "a rule for the end of a text" };
        match rule {
            EndRule::Token => Ok(EndContexts::All),
            EndRule::Reset { .. } => end.map(EndContexts::Without).ok_or(missing),
            EndRule::Absorbing => end.map(EndContexts::Alone).ok_or(missing),
        }
    }

    /// The rule among the states.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] if no token is left of the start context after
    /// the last end token in it.
    pub(super) fn new(tree: &ContextTree, contexts: EndContexts, rule: &EndRule) -> Result<Self> {
        match (contexts, rule) {
            (EndContexts::Without(end), EndRule::Reset { start }) => {
                let what = "number of start tokens after an end of text";
                let start = tree.longest_suffix(start).ok_or(Error::MustBePositive { what })?;
                Ok(Self { end: Some(end), start: Some(start), absorbing: None })
            }
            (EndContexts::Alone(end), _) => {
                Ok(Self { end: Some(end), start: None, absorbing: tree.single(end) })
            }
            _ => Ok(Self { end: None, start: None, absorbing: None }),
        }
    }

    /// The state that a token leads to where no longer context ends with it.
    pub(super) fn after_single(&self, tree: &ContextTree, token: Token) -> usize {
        match tree.single(token).or(self.start) {
            Some(state) => state,
            None => unreachable!("only the end token is left out, and leads to the start"),
        }
    }
}
