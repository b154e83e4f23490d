//! N-grams spelled out, for tests.

use crate::text::{Corpus, DocumentEnd, Token};

/// The n-grams of a length, one for each place of the text where one starts,
/// with the token before it.
pub(crate) fn places(corpus: &Corpus, length: usize) -> Vec<(Option<Token>, Vec<Token>)> {
    let (start, end) = (corpus.vocab().start().unwrap(), corpus.vocab().end().unwrap());
    let documents: Vec<Vec<Token>> = corpus.documents().map(<[Token]>::to_vec).collect();
    let (stretches, circular): (Vec<Vec<Token>>, bool) = match corpus.document_end() {
        DocumentEnd::Circular => (vec![documents.concat()], true),
        DocumentEnd::Token => {
            (vec![documents.iter().flat_map(|d| [&d[..], &[end]].concat()).collect()], true)
        }
        DocumentEnd::Open => (documents, false),
        _ => (documents.iter().map(|d| [&[start], &d[..], &[end]].concat()).collect(), false),
    };
    let mut places = Vec::new();
    for stretch in stretches {
        let n = stretch.len();
        for first in 0..n {
            if circular {
                let ngram = (0..length).map(|i| stretch[(first + i) % n]).collect();
                places.push((Some(stretch[(first + n - 1) % n]), ngram));
            } else if first + length <= n {
                let before = first.checked_sub(1).map(|before| stretch[before]);
                places.push((before, stretch[first..first + length].to_vec()));
            }
        }
    }
    places
}
