//! The text: lines to learn from, and lines held out.

use std::error::Error;

use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

use crate::options::Options;
use crate::support::Watch;

const VOICES: [&str; 3] = [
    include_str!("../data/kitchen.txt"),
    include_str!("../data/harbor.txt"),
    include_str!("../data/observatory.txt"),
];

pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) training: Corpus,
    /// None if nothing was to be held out.
    pub(crate) held_out: Option<Corpus>,
}

impl Text {
    pub(crate) fn read(options: &Options, watch: &mut Watch) -> Result<Self, Box<dyn Error>> {
        let (tokenizer, unit) = match options.characters {
            true => (Tokenizer::characters(), "character"),
            false => (Tokenizer::whitespace(), "word"),
        };
        let tokenizer = tokenizer.lower_case(!options.keep_case);
        let settings = CorpusSettings::new(tokenizer).document_end(DocumentEnd::Reset).unknown_token(true);
        let (title, whole) = match &options.path {
            Some(path) => (path.display().to_string(), settings.read_lines_watched(path, watch)?),
            None => {
                let lines = VOICES.iter().flat_map(|voice| voice.lines());
                ("Three voices: a kitchen, a harbor, an observatory".into(), settings.read_strings(lines)?)
            }
        };
        let mut lines: Vec<String> = whole.documents().map(|line| whole.decode(line)).collect();
        if options.characters {
            // Names of tokens in an ARPA file cannot be white space.
            lines.iter_mut().for_each(|line| *line = line.replace(char::is_whitespace, "_"));
        }
        let learned = lines.len() - lines.len() * usize::from(options.held_out) / 100;
        let training = settings.read_strings(&lines[..learned])?;
        let held_out = match &lines[learned..] {
            [] => None,
            rest => Some(training.held_out_settings().read_strings(rest)?),
        };
        Ok(Self { title, unit, training, held_out })
    }
}
