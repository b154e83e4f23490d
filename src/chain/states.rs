//! What the states of a chain are, and what they are called.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::ngram::ContextTree;
use crate::operator::BackoffOperator;
use crate::text::{ContextSpace, Token, Vocab, prompt_key, write_sequence};

/// The states of a chain: numbers, names, or contexts of tokens.
///
/// Every state can be read as a context. The states of a chain that was given
/// as a bare matrix are contexts of one token, each its own: `V = N`, `K = 1`.
/// Those of a back-off model's chain are contexts of up to K tokens.
#[derive(Debug, Clone)]
pub struct States {
    kind: Kind,
    vocab: Option<Vocab>,
    /// What stands between the names of tokens in a label.
    separator: &'static str,
}

#[derive(Debug, Clone)]
enum Kind {
    /// States `0..n`, each its own token.
    Plain { states: usize },
    /// Every context of a space.
    All(ContextSpace),
    /// Some contexts, as ascending base-V numbers.
    Some { keys: Vec<u128>, vocabulary_size: usize, context_length: usize },
    /// Contexts of different lengths: the longest suffix counts.
    Suffixes {
        tree: Arc<ContextTree>,
        /// The end-of-text token and the state that it leads to, if the text
        /// then starts anew.
        restart: Option<(Token, usize)>,
    },
    /// A state of another chain and something beside it: number `beside · N + state`.
    Pairs { states: Arc<States>, beside: usize },
}

impl States {
    /// The states `0..n` of a bare matrix.
    pub fn numbered(n: usize) -> Self {
        Self::new(Kind::Plain { states: n }, None)
    }

    /// States with names of their own.
    pub fn named(names: Vocab) -> Self {
        Self::new(Kind::Plain { states: names.len() }, Some(names))
    }

    /// Every context of a space.
    ///
    /// # Panics
    ///
    /// If the vocabulary is not of the size that the space is over.
    #[track_caller]
    pub fn contexts(space: ContextSpace, vocab: Option<Vocab>) -> Self {
        let size = vocab.as_ref().map_or(space.vocabulary_size(), Vocab::len);
        assert_eq!(size, space.vocabulary_size(), "a name for every token of the space");
        Self::new(Kind::All(space), vocab)
    }

    /// Some contexts, given as base-V numbers; sorted here, duplicates dropped.
    pub(super) fn some_contexts(
        mut keys: Vec<u128>,
        vocabulary_size: usize,
        context_length: usize,
        vocab: Option<Vocab>,
    ) -> Self {
        keys.sort_unstable();
        keys.dedup();
        keys.shrink_to_fit();
        Self::new(Kind::Some { keys, vocabulary_size, context_length }, vocab)
    }

    /// The contexts that a back-off model tells apart; the vocabulary is of the
    /// size of the model's.
    pub(crate) fn suffixes(operator: &BackoffOperator, vocab: Option<Vocab>) -> Self {
        let tree = Arc::clone(operator.contexts());
        let size = vocab.as_ref().map_or(tree.vocabulary_size(), Vocab::len);
        debug_assert_eq!(size, tree.vocabulary_size(), "a name for every token of the model");
        let restart = operator.end().zip(operator.start());
        Self::new(Kind::Suffixes { tree, restart }, vocab)
    }

    /// Pairs of one of so many things and a state, numbered `thing · N + state`.
    pub(crate) fn pairs(states: Arc<States>, beside: usize) -> Self {
        let (vocab, separator) = (states.vocab.clone(), states.separator);
        Self { kind: Kind::Pairs { states, beside }, vocab, separator }
    }

    fn new(kind: Kind, vocab: Option<Vocab>) -> Self {
        // The marks of unknown and end tokens are longer, but cannot be mistaken.
        let plain = |name: &&String| ![Vocab::UNKNOWN, Vocab::START, Vocab::END].contains(&name.as_str());
        let one_character = |name: &String| name.chars().count() == 1;
        let separator = match &vocab {
            Some(vocab) if vocab.names().iter().filter(plain).all(one_character) => "",
            _ => " ",
        };
        Self { kind, vocab, separator }
    }

    /// Number of states N.
    #[allow(clippy::len_without_is_empty, reason = "a chain has at least one state")]
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::Plain { states } => *states,
            Kind::All(space) => space.len(),
            Kind::Some { keys, .. } => keys.len(),
            Kind::Suffixes { tree, .. } => tree.len(),
            Kind::Pairs { states, beside } => states.len() * beside,
        }
    }

    /// Vocabulary size V of the tokens that states are made of.
    pub fn vocabulary_size(&self) -> usize {
        match &self.kind {
            Kind::Plain { states } => *states,
            Kind::All(space) => space.vocabulary_size(),
            Kind::Some { vocabulary_size, .. } => *vocabulary_size,
            Kind::Suffixes { tree, .. } => tree.vocabulary_size(),
            Kind::Pairs { states, .. } => states.vocabulary_size(),
        }
    }

    /// Context length K: tokens a state has; for the states of a back-off
    /// model's chain, at most.
    pub fn context_length(&self) -> usize {
        match &self.kind {
            Kind::Plain { .. } => 1,
            Kind::All(space) => space.context_length(),
            Kind::Some { context_length, .. } => *context_length,
            Kind::Suffixes { tree, .. } => tree.longest(),
            Kind::Pairs { states, .. } => states.context_length(),
        }
    }

    /// The names of the tokens, if known.
    pub fn vocab(&self) -> Option<&Vocab> {
        self.vocab.as_ref()
    }

    /// The numbering of all contexts, if the states are all of them.
    pub fn space(&self) -> Option<&ContextSpace> {
        match &self.kind {
            Kind::All(space) => Some(space),
            _ => None,
        }
    }

    /// The state in which a text starts anew, if an end-of-text token leads there.
    pub(crate) fn restart(&self) -> Option<usize> {
        match self.kind {
            Kind::Suffixes { restart, .. } => restart.map(|(_, start)| start),
            _ => None,
        }
    }

    /// The states whose newest tokens are these.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownState`] if there is none, or some that end with the
    /// tokens do not show it.
    pub(crate) fn ending_with(&self, tokens: &[Token]) -> Result<Vec<usize>> {
        let unknown = || Error::UnknownState { label: self.text(tokens) };
        let found: Vec<usize> = match &self.kind {
            Kind::Suffixes { tree, restart } => {
                let state = longest_suffix(tree, *restart, tokens)?;
                let is_restart = restart.is_some_and(|(end, start)| tokens == [end] && state == start);
                if !is_restart && tree.tokens(state) != tokens {
                    return Err(unknown());
                }
                if is_restart { vec![state] } else { tree.ending_with(state).flatten().collect() }
            }
            Kind::Pairs { states, beside } => {
                let ending = states.ending_with(tokens)?;
                (0..*beside)
                    .flat_map(|thing| ending.iter().map(move |state| thing * states.len() + state))
                    .collect()
            }
            _ if tokens.len() > self.context_length() => return Err(unknown()),
            _ => (0..self.len()).filter(|&state| self.tokens(state).ends_with(tokens)).collect(),
        };
        if found.is_empty() { Err(unknown()) } else { Ok(found) }
    }

    /// The token before the newest `length` ones, if the state shows it. The
    /// tokens that texts start with stand for the end of the text before.
    pub(crate) fn token_before(&self, state: usize, length: usize) -> Option<Token> {
        if let Kind::Pairs { states, .. } = &self.kind {
            return states.token_before(state % states.len(), length);
        }
        let tokens = self.tokens(state);
        let token = tokens[tokens.len().checked_sub(length + 1)?];
        match &self.kind {
            Kind::Suffixes { tree, restart: Some((end, start)) } if tree.tokens(*start).contains(&token) => {
                Some(*end)
            }
            _ => Some(token),
        }
    }

    /// Whether all states are contexts of the same length.
    pub(crate) fn are_windows(&self) -> bool {
        !matches!(self.kind, Kind::Suffixes { .. } | Kind::Pairs { .. })
    }

    /// Whether states of two chains with the same number stand for the same
    /// context; `O(N)`. Of contexts of different lengths only their number is compared.
    pub(crate) fn are_those_of(&self, other: &Self) -> bool {
        let shape = |states: &Self| (states.len(), states.vocabulary_size(), states.context_length());
        let both_windows = self.are_windows() && other.are_windows();
        shape(self) == shape(other)
            && (!both_windows || (0..self.len()).all(|state| self.key(state) == other.key(state)))
    }

    /// A state as a base-V number of its tokens, oldest first, for contexts that
    /// all have the same length.
    pub(crate) fn key(&self, state: usize) -> u128 {
        match &self.kind {
            Kind::Some { keys, .. } => keys[state],
            _ => state as u128,
        }
    }

    /// The state with a base-V number, if the chain has it.
    pub(crate) fn find_key(&self, key: u128) -> Option<usize> {
        match &self.kind {
            Kind::Some { keys, .. } => keys.binary_search(&key).ok(),
            _ => usize::try_from(key).ok().filter(|&state| state < self.len()),
        }
    }

    /// The newest token of a state. Where an end token leads to the start of
    /// the next text ([`SmoothedChain`](super::SmoothedChain)), it is that of the start state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn newest_token(&self, state: usize) -> Token {
        match &self.kind {
            Kind::Plain { states } => {
                assert!(state < *states, "state {state} is outside the chain of {states} states");
                state as Token
            }
            Kind::All(space) => {
                assert!(state < space.len(), "state {state} is outside the chain of {} states", space.len());
                space.newest(state)
            }
            Kind::Some { keys, vocabulary_size, .. } => (keys[state] % *vocabulary_size as u128) as Token,
            Kind::Suffixes { restart: Some((end, start)), .. } if state == *start => *end,
            Kind::Suffixes { tree, .. } => tree.newest(state),
            Kind::Pairs { states, .. } => states.newest_token(state % states.len()),
        }
    }

    /// The oldest token of a state.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn oldest_token(&self, state: usize) -> Token {
        match &self.kind {
            Kind::Suffixes { tree, .. } => return tree.oldest(state),
            Kind::Pairs { states, .. } => return states.oldest_token(state % states.len()),
            _ => {}
        }
        let suffixes = (self.vocabulary_size() as u128).pow(self.context_length() as u32 - 1);
        assert!(state < self.len(), "state {state} is outside the chain of {} states", self.len());
        (self.key(state) / suffixes) as Token
    }

    /// The tokens of a state, oldest first.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn tokens(&self, state: usize) -> Vec<Token> {
        assert!(state < self.len(), "state {state} is outside the chain of {} states", self.len());
        match &self.kind {
            Kind::Suffixes { tree, .. } => return tree.tokens(state),
            Kind::Pairs { states, .. } => return states.tokens(state % states.len()),
            _ => {}
        }
        let mut tokens = vec![0; self.context_length()];
        write_sequence(self.key(state), self.vocabulary_size(), &mut tokens);
        tokens
    }

    /// The state after a prompt: the one made of its last K tokens.
    ///
    /// In the chain of a back-off model it is the longest suffix of the prompt
    /// that is a state, and one token is enough; where the text starts anew after
    /// an end-of-text token, the last one in the prompt does that too.
    ///
    /// # Errors
    ///
    /// [`Error::PromptTooShort`] if the prompt is shorter than that,
    /// [`Error::TokenOutOfRange`], and [`Error::UnknownState`] if the chain does
    /// not have the context; [`Error::PairedStates`] where a state is more than its
    /// tokens.
    pub fn after_prompt(&self, prompt: &[Token]) -> Result<usize> {
        match &self.kind {
            Kind::Suffixes { tree, restart } => return longest_suffix(tree, *restart, prompt),
            Kind::Pairs { .. } => return Err(Error::PairedStates { what: "a prompt" }),
            _ => {}
        }
        let length = self.context_length();
        let key = prompt_key(prompt, length, self.vocabulary_size())?;
        let label = || self.text(&prompt[prompt.len() - length..]);
        self.find_key(key).ok_or_else(|| Error::UnknownState { label: label() })
    }

    /// The state with this label.
    ///
    /// Costs `O(N)` unless the states are names.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownState`].
    pub fn find(&self, label: &str) -> Result<usize> {
        let named = match (&self.kind, &self.vocab) {
            (Kind::Plain { .. }, Some(names)) => names.token(label).map(|token| token as usize),
            _ => (0..self.len()).find(|&state| self.label(state) == label),
        };
        named.ok_or_else(|| Error::UnknownState { label: label.to_owned() })
    }

    /// What a state is called: its tokens' names, joined by spaces unless every
    /// name in the vocabulary is a single character (`<unk>`, `<s>` and `</s>` aside).
    ///
    /// # Panics
    ///
    /// If there is no such state.
    #[track_caller]
    pub fn label(&self, state: usize) -> String {
        let text = self.text(&self.tokens(state));
        match &self.kind {
            Kind::Pairs { states, .. } => format!("{text} ({})", state / states.len()),
            _ => text,
        }
    }

    /// What a token is called: its name, or its number.
    pub fn token_label(&self, token: Token) -> String {
        match &self.vocab {
            Some(vocab) => vocab.name(token).to_owned(),
            None => token.to_string(),
        }
    }

    /// What a string of tokens is called, in the way of [`label`](Self::label).
    pub(crate) fn text(&self, tokens: &[Token]) -> String {
        let names: Vec<String> = tokens.iter().map(|&token| self.token_label(token)).collect();
        names.join(self.separator)
    }

    /// The number of the last `length` tokens of a state, for grouping states by
    /// suffix where all have the same length.
    pub(crate) fn suffix_key(&self, state: usize, length: usize) -> u128 {
        if length >= self.context_length() {
            return self.key(state);
        }
        self.key(state) % (self.vocabulary_size() as u128).pow(length as u32)
    }
}

/// The state of a back-off model's chain after a prompt.
fn longest_suffix(tree: &ContextTree, restart: Option<(Token, usize)>, prompt: &[Token]) -> Result<usize> {
    let recent = &prompt[prompt.len().saturating_sub(tree.longest())..];
    let vocabulary_size = tree.vocabulary_size();
    if let Some(&token) = recent.iter().find(|&&token| token as usize >= vocabulary_size) {
        return Err(Error::TokenOutOfRange { token, vocabulary_size });
    }
    let ended = restart
        .and_then(|(end, start)| Some((recent.iter().rposition(|&token| token == end)?, tree.tokens(start))));
    let found = match ended {
        Some((last, start)) => tree.longest_suffix(&[&start, &recent[last + 1..]].concat()),
        None => tree.longest_suffix(recent),
    };
    found.ok_or(Error::PromptTooShort { tokens: 0, needed: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_can_be_read_as_contexts() {
        let space = ContextSpace::new(3, 2).unwrap();
        let all = States::contexts(space, None);
        assert_eq!(all.label(5), "1 2");
        assert_eq!(all.find("1 2").unwrap(), 5);
        assert_eq!(all.after_prompt(&[0, 0, 1, 2]).unwrap(), 5);
        assert_eq!(all.suffix_key(5, 1), 2);

        let some = States::some_contexts(vec![5, 2, 5], 3, 2, None);
        assert_eq!((some.len(), some.tokens(1), some.newest_token(1)), (2, vec![1, 2], 2));
        assert!(matches!(some.after_prompt(&[0, 0]), Err(Error::UnknownState { .. })));
        assert!(matches!(some.after_prompt(&[0]), Err(Error::PromptTooShort { tokens: 1, needed: 2 })));
        assert!(matches!(some.after_prompt(&[0, 7]), Err(Error::TokenOutOfRange { token: 7, .. })));

        let plain = States::numbered(4);
        assert_eq!((plain.vocabulary_size(), plain.context_length(), plain.newest_token(3)), (4, 1, 3));
    }
}
