//! Back-off models in the ARPA format, which KenLM, SRILM, IRSTLM and others
//! read and write.
//!
//! [`read_arpa`] describes what a file looks like, [`ArpaSettings`] how it is written.
//!
//! References: SRILM's manual page `ngram-format(5)`; the sources of KenLM,
//! `lm/read_arpa.cc`.

mod entry;
mod lines;
mod read;
mod section;
mod words;
mod write;

pub use read::{ArpaModel, read_arpa, read_arpa_from, read_arpa_from_watched, read_arpa_watched};
pub use write::{ArpaPrecision, ArpaSettings, write_arpa};

/// Whether a byte separates fields.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0)
}
