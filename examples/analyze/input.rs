//! Reading the file, by its name.

use std::path::Path;

use lmchain::chain::MarkovChain;
use lmchain::model::TableModel;
use lmchain::{Error, Result};
use ndarray::Array2;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::findings::Reason;
use crate::options::Options;
use crate::subject::{Chain, Source, Subject};

/// Reads the file that the options name.
pub(crate) fn read(options: &Options) -> Result<Subject, Reason> {
    let extension = options.file.extension().unwrap_or_default().to_ascii_lowercase();
    let matrix = |chain| Subject { source: Source::Matrix, chain };
    let subject = match extension.to_str() {
        _ if options.text => text(options)?,
        Some("json") => json(&options.file)?,
        Some("mtx") => matrix(MarkovChain::from_matrix_market(&options.file)?.boxed()),
        Some("npz") => matrix(MarkovChain::from_npz(&options.file)?.boxed()),
        _ => text(options)?,
    };
    let states = subject.chain.len();
    match options.start.iter().find(|&&start| start >= states) {
        Some(&state) => Err(Error::StateOutOfRange { state, states }.into()),
        None => Ok(subject),
    }
}

fn text(options: &Options) -> Result<Subject, Reason> {
    let corpus = options.corpus_settings().read_files(&[&options.file])?;
    if corpus.tokens().len() < 2 {
        return Err(Error::TextTooShort { needed: 2 }.into());
    }
    let chain = MarkovChain::observed(&corpus, options.context.into())?.boxed();
    Ok(Subject { source: Source::Text(corpus), chain })
}

/// What an object in a JSON file holds, without keeping it.
#[derive(Deserialize)]
struct Outline {
    p: Option<IgnoredAny>,
    #[serde(rename = "P")]
    matrix: Option<IgnoredAny>,
}

/// An object with a matrix.
#[derive(Deserialize)]
struct MatrixFile {
    #[serde(rename = "P")]
    rows: Vec<Vec<f64>>,
}

fn json(path: &Path) -> Result<Subject, Reason> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_array {
        return matrix(&parse::<Vec<_>>(&bytes, path)?);
    }
    let outline: Outline = parse(&bytes, path)?;
    match outline {
        Outline { p: Some(_), .. } => {
            let chain = MarkovChain::enumerated(&TableModel::read_json(path)?)?.boxed();
            Ok(Subject { source: Source::Model, chain })
        }
        Outline { matrix: Some(_), .. } => matrix(&parse::<MatrixFile>(&bytes, path)?.rows),
        _ => Err(Reason::new("there is neither a table `p` nor a matrix `P`")),
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], path: &Path) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|source| Error::Json {
        path: Some(path.to_owned()),
        line: source.line(),
        column: source.column(),
        source,
    })
}

fn matrix(rows: &[Vec<f64>]) -> Result<Subject, Reason> {
    let columns = rows.first().map_or(0, Vec::len);
    if let Some(row) = rows.iter().position(|row| row.len() != columns) {
        return Err(Error::RowLength { row, expected: columns, found: rows[row].len() }.into());
    }
    let entries = Array2::from_shape_vec((rows.len(), columns), rows.concat())?;
    let chain: Chain = MarkovChain::from_dense(entries.view())?.boxed();
    Ok(Subject { source: Source::Matrix, chain })
}
