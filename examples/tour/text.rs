//! The text of the tour and its parts.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Token, Tokenizer};

use crate::support::{Watch, visible};

const VOICES: [(&str, &str); 3] = [
    ("kitchen", include_str!("../data/kitchen.txt")),
    ("harbor", include_str!("../data/harbor.txt")),
    ("observatory", include_str!("../data/observatory.txt")),
];

/// A text, circular, in three parts that serve as topics.
pub(crate) struct Text {
    /// What it is, for the first line.
    pub(crate) title: String,
    /// The text as tokens.
    pub(crate) corpus: Corpus,
    /// What a token is called.
    pub(crate) unit: &'static str,
    parts: Vec<(&'static str, Range<usize>)>,
}

impl Text {
    /// The text of a file in thirds, or the three voices.
    pub(crate) fn read(path: Option<&Path>, words: bool, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (tokenizer, unit) =
            if words { (Tokenizer::words(), "word") } else { (Tokenizer::characters(), "character") };
        let settings = CorpusSettings::new(tokenizer).document_end(DocumentEnd::Circular);
        let (title, corpus, parts) = match path {
            Some(path) => {
                let corpus = settings.read_files_watched(&[path], watch);
                let corpus = corpus.map_err(|error| located(path, &error))?;
                let third = |i| i * corpus.tokens().len() / 3;
                let parts = [("beginning", 0), ("middle", 1), ("end", 2)];
                let parts = parts.map(|(name, i)| (name, third(i)..third(i + 1))).to_vec();
                (path.display().to_string(), corpus, parts)
            }
            None => {
                let corpus = settings.read_strings(VOICES.map(|(_, text)| text))?;
                let mut end = 0;
                let mut range = |document: &[Token]| {
                    end += document.len();
                    end - document.len()..end
                };
                let parts = VOICES.iter().zip(corpus.documents());
                let parts = parts.map(|((name, _), document)| (*name, range(document))).collect();
                ("Three voices: a kitchen, a harbor, an observatory".to_owned(), corpus, parts)
            }
        };
        match corpus.tokens().len() {
            1 => Err(format!("{title}: one {unit} is no text; a chain needs at least two").into()),
            _ => Ok(Self { title, corpus, unit, parts }),
        }
    }

    /// The three parts with their names.
    pub(crate) fn parts(&self) -> Vec<(&str, &[Token])> {
        self.parts.iter().map(|(name, range)| (*name, &self.corpus.tokens()[range.clone()])).collect()
    }

    /// Whether tokens are written side by side.
    fn is_dense(&self) -> bool {
        self.corpus.tokenizer() == &Tokenizer::characters()
    }

    /// Tokens as a label of one line, white space visible.
    pub(crate) fn label(&self, tokens: &[Token]) -> String {
        let names: Vec<String> = tokens.iter().map(|&t| visible(self.corpus.vocab().name(t))).collect();
        names.join(if self.is_dense() { "" } else { " " })
    }
}

/// The error with the path, which some errors know and some do not.
fn located(path: &Path, error: &lmchain::Error) -> String {
    let (path, message) = (path.display().to_string(), error.to_string());
    if message.contains(&path) { message } else { format!("{path}: {message}") }
}
