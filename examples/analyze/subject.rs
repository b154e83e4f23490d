//! What was read: a chain, and what kind of file it came from.

use lmchain::chain::MarkovChain;
use lmchain::drift::window_drift;
use lmchain::operator::{TransitionOperator, successors};
use lmchain::text::Corpus;
use serde_json::json;

use crate::findings::{Findings, Reason};
use crate::limits::Limits;
use crate::options::Options;

/// The chain of whatever was read.
pub(crate) type Chain = MarkovChain<Box<dyn TransitionOperator>>;

/// What was read.
pub(crate) enum Source {
    Model,
    Matrix,
    Text(Corpus),
}

/// A chain and where it comes from.
pub(crate) struct Subject {
    pub(crate) source: Source,
    pub(crate) chain: Chain,
}

impl Subject {
    /// Whether the states are bare, not contexts of tokens.
    pub(crate) fn is_matrix(&self) -> bool {
        matches!(self.source, Source::Matrix)
    }

    /// What it is, how large, and what its states are called.
    pub(crate) fn describe(&self, options: &Options, findings: &mut Findings) {
        let limits = &options.limits;
        let chain = &self.chain;
        findings.set("kind", self.kind());
        findings.set("states", chain.len());
        findings.set("transitions", transitions(chain));
        findings.set("vocab_size", chain.states().vocabulary_size());
        findings.set("context_length", chain.states().context_length());
        if let Source::Text(corpus) = &self.source {
            findings.set("text_tokens", corpus.tokens().len());
            findings.set("text_windows", corpus.window_count(chain.states().context_length()));
            findings.set("text_unknown", corpus.unknown());
            findings.attempt("window_drift_bits", drift(corpus, options.window, limits));
        }
        if let Some(vocab) = chain.states().vocab() {
            findings.attempt("vocab", limits.states(vocab.len()).map(|()| json!(vocab.names())));
        }
        let labels = || (0..chain.len()).map(|state| chain.states().label(state)).collect::<Vec<_>>();
        findings.attempt("labels", limits.states(chain.len()).map(|()| labels()));
    }

    fn kind(&self) -> &'static str {
        match self.source {
            Source::Model => "model",
            Source::Matrix => "matrix",
            Source::Text(_) => "text",
        }
    }
}

/// How much each window of a text differs from the next.
fn drift(corpus: &Corpus, window: usize, limits: &Limits) -> Result<Vec<f64>, Reason> {
    let drift = window_drift(corpus.tokens(), window)?;
    limits.entries(drift.adjacent.len(), 1)?;
    Ok(drift.adjacent)
}

/// Transitions of positive probability.
fn transitions(chain: &Chain) -> usize {
    (0..chain.len()).map(|state| successors(chain.operator(), state).count()).sum()
}
