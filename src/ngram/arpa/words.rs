//! The words of an ARPA file.

use super::entry::parse_line;
use super::lines::Lines;
use super::section::Section;
use crate::error::{ArpaFileProblem, Error, Result, excerpt};
use crate::text::{Token, Vocab};

/// The vocabulary, and what belongs to each single word.
pub(super) struct Words {
    pub(super) vocab: Vocab,
    start: Option<Token>,
    /// Whether `<UNK>` is called `<unk>` in the vocabulary.
    renamed: bool,
    /// Probabilities and back-off weights.
    pub(super) values: Vec<(f64, f64)>,
}

/// Another name of [`Vocab::UNKNOWN`].
const UNKNOWN_CAPITAL: &str = "<UNK>";

impl Words {
    /// Reads the 1-grams.
    pub(super) fn read(lines: &mut Lines<'_>, section: Section) -> Result<Self> {
        let (mut names, mut values, mut numbers): (Vec<String>, Vec<(f64, f64)>, Vec<u32>) =
            Default::default();
        section.for_each(lines, |text, line| {
            let mut name = "";
            let (probability, backoff) = parse_line(text, section, |_, word| {
                name = word;
                Ok(())
            })?;
            values.push((if name == Vocab::START { 0.0 } else { probability }, backoff));
            names.push(name.to_owned());
            numbers.push(line);
            Ok(())
        })?;
        if names.is_empty() {
            return Err(lines.here(ArpaFileProblem::NoWords));
        }
        let renamed = rename_unknown(&mut names);
        let vocab = Vocab::new(names).map_err(|error| match error {
            Error::DuplicateName { name, first, second } => {
                duplicate(&name, [numbers[first], numbers[second]])
            }
            other => other,
        })?;
        Ok(Self { start: vocab.start(), vocab, renamed, values })
    }

    /// Replaces an n-gram by the next line's, and returns its probability and
    /// its back-off weight.
    pub(super) fn parse(
        &self,
        text: &str,
        section: Section,
        ngram: &mut [Token],
    ) -> Result<(f64, f64), ArpaFileProblem> {
        let (probability, backoff) = parse_line(text, section, |position, word| {
            // In sorted files most words are those of the line before, which
            // saves looking them up.
            if self.vocab.name(ngram[position]) != word {
                ngram[position] = self.token(word)?;
            }
            Ok(())
        })?;
        let never = self.start.is_some() && self.start.as_ref() == ngram.last();
        Ok((if never { 0.0 } else { probability }, backoff))
    }

    fn token(&self, word: &str) -> Result<Token, ArpaFileProblem> {
        let token = if self.renamed && word == UNKNOWN_CAPITAL {
            self.vocab.unknown()
        } else {
            self.vocab.token(word)
        };
        token.ok_or_else(|| ArpaFileProblem::UnknownWord { word: excerpt(word) })
    }

    /// The words of an n-gram, for messages.
    pub(super) fn join(&self, ngram: &[Token]) -> String {
        let words: Vec<&str> = ngram.iter().map(|&token| self.vocab.name(token)).collect();
        excerpt(&words.join(" "))
    }
}

/// Calls `<UNK>` `<unk>` if nothing else is; says whether it did.
fn rename_unknown(names: &mut [String]) -> bool {
    if names.iter().any(|name| name == Vocab::UNKNOWN) {
        return false;
    }
    let mut renamed = false;
    // If there are several, they are found to be duplicates under either name.
    for name in names.iter_mut().filter(|name| *name == UNKNOWN_CAPITAL) {
        *name = Vocab::UNKNOWN.to_owned();
        renamed = true;
    }
    renamed
}

/// An n-gram given in two lines.
pub(super) fn duplicate(ngram: &str, [earlier, later]: [u32; 2]) -> Error {
    let known = |line: u32| (line > 0).then_some(line as usize);
    let problem = ArpaFileProblem::Duplicate { ngram: excerpt(ngram), earlier: known(earlier) };
    Error::ArpaFile { path: None, line: known(later), problem }
}
