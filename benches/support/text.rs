//! A text of words, a sentence a line: all corpora joined where they are, or a synthetic one.

use std::path::{Path, PathBuf};

use lmchain::prob::stream;
use rand::RngExt;

/// The name of a text, and its lines.
pub(crate) struct Text {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

impl Text {
    /// All files of the folder that `LMCHAIN_CORPORA` names, in the order of
    /// their names, in lower case; without it, 8 MB of synthetic text.
    pub(crate) fn load() -> Self {
        let folder = match std::env::var_os("LMCHAIN_CORPORA") {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/corpora"),
        };
        match read_all(&folder) {
            Some(text) => Self { name: "corpora", text },
            None => Self { name: "synthetic", text: synthetic(8_000_000) },
        }
    }
}

fn read_all(folder: &Path) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?;
    let mut paths: Vec<PathBuf> =
        files.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>().ok()?;
    paths.sort();
    let texts: Vec<String> = paths.iter().map(std::fs::read_to_string).collect::<Result<_, _>>().ok()?;
    // A text that contains the name of a special token cannot be read.
    (!texts.is_empty()).then(|| texts.concat().to_lowercase().replace("<unk>", "@unk@"))
}

/// Words whose rank follows Zipf's law, each often what followed the last one before.
fn synthetic(bytes: usize) -> String {
    let mut rng = stream(1, 0);
    let mut rank = |vocabulary: f64| vocabulary.powf(rng.random::<f64>()) as u32;
    let (mut text, mut word) = (String::with_capacity(bytes + 16), 1u32);
    while text.len() < bytes {
        let end = if rank(8.0) == 7 { '\n' } else { ' ' };
        // One word in three is decided by the one before and few others.
        word = if rank(8.0) > 3 {
            word.wrapping_mul(2_654_435_761) % 60_000 / rank(40.0)
        } else {
            rank(60_000.0)
        };
        text.push_str(&format!("w{word}{end}"));
    }
    text
}
