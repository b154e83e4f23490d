//! The names of tokens.

use rustc_hash::FxHashMap;

use super::Token;
use crate::error::{Error, Result};

/// A vocabulary: the names of the tokens `0..V`.
///
/// Three names are special: `<unk>` stands for every token outside the
/// vocabulary, `<s>` fills the context before a document starts and is never
/// generated, `</s>` ends a document. A vocabulary has them or not.
///
/// # Example
///
/// ```
/// use lmchain::text::Vocab;
///
/// let vocab = Vocab::sorted(["b", "a", "<unk>"].map(String::from).to_vec())?;
/// assert_eq!(vocab.names(), ["<unk>", "a", "b"]);
/// assert_eq!(vocab.token("b"), Some(2));
/// assert_eq!(vocab.unknown(), Some(0));
/// assert_eq!(vocab.end(), None);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocab {
    names: Vec<String>,
    tokens: FxHashMap<String, Token>,
}

impl Vocab {
    /// Name of the token that stands for every token outside the vocabulary.
    pub const UNKNOWN: &'static str = "<unk>";
    /// Name of the token that fills the context before a document starts.
    pub const START: &'static str = "<s>";
    /// Name of the token that ends a document.
    pub const END: &'static str = "</s>";

    /// The most names a vocabulary can have: every token fits in a `u32`, and so does their number.
    pub const MAX_LEN: usize = u32::MAX as usize;

    /// A vocabulary whose token `i` is named `names[i]`.
    ///
    /// # Errors
    ///
    /// [`Error::MustBePositive`] if there are no names,
    /// [`Error::VocabularyTooLarge`] if there are more than [`Vocab::MAX_LEN`],
    /// [`Error::DuplicateName`] if two are equal.
    pub fn new(names: Vec<String>) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::MustBePositive { what: "vocabulary size" });
        }
        if names.len() > Self::MAX_LEN {
            return Err(Error::VocabularyTooLarge { size: names.len(), allowed: Self::MAX_LEN });
        }
        let mut tokens = FxHashMap::with_capacity_and_hasher(names.len(), Default::default());
        for (second, name) in names.iter().enumerate() {
            if let Some(first) = tokens.insert(name.clone(), second as Token) {
                return Err(Error::DuplicateName { name: name.clone(), first: first as usize, second });
            }
        }
        Ok(Self { names, tokens })
    }

    /// A vocabulary numbered without regard to the order of the names given:
    /// `<unk>`, `<s>`, `</s>` first, as far as they are there, then the other
    /// names by Unicode code points.
    ///
    /// # Errors
    ///
    /// As [`Vocab::new`]; the positions in [`Error::DuplicateName`] are those
    /// after sorting.
    pub fn sorted(mut names: Vec<String>) -> Result<Self> {
        let special = [Self::UNKNOWN, Self::START, Self::END];
        let rank = |name: &str| special.iter().position(|s| *s == name).unwrap_or(special.len());
        // UTF-8 sorts by bytes as Unicode does by code points.
        names.sort_unstable_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
        Self::new(names)
    }

    /// Vocabulary size V.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a token.
    ///
    /// # Panics
    ///
    /// If the token is outside the vocabulary.
    #[track_caller]
    pub fn name(&self, token: Token) -> &str {
        &self.names[token as usize]
    }

    /// All names, in the order of the tokens.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The token with this name.
    pub fn token(&self, name: &str) -> Option<Token> {
        self.tokens.get(name).copied()
    }

    /// The token `<unk>`.
    pub fn unknown(&self) -> Option<Token> {
        self.token(Self::UNKNOWN)
    }

    /// The token `<s>`, which no model may generate.
    pub fn start(&self) -> Option<Token> {
        self.token(Self::START)
    }

    /// The token `</s>`.
    pub fn end(&self) -> Option<Token> {
        self.token(Self::END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_order_given_is_kept_unless_sorted_is_asked_for() {
        let given = ["b", "</s>", "é", "a", "<s>", "Z", "<unk>"];
        assert_eq!(Vocab::new(names(&given)).unwrap().names(), given);
        let sorted = Vocab::sorted(names(&given)).unwrap();
        assert_eq!(sorted.names(), ["<unk>", "<s>", "</s>", "Z", "a", "b", "é"]);
        assert_eq!((sorted.unknown(), sorted.start(), sorted.end()), (Some(0), Some(1), Some(2)));
    }

    #[test]
    fn names_that_are_missing_or_equal_are_refused() {
        assert!(matches!(Vocab::new(vec![]), Err(Error::MustBePositive { what: "vocabulary size" })));
        let Err(Error::DuplicateName { name, first: 0, second: 2 }) = Vocab::new(names(&["a", "b", "a"]))
        else {
            panic!("a duplicate must be refused");
        };
        assert_eq!(name, "a");
    }
}
