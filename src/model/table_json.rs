//! Tables of laws in JSON files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use super::{LanguageModel, TableModel};
use crate::error::{Error, Result};
use crate::files::replace_file;
use crate::text::{ContextSpace, Vocab};

/// What a file holds. Other fields are ignored.
#[derive(Deserialize)]
struct TableFile {
    #[serde(alias = "V")]
    vocab_size: usize,
    /// The context length K, or the order K + 1 of an n-gram model.
    #[serde(default)]
    order: usize,
    /// The context length K, and nothing else.
    #[serde(default, rename = "K")]
    context_length: Option<usize>,
    p: Vec<Vec<f64>>,
    vocab: Option<Vec<String>>,
}

/// What is written.
#[derive(Serialize)]
struct TableView<'a> {
    vocab_size: usize,
    order: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    vocab: Option<&'a [String]>,
    p: Rows<'a>,
}

struct Rows<'a>(&'a TableModel);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.table().chunks_exact(self.0.vocabulary_size()))
    }
}

impl TableModel {
    /// Reads a model from a JSON object with `vocab_size` (or `V`), `order` or
    /// `K`, `p`, an array of rows, and maybe `vocab`, an array of names.
    ///
    /// `K` is the context length: there must be V^K rows. Of `order` the number
    /// of rows decides what it means: some write the context length K, and V^K
    /// rows, some the order n = K + 1 of an n-gram model, and V^(n-1) rows. Nothing is allocated by the sizes stated, only by what is there.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] with line and column, [`Error::RowCount`] if the rows
    /// fit neither reading, [`Error::RowLength`], and as [`TableModel::new`],
    /// [`TableModel::with_vocab`] and [`Vocab::new`].
    pub fn from_json_str(text: &str) -> Result<Self> {
        Self::from_json(text.as_bytes(), None)
    }

    /// Reads a model from a JSON file, as [`from_json_str`](Self::from_json_str).
    ///
    /// # Errors
    ///
    /// As [`from_json_str`](Self::from_json_str); [`Error::Io`].
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::from_json(&text, Some(path))
    }

    fn from_json(text: &[u8], path: Option<&Path>) -> Result<Self> {
        let file: TableFile = serde_json::from_slice(text).map_err(|source| Error::Json {
            path: path.map(PathBuf::from),
            line: source.line(),
            column: source.column(),
            source,
        })?;
        let context_length = context_length(&file)?;
        for (row, law) in file.p.iter().enumerate() {
            if law.len() != file.vocab_size {
                return Err(Error::RowLength { row, expected: file.vocab_size, found: law.len() });
            }
        }
        let model = Self::new(file.vocab_size, context_length, file.p.concat())?;
        match file.vocab {
            Some(names) => model.with_vocab(Vocab::new(names)?),
            None => Ok(model),
        }
    }

    /// Writes the model to a JSON file that [`read_json`](Self::read_json)
    /// reads back bit by bit; `order` is the context length K.
    ///
    /// The file is written beside its place and then moved there, so there is
    /// never half a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        replace_file(path, |file| {
            self.write_to(file).map_err(|source| Error::Io { path: path.to_owned(), source })
        })
    }

    fn write_to(&self, file: &mut File) -> std::io::Result<()> {
        let mut writer = BufWriter::new(file);
        let view = TableView {
            vocab_size: self.vocabulary_size(),
            order: self.context_length(),
            vocab: self.vocab().map(Vocab::names),
            p: Rows(self),
        };
        serde_json::to_writer(&mut writer, &view)?;
        writer.into_inner()?.flush()
    }
}

/// The context length of which a file has one row a context.
fn context_length(file: &TableFile) -> Result<usize> {
    let TableFile { vocab_size, order, context_length, ref p, .. } = *file;
    let order = context_length.unwrap_or(order);
    if vocab_size == 0 {
        return Err(Error::MustBePositive { what: "vocabulary size" });
    }
    if order == 0 {
        return Err(Error::MustBePositive { what: "order" });
    }
    // One token has one context of any length: only here the rows do not bound the length.
    if vocab_size == 1 && order > usize::BITS as usize {
        return Err(Error::ContextSpaceTooLarge {
            vocabulary_size: vocab_size,
            context_length: order,
            bits: usize::BITS,
        });
    }
    let shorter = if context_length.is_some() { 0..=0 } else { 0..=1 };
    shorter
        .map(|less| order - less)
        .find(|&length| ContextSpace::new(vocab_size, length).is_ok_and(|space| space.len() == p.len()))
        .ok_or(Error::RowCount { rows: p.len(), vocabulary_size: vocab_size, order })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(vocab_size: &str, order: &str, p: &str) -> Result<TableModel> {
        TableModel::from_json_str(&format!(r#"{{"vocab_size": {vocab_size}, "order": {order}, "p": {p}}}"#))
    }

    const TWO_ROWS: &str = "[[0.25, 0.75], [1, 0]]";
    const FOUR_ROWS: &str = "[[0.25, 0.75], [1, 0], [0.5, 0.5], [0, 1]]";

    #[test]
    fn the_number_of_rows_decides_what_the_order_means() {
        assert_eq!(json("2", "1", TWO_ROWS).unwrap().context_length(), 1);
        assert_eq!(json("2", "2", TWO_ROWS).unwrap().context_length(), 1);
        assert_eq!(json("2", "2", FOUR_ROWS).unwrap().context_length(), 2);
        assert_eq!(json("2", "3", FOUR_ROWS).unwrap().context_length(), 2);
        let other =
            TableModel::from_json_str(r#"{"K": 1, "V": 2, "p": [[0, 1], [1, 0]], "more": {"a": null}}"#);
        assert_eq!(other.unwrap().table(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_context_length_has_one_meaning() {
        let half = format!(r#"{{"V": 2, "K": 2, "p": {TWO_ROWS}}}"#);
        assert!(matches!(TableModel::from_json_str(&half), Err(Error::RowCount { rows: 2, .. })));
    }

    #[test]
    fn files_that_do_not_fit_are_refused() {
        assert!(matches!(json("2", "4", TWO_ROWS), Err(Error::RowCount { rows: 2, order: 4, .. })));
        assert!(matches!(json("2", "1000000000", TWO_ROWS), Err(Error::RowCount { .. })));
        assert!(matches!(json("1", "1000000000", "[[1]]"), Err(Error::ContextSpaceTooLarge { .. })));
        assert!(matches!(json("18446744073709551615", "1", "[]"), Err(Error::RowCount { .. })));
        assert!(matches!(json("0", "1", "[]"), Err(Error::MustBePositive { .. })));
        assert!(matches!(json("2", "0", "[[0.5, 0.5]]"), Err(Error::MustBePositive { what: "order" })));
        assert!(matches!(json("2", "1", "[[1, 0], [1]]"), Err(Error::RowLength { row: 1, found: 1, .. })));
        assert!(matches!(json("2", "1", "[[1, 0], [0.5, 0.4]]"), Err(Error::RowSum { row: 1, .. })));
        assert!(matches!(json("2", "1", "[[1, 0], [2, -1]]"), Err(Error::InvalidEntry { row: 1, .. })));
        let names = r#"{"V": 1, "K": 1, "p": [[1]], "vocab": ["a", "a"]}"#;
        assert!(matches!(TableModel::from_json_str(names), Err(Error::DuplicateName { .. })));
    }

    #[test]
    fn malformed_json_is_reported_with_its_place() {
        for bad in ["", "{", "[]", "nul", r#"{"V": 1}"#, r#"{"V": -1, "K": 1, "p": []}"#, "\u{0}"] {
            assert!(matches!(TableModel::from_json_str(bad), Err(Error::Json { path: None, .. })), "{bad}");
        }
        assert!(matches!(json("2", "1", "[[1e999, 0]]"), Err(Error::Json { .. })));
        let bad = "{\"V\": 2,\n \"K\": x}";
        assert!(matches!(TableModel::from_json_str(bad), Err(Error::Json { line: 2, column: 7, .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(TableModel::from_json_str(&deep), Err(Error::Json { .. })));
    }

    #[test]
    fn a_model_written_is_read_back_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        let vocab = Vocab::new(vec!["\"a\"".into(), "\n".into()]).unwrap();
        let third = 1.0 / 3.0;
        let table = vec![third, 1.0 - third, 5e-324, 1.0];
        let model = TableModel::new(2, 1, table).unwrap().with_vocab(vocab).unwrap();
        model.write_json(&path).unwrap();
        assert_eq!(TableModel::read_json(&path).unwrap(), model);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
        std::fs::write(&path, "{\n}").unwrap();
        let Err(Error::Json { path: Some(found), line: 2, .. }) = TableModel::read_json(&path) else {
            panic!("a field is missing");
        };
        assert_eq!(found, path);
        let nowhere = folder.path().join("missing").join("model.json");
        assert!(matches!(TableModel::read_json(&nowhere), Err(Error::Io { .. })));
        assert!(matches!(model.write_json(&nowhere), Err(Error::Io { .. })));
    }

    /// Text that is nearly a model.
    fn nearly_json() -> impl Strategy<Value = String> {
        let words = vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"V\"",
            "\"K\"",
            "\"order\"",
            "\"vocab_size\"",
            "\"p\"",
            "\"vocab\"",
            "1",
            "0",
            "0.5",
            "-1",
            "1e308",
            "99999999999999999999",
            "null",
            "\"a\"",
            "[[1]]",
            "[[0.5,0.5],[1,0]]",
            " ",
            "2",
        ];
        prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in prop_oneof![".*", nearly_json()]) {
            let _ = TableModel::from_json_str(&text);
        }

        #[test]
        fn no_header_makes_reading_panic(
            v in prop_oneof![0..4u64, any::<u64>()],
            k in prop_oneof![0..4u64, any::<u64>()],
            rows in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0.0, 0.5, 1.0]), 0..4), 0..5),
        ) {
            let _ = TableModel::from_json_str(&format!(r#"{{"V":{v},"K":{k},"p":{rows:?}}}"#));
        }
    }
}
