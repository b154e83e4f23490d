//! The reference models of KenLM and the texts they were made from, which are not in this repository.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use lmchain::model::{NgramModel, NgramSettings, Smoothing};
use lmchain::ngram::{ArpaModel, read_arpa_from};
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer};

/// The discounts that `lmplz` falls back on.
pub(crate) const FALLBACK: [f64; 3] = [0.5, 1.0, 1.5];

/// The folder of the reference models, if it is there.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("LMCHAIN_LM") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/lm"),
    };
    folder.is_dir().then_some(folder)
}

/// Says what is skipped, past the capture of the test's output, which hides what passes.
#[allow(clippy::explicit_write, reason = "the macros are captured, the stream is not")]
pub(crate) fn skip(what: &str) {
    let remedy = "set LMCHAIN_LM to the folder of the language models, see tests/data/README.md";
    writeln!(std::io::stderr(), "SKIPPED {what}: {remedy}").unwrap();
}

/// The play that the models were made from.
pub(crate) fn play(folder: &Path) -> Option<String> {
    let corpora = match std::env::var_os("LMCHAIN_CORPORA") {
        Some(corpora) => PathBuf::from(corpora),
        None => folder.join("../corpora"),
    };
    read(&corpora.join("tinyshakespeare.txt"))
}

/// A text file, or the one with `.gz` behind its name.
pub(crate) fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        file.read_to_string(&mut text).unwrap();
        return Some(text);
    }
    let packed = std::fs::File::open(format!("{}.gz", path.display())).ok()?;
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    Some(text)
}

/// The training sentences of a reference model: the first nine tenths of the
/// lines of the play, lower case, as words or as characters.
pub(crate) fn training_text(play: &str, first_lines_only: bool, characters: bool) -> Vec<String> {
    let words = play.lines().map(|line| line.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = words.filter(|line| !line.is_empty()).collect();
    let lines = if first_lines_only { &lines[..3000] } else { &lines[..] };
    let training = &lines[..lines.len() * 9 / 10];
    let spell = |line: &String| {
        let spelled = line.chars().map(|c| match c {
            ' ' => '_',
            '_' => '\u{203f}',
            other => other,
        });
        spelled.map(String::from).collect::<Vec<_>>().join(" ")
    };
    if characters { training.iter().map(spell).collect() } else { training.to_vec() }
}

/// Sentences as `lmplz` reads them: words between white space, `<unk>` in the vocabulary.
pub(crate) fn sentences<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Corpus {
    let settings = CorpusSettings::new(Tokenizer::whitespace()).unknown_token(true);
    settings.document_end(DocumentEnd::Reset).read_strings(lines).unwrap()
}

pub(crate) fn modified_kneser_ney(order: usize) -> NgramSettings {
    NgramSettings::new(order).smoothing(Smoothing::ModifiedKneserNey)
}

/// The settings of a reference model, which its name tells.
pub(crate) fn settings(name: &str, order: usize) -> NgramSettings {
    let mut settings = modified_kneser_ney(order);
    if name.ends_with("prune001") {
        settings = settings.prune(&[0, 0, 1]);
    }
    if name.ends_with("nounigraminterp") {
        settings = settings.interpolate_unigrams(false);
    }
    if name.ends_with("fallback") {
        settings = settings.fallback_discounts(FALLBACK);
    }
    settings
}

/// A reference model: that of its file, or estimated from its text where only a
/// sample of the file is kept; none if neither is there.
pub(crate) fn model(folder: &Path, name: &str) -> Option<NgramModel> {
    let subfolder = folder.join(name.split('.').next().unwrap());
    if let Some(file) = read(&subfolder.join(format!("{name}.arpa"))) {
        let ArpaModel { vocab, model } = read_arpa_from(file.as_bytes()).unwrap();
        return Some(NgramModel::new(model, vocab).unwrap());
    }
    let (first, characters) = (name.contains("first3000"), name.contains("chars"));
    let order = name.split_once(".o").unwrap().1[..1].parse().unwrap();
    let text = training_text(&play(folder)?, first, characters);
    Some(settings(name, order).fit(&sentences(text)).unwrap())
}
