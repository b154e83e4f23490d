//! The corpora, which are not in this repository.

use std::path::PathBuf;

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/corpora");
    std::env::var_os("LMCHAIN_CORPORA").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

/// A corpus, or `None` if it is not here, which is said loudly.
pub(crate) fn read(file: &str, what: &str) -> Option<String> {
    let path = folder().join(file);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Some(text);
    }
    // Straight to the terminal: what a test prints is hidden when it passes.
    use std::io::Write;
    let message = format!("SKIPPED {what}: no {}; set LMCHAIN_CORPORA to its folder\n", path.display());
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

/// The lines of a table: column 0, and the text of another.
pub(crate) fn labelled(raw: &str, column: usize) -> Vec<(String, String)> {
    let fields = raw.split('\n').filter(|line| !line.is_empty()).map(|line| line.split('\t').collect());
    fields.map(|fields: Vec<&str>| (fields[0].to_owned(), fields[column].to_owned())).collect()
}
