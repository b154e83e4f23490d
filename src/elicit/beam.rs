//! Prefixes written from right to left, as a reverse model proposes.

use std::cmp::Ordering;

use super::objective::{Elicitation, check_tokens};
use super::scorer::Scorer;
use super::{Elicited, ScoredPrefix};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::prob::Best;
use crate::solve::{MEMORY_LIMIT, Observer, Silent, Stop, check_memory, report};
use crate::text::Token;

/// Texts that are held at a time for each prefix of a beam, at most.
const TEXTS: usize = 5;

/// What the search is called for an observer.
const STAGE: &str = "beam search";

/// Searches with a beam of prefixes that a reverse model finds likely (Pfau,
/// Infanger, Sheshadri, Panda, Michael & Huebner 2023).
///
/// Prefixes grow from right to left. Each is extended by the tokens that the
/// reverse model, a model of text read backwards, thinks most likely; the
/// `width` prefixes that it finds most likely are kept. Those that are left at
/// the end are ranked by the objective, under the forward model.
///
/// What the reverse model excludes is never proposed. Nothing is guaranteed:
/// hold it against an [`ExactSearch`](super::ExactSearch) where that is possible.
#[derive(Debug, Clone)]
pub struct BeamSearch {
    width: usize,
    proposals: Option<usize>,
    after: Vec<Token>,
}

/// A prefix in the making.
#[derive(Debug, Clone)]
struct Partial {
    /// The text read from the right: what comes after, the suffix, the prefix so far.
    text: Vec<Token>,
    /// Log-probability of the prefix under the reverse model, in bits.
    bits: f64,
}

/// A prefix of the beam and a token before it.
#[derive(Debug, Clone, Copy)]
struct Extension {
    bits: f64,
    /// Which prefix of the beam.
    place: usize,
    /// Which proposal for it, likeliest first.
    rank: usize,
    token: Token,
}

impl Extension {
    /// Likeliest first; ties in the order of the beam.
    fn order(&self, other: &Self) -> Ordering {
        other.bits.total_cmp(&self.bits).then((self.place, self.rank).cmp(&(other.place, other.rank)))
    }
}

impl BeamSearch {
    /// A beam of `width` prefixes, each extended by the `width` likeliest tokens.
    pub fn new(width: usize) -> Self {
        Self { width, proposals: None, after: Vec::new() }
    }

    /// By how many tokens each prefix is extended.
    pub fn proposals(mut self, tokens: usize) -> Self {
        self.proposals = Some(tokens);
        self
    }

    /// Tokens that come after the suffix, oldest first: what the reverse model
    /// reads before it. Needed where the suffix is shorter than its context; the
    /// start context of the model, for instance.
    pub fn after(mut self, tokens: &[Token]) -> Self {
        self.after = tokens.to_vec();
        self
    }

    /// The prefixes of the beam, best first by the objective.
    ///
    /// At most `m width` evaluations of the reverse model; `width` times at most
    /// K of the forward model, m more each where naturalness counts or is reported.
    ///
    /// # Errors
    ///
    /// As [`Elicitation::score`]; [`Error::MustBePositive`] for no width or no
    /// proposals; [`Error::VocabularyMismatch`] for a reverse model over another
    /// vocabulary, [`Error::PromptTooShort`] if suffix and what comes after are
    /// shorter than its context, [`Error::Impossible`] if it proposes nothing;
    /// [`Error::TooLarge`] if the laws and texts of a beam would take more than 8 GiB; what
    /// the models return.
    pub fn search<M, R>(&self, task: &Elicitation<'_, M>, reverse: &R) -> Result<Elicited>
    where
        M: LanguageModel + ?Sized,
        R: LanguageModel + ?Sized,
    {
        self.search_watched(task, reverse, &mut Silent)
    }

    /// As [`search`](Self::search), watched: progress is counted in tokens of the prefix.
    ///
    /// # Errors
    ///
    /// As `search`, and [`Error::Cancelled`].
    pub fn search_watched<M, R>(
        &self,
        task: &Elicitation<'_, M>,
        reverse: &R,
        observer: &mut dyn Observer,
    ) -> Result<Elicited>
    where
        M: LanguageModel + ?Sized,
        R: LanguageModel + ?Sized,
    {
        let mut scorer = Scorer::new(task)?;
        let start = self.start(task, reverse)?;
        let mut beam = vec![Partial { text: start, bits: 0.0 }];
        let mut reverse_evaluations = 0;
        for step in 0..task.length {
            reverse_evaluations += beam.len() as u64;
            beam = self.extend(&beam, reverse)?;
            report(observer, STAGE, step as u64 + 1, Some(task.length as u64))?;
        }
        let prefixes = ranked(&beam, task.length, &mut scorer)?;
        Ok(Elicited { prefixes, evaluations: scorer.evaluations(), reverse_evaluations, stop: Stop::Direct })
    }

    /// What the reverse model has read before the first token of the prefix.
    fn start<M, R>(&self, task: &Elicitation<'_, M>, reverse: &R) -> Result<Vec<Token>>
    where
        M: LanguageModel + ?Sized,
        R: LanguageModel + ?Sized,
    {
        if self.width == 0 {
            return Err(Error::MustBePositive { what: "beam width" });
        }
        if self.proposals == Some(0) {
            return Err(Error::MustBePositive { what: "number of proposals" });
        }
        let (model, text) = (reverse.vocabulary_size(), task.model.vocabulary_size());
        if model != text {
            return Err(Error::VocabularyMismatch { model, text });
        }
        check_tokens(&self.after, text)?;
        let known: Vec<Token> = self.after.iter().rev().chain(task.suffix.iter().rev()).copied().collect();
        let needed = reverse.context_length();
        if known.len() < needed {
            return Err(Error::PromptTooShort { tokens: known.len(), needed });
        }
        // Two beams, the contexts or prefixes read off them, texts to score, and the report.
        let tokens = TEXTS * (known.len() + task.length + task.model.context_length());
        let each = text * size_of::<f64>()
            + tokens * size_of::<Token>()
            + TEXTS * size_of::<Partial>()
            + 2 * size_of::<Extension>()
            + size_of::<ScoredPrefix>();
        let bytes = (self.width as u128).saturating_mul(each as u128);
        check_memory("a beam of prefixes and its laws", bytes, MEMORY_LIMIT)?;
        Ok(known)
    }

    /// The best extensions by one token to the left.
    fn extend<R: LanguageModel + ?Sized>(&self, beam: &[Partial], reverse: &R) -> Result<Vec<Partial>> {
        let (v, k) = (reverse.vocabulary_size(), reverse.context_length());
        let contexts: Vec<Token> =
            beam.iter().flat_map(|partial| &partial.text[partial.text.len() - k..]).copied().collect();
        let mut laws = vec![0.0; beam.len() * v];
        reverse.next_token_laws(&contexts, &mut laws)?;
        let mut extensions = Best::new(self.width, Extension::order);
        for (place, law) in laws.chunks_exact(v).enumerate() {
            let proposed = likeliest(law, self.proposals.unwrap_or(self.width)).into_iter().enumerate();
            extensions.extend(proposed.map(|(rank, token)| {
                let bits = beam[place].bits + law[token].log2();
                Extension { bits, place, rank, token: token as Token }
            }));
        }
        let extended = |Extension { bits, place, token, .. }: Extension| Partial {
            text: [&beam[place].text[..], &[token]].concat(),
            bits,
        };
        let extended: Vec<Partial> = extensions.into_sorted().into_iter().map(extended).collect();
        if extended.is_empty() {
            return Err(Error::Impossible { what: "the suffix, read backwards," });
        }
        Ok(extended)
    }
}

/// The prefixes of a beam, best first by the objective.
fn ranked<M: LanguageModel + ?Sized>(
    beam: &[Partial],
    length: usize,
    scorer: &mut Scorer<'_, M>,
) -> Result<Vec<ScoredPrefix>> {
    let prefixes: Vec<Token> =
        beam.iter().flat_map(|partial| partial.text.iter().rev().take(length)).copied().collect();
    let bits = scorer.bits(&prefixes)?;
    let mut order: Vec<usize> = (0..beam.len()).collect();
    order.sort_by(|&a, &b| bits[b].objective.total_cmp(&bits[a].objective));
    let prefix = |place: usize| &prefixes[place * length..(place + 1) * length];
    order.into_iter().map(|place| scorer.report(prefix(place), bits[place])).collect()
}

/// The most probable tokens of a law, most probable first; none that is excluded.
fn likeliest(law: &[f64], count: usize) -> Vec<usize> {
    let mut tokens: Vec<usize> = (0..law.len()).filter(|&token| law[token] > 0.0).collect();
    tokens.sort_by(|&a, &b| law[b].total_cmp(&law[a]));
    tokens.truncate(count);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableModel;

    #[test]
    fn a_beam_is_refused_for_all_that_it_holds_not_for_its_laws_alone() {
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]]).unwrap();
        let task = Elicitation::new(&model, &[1, 1], 3);
        // Laws of 4 GiB, and as many texts.
        let found = BeamSearch::new(1 << 28).search(&task, &model);
        assert!(matches!(found, Err(Error::TooLarge { .. })), "{found:?}");
        let found = BeamSearch::new(1 << 20).search(&task, &model).unwrap();
        assert_eq!(found.prefixes.len(), 8);
    }
}
