//! Joined texts taken apart again, by what the chain seldom leaves.
//!
//! The genesis in three languages is not part of this repository: it is looked
//! for in the folder named by `LMCHAIN_CORPORA`, or beside the checkout.

use std::path::PathBuf;

use lmchain::chain::MarkovChain;
use lmchain::metastable::{Metastable, MetastableSolver};
use lmchain::operator::SparseOperator;
use lmchain::text::{Corpus, CorpusSettings, Tokenizer};
use lmchain::topics::{Topics, adjusted_rand_index};

const VOICES: [(&str, &str); 3] = [
    ("kitchen", include_str!("../../examples/data/kitchen.txt")),
    ("harbor", include_str!("../../examples/data/harbor.txt")),
    ("observatory", include_str!("../../examples/data/observatory.txt")),
];

struct Joined {
    corpus: Corpus,
    chain: MarkovChain<SparseOperator>,
    labels: Topics,
}

impl Joined {
    /// One circular text: the chain is irreducible, and its windows' frequencies are stationary.
    fn new(tokenizer: Tokenizer, texts: &[(&str, &str)], context: usize) -> Self {
        let corpus =
            CorpusSettings::new(tokenizer).read_strings(texts.iter().map(|(_, text)| *text)).unwrap();
        let chain = MarkovChain::observed(&corpus, context).unwrap();
        let labelled: Vec<_> = texts.iter().map(|(name, _)| *name).zip(corpus.documents()).collect();
        let labels = Topics::by_texts(chain.states(), &labelled).unwrap();
        Self { corpus, chain, labels }
    }

    /// Metastable sets, and how far they agree with the labels.
    fn solve(&self, solver: &MetastableSolver) -> (Metastable, f64) {
        let law = self.chain.stationary().unwrap().converged().unwrap();
        let found = solver.solve(&self.chain, &law).unwrap().converged().unwrap();
        let index = adjusted_rand_index(&found.memberships().largest(), &self.labels, &law);
        (found, index)
    }
}

#[test]
fn probe() {
    for context in [1, 2, 3, 4, 5, 6] {
        let joined = Joined::new(Tokenizer::words().lower_case(true), &VOICES, context);
        for reversibilized in [false, true] {
            let solver = MetastableSolver::new().sets(3).reversibilized(reversibilized);
            let law = joined.chain.stationary().unwrap().converged().unwrap();
            match solver.solve(&joined.chain, &law) {
                Ok(outcome) => {
                    let report = *outcome.report();
                    let found = outcome.into_value();
                    let index = adjusted_rand_index(&found.memberships().largest(), &joined.labels, &law);
                    println!(
                        "{context} {reversibilized} {} states {report} ari {index:.3} {:?} {:?}",
                        joined.chain.len(),
                        found.coarse().law(),
                        found.counts()
                    );
                }
                Err(error) => println!("{context} {reversibilized} {error}"),
            }
        }
    }
    let _ = Joined::solve;
    let _ = PathBuf::new();
}
