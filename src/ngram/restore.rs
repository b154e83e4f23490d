//! Suffixes that pruning took away, put back.
//!
//! A tool that prunes n-grams one by one may keep `a b c` and drop `b c`. The
//! trie needs the suffix, so it comes back with what the model says of it
//! anyway: `p(c | b) = b(b) p(c)`, and the back-off weight 1.

use super::trie::TrieBuilder;
use super::{BackoffTrie, NgramTrie};
use crate::error::Result;
use crate::text::Token;

/// Marks an n-gram without its suffix, and one that was not there before.
const NONE: u32 = u32::MAX;

/// The n-grams of one length that are missing: their tokens, one after the other.
type Missing = Vec<Token>;

/// A model from n-grams of which some lack their suffixes; of the trie only
/// tokens and children are used.
///
/// With the suffixes come their contexts: the context of a suffix is the suffix
/// of the context.
pub(super) fn restore_suffixes(
    trie: &NgramTrie,
    probabilities: &[Vec<f64>],
    backoffs: &[Vec<f64>],
) -> Result<BackoffTrie> {
    let missing = close_downwards(trie, missing_suffixes(trie));
    let order = trie.order();
    let mut builder = TrieBuilder::new(trie.vocabulary_size(), order);
    let mut origins: Vec<u32> = (0..trie.vocabulary_size() as u32).collect();
    let mut all_probabilities = vec![probabilities[0].clone()];
    let mut all_backoffs: Vec<Vec<f64>> = backoffs.iter().take(1).cloned().collect();
    let mut implied = vec![Vec::new()];
    for length in 2..=order {
        origins = merge(&mut builder, trie, length, &origins, &missing[length - 1])?;
        // What is implied gets its probability when the suffixes are known.
        all_probabilities.push(gather(&origins, &probabilities[length - 1], 0.0));
        if length < order {
            all_backoffs.push(gather(&origins, &backoffs[length - 1], 1.0));
        }
        let restored = (0..).zip(&origins).filter(|(_, origin)| **origin == NONE);
        implied.push(restored.map(|(number, _)| number).collect());
    }
    let trie = builder.finish().expect("all suffixes have been restored");
    fill_implied(&trie, &implied, &mut all_probabilities, &all_backoffs);
    Ok(BackoffTrie::from_parts(trie, all_probabilities, all_backoffs, implied))
}

/// By length, the suffixes that n-grams of the trie lack, some more than once.
fn missing_suffixes(trie: &NgramTrie) -> Vec<Missing> {
    let mut missing = vec![Vec::new(); trie.order()];
    // The suffixes of the n-grams of length 2 are their newest tokens.
    let mut suffixes: Vec<u32> = if trie.order() > 1 { trie.tokens(2).to_vec() } else { Vec::new() };
    for length in 3..=trie.order() {
        let mut longer = Vec::with_capacity(trie.len(length));
        for (context, &suffix) in suffixes.iter().enumerate() {
            for number in trie.children(length - 1, context) {
                let token = trie.tokens(length)[number];
                // Where the context lacks its suffix, so do all that follow it.
                let suffix = match suffix {
                    NONE => None,
                    shorter => trie.child(length - 2, shorter as usize, token),
                };
                if suffix.is_none() {
                    missing[length - 2].extend_from_slice(&trie.ngram(length, number)[1..]);
                }
                longer.push(suffix.map_or(NONE, |number| number as u32));
            }
        }
        suffixes = longer;
    }
    missing
}

/// Adds the suffixes that missing n-grams lack themselves, then sorts each
/// length and drops what is there twice.
fn close_downwards(trie: &NgramTrie, mut missing: Vec<Missing>) -> Vec<Missing> {
    for length in (2..trie.order()).rev() {
        let mut ngrams: Vec<&[Token]> = missing[length - 1].chunks_exact(length).collect();
        ngrams.sort_unstable();
        ngrams.dedup();
        let lacking = ngrams.iter().filter(|ngram| trie.find(&ngram[1..]).is_none());
        let shorter: Missing = lacking.flat_map(|ngram| &ngram[1..]).copied().collect();
        missing[length - 1] = ngrams.concat();
        missing[length - 2].extend(shorter);
    }
    missing
}

/// Adds the n-grams of a length, those of the trie and the missing ones, and
/// returns which of the trie each is. `origins` says it for their contexts.
fn merge(
    builder: &mut TrieBuilder,
    trie: &NgramTrie,
    length: usize,
    origins: &[u32],
    missing: &[Token],
) -> Result<Vec<u32>> {
    let mut merged = Vec::with_capacity(trie.len(length) + missing.len() / length);
    let restored: Vec<(usize, Token)> = missing
        .chunks_exact(length)
        .map(|ngram| {
            let context = builder.trie().find(&ngram[..length - 1]);
            (context.expect("contexts have been restored"), ngram[length - 1])
        })
        .collect();
    let mut restored = restored.into_iter().peekable();
    for (context, &origin) in origins.iter().enumerate() {
        let mut stored = if origin == NONE { 0..0 } else { trie.children(length - 1, origin as usize) };
        loop {
            let next_stored = stored.clone().next().map(|number| trie.tokens(length)[number]);
            let comes_first = |&(of, token): &(usize, Token)| {
                of == context && next_stored.is_none_or(|stored| token < stored)
            };
            if let Some((_, token)) = restored.next_if(comes_first) {
                builder.push(length, context, token)?;
                merged.push(NONE);
            } else if let Some(number) = stored.next() {
                builder.push(length, context, trie.tokens(length)[number])?;
                merged.push(number as u32);
            } else {
                break;
            }
        }
    }
    builder.close(length);
    Ok(merged)
}

/// The value of each n-gram where it came from, or another for those restored.
fn gather(origins: &[u32], values: &[f64], restored: f64) -> Vec<f64> {
    origins.iter().map(|&origin| if origin == NONE { restored } else { values[origin as usize] }).collect()
}

/// Computes what backing off gives, the shortest n-grams first.
fn fill_implied(
    trie: &NgramTrie,
    implied: &[Vec<u32>],
    probabilities: &mut [Vec<f64>],
    backoffs: &[Vec<f64>],
) {
    for length in 2..=trie.order() {
        for &number in &implied[length - 1] {
            let number = number as usize;
            let weight = backoffs[length - 2][trie.context(length, number)];
            let shorter = probabilities[length - 2][trie.suffix(length, number)];
            // Rounded weights may exceed by a little.
            probabilities[length - 1][number] = (weight * shorter).min(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the definition of backing off gives, from a list of n-grams.
    fn by_definition(ngrams: &[(Vec<Token>, f64, f64)], context: &[Token], token: Token) -> f64 {
        let given = |tokens: &[Token]| ngrams.iter().find(|(other, ..)| other == tokens);
        let whole = [context, &[token]].concat();
        match given(&whole) {
            Some((_, probability, _)) => *probability,
            None => {
                let weight = given(context).map_or(1.0, |(_, _, backoff)| *backoff);
                weight * by_definition(ngrams, &context[1..], token)
            }
        }
    }

    /// Every n-gram of up to four tokens of which a hash says so, with its context;
    /// no product of weights and a probability exceeds 1.
    fn some_ngrams(seed: u64) -> Vec<(Vec<Token>, f64, f64)> {
        let mut ngrams: Vec<(Vec<Token>, f64, f64)> = Vec::new();
        let mut hash = seed;
        let mut next = || {
            hash = hash.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (hash >> 40) as f64 / (1u64 << 24) as f64
        };
        let mut contexts: Vec<Vec<Token>> = vec![vec![]];
        for length in 1..=4 {
            let mut longer = Vec::new();
            for context in contexts {
                for token in 0..3 {
                    if length == 1 || next() < 0.4 {
                        let tokens = [&context[..], &[token]].concat();
                        ngrams.push((tokens.clone(), 0.3 * next(), 1.4 * next()));
                        longer.push(tokens);
                    }
                }
            }
            contexts = longer;
        }
        ngrams
    }

    #[test]
    fn restored_suffixes_change_no_probability() {
        let mut restored = 0;
        for seed in 0..200 {
            let ngrams = some_ngrams(seed);
            let model = BackoffTrie::from_ngrams(3, 4, ngrams.clone()).unwrap();
            for length in 1..=4 {
                let given = ngrams.iter().filter(|(tokens, ..)| tokens.len() == length).count();
                assert_eq!(model.ngram_count(length), given);
                restored += model.trie().len(length) - given;
            }
            for code in 0..81 {
                let [a, b, c, d] = [27, 9, 3, 1].map(|power| code / power % 3);
                let step = model.step(model.state_after(&[a, b, c]), d);
                let expected = by_definition(&ngrams, &[a, b, c], d);
                assert!((step.probability - expected).abs() < 1e-15, "{a} {b} {c} {d}");
                let stored = |from: usize| ngrams.iter().any(|(tokens, ..)| tokens == &[a, b, c, d][from..]);
                assert_eq!(step.matched, 4 - (0..4).find(|&from| stored(from)).unwrap());
            }
        }
        assert!(restored > 100, "{restored}");
    }

    #[test]
    fn a_restored_suffix_brings_its_own() {
        // Of a b c d only the contexts are given.
        let ngrams = [
            (vec![0], 0.25, 1.0),
            (vec![1], 0.25, 0.5),
            (vec![2], 0.25, 0.5),
            (vec![3], 0.25, 1.0),
            (vec![0, 1], 0.5, 1.0),
            (vec![0, 1, 2], 0.5, 1.0),
            (vec![0, 1, 2, 3], 0.5, 1.0),
        ];
        let model = BackoffTrie::from_ngrams(4, 4, ngrams).unwrap();
        assert_eq!((model.trie().len(2), model.trie().len(3), model.trie().len(4)), (3, 2, 1));
        let number = model.trie().find(&[1, 2, 3]).unwrap();
        assert_eq!(model.probabilities(3)[number], 0.5 * 0.25);
        assert_eq!(model.backoffs(3)[number], 1.0);
        assert!(!model.is_explicit(3, number));
    }
}
