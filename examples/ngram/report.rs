//! What is printed.

use std::error::Error;

use lmchain::chain::MarkovChain;
use lmchain::model::{LengthStatistics, NgramModel, score_sentences};
use lmchain::text::Corpus;

use crate::options::Options;
use crate::support::{bars, count, grouped, heading, say};
use crate::text::Text;

pub(crate) fn text(text: &Text) {
    let Text { title, unit, training, held_out } = text;
    say!("\n{title}");
    say!(
        "   {} in {}, {} in the vocabulary",
        count(training.tokens().len(), unit),
        count(training.documents().len(), "line"),
        grouped(training.vocab().len())
    );
    if let Some(held_out) = held_out {
        let lines = count(held_out.documents().len(), "line");
        say!("   {lines} held out: {}", count(held_out.tokens().len(), unit));
    }
}

/// N-grams, counts of counts and discounts, by length.
pub(crate) fn estimate(model: &NgramModel, options: &Options, seconds: f64) {
    heading(
        "Estimate",
        "t1..t4: how many n-grams are counted once to four times, D: what is taken from such counts. Kneser-Ney\n   counts, of all but the longest, the different tokens before them.",
    );
    say!(
        "   {:>6} {:>12} {:>12} {:>11} {:>9} {:>9} {:>9}  {:>7} {:>7} {:>7}",
        "length",
        "counted",
        "kept",
        "t1",
        "t2",
        "t3",
        "t4",
        "D1",
        "D2",
        "D3+"
    );
    for (at, length) in model.statistics().iter().enumerate() {
        let LengthStatistics { counted, kept, counts_of_counts: t, discounts, fallback, .. } = length;
        let discounts = match discounts {
            Some([d1, d2, d3]) => format!("{d1:>7.4} {d2:>7.4} {d3:>7.4}"),
            None => "      –       –       –".into(),
        };
        say!(
            "   {:>6} {:>12} {:>12} {:>11} {:>9} {:>9} {:>9}  {discounts}{}",
            at + 1,
            grouped(counted),
            grouped(kept),
            grouped(t[0]),
            grouped(t[1]),
            grouped(t[2]),
            grouped(t[3]),
            if *fallback { "  (fallback)" } else { "" }
        );
    }
    let ngrams: usize = model.statistics().iter().map(|length| length.kept).sum();
    say!(
        "\n   order {}, {} of {:.1} bytes each, in {seconds:.2} s",
        options.order,
        count(ngrams, "n-gram"),
        model.backoff().bytes() as f64 / ngrams as f64
    );
}

/// Perplexity of the text held out, and how long the n-grams are that were found in it.
pub(crate) fn prediction(model: &NgramModel, text: &Text) -> lmchain::Result<()> {
    let Some(held_out) = &text.held_out else {
        say!("\n   no lines are held out, so nothing is predicted");
        return Ok(());
    };
    heading(
        "Prediction",
        "Of the lines held out. `</s>` counts as a token. Unknown ones count as <unk>, all of them together: the\n   perplexity with them can be the lower one.",
    );
    let sentences: Vec<_> = held_out.documents().collect();
    let score = score_sentences(model.backoff(), model.vocab(), &sentences)?;
    say!(
        "   perplexity {:.4} with unknown {unit}s, {:.4} without ({} of {} tokens)",
        score.perplexity(),
        score.perplexity_of_known(),
        grouped(score.unknown),
        grouped(score.tokens),
        unit = text.unit
    );
    say!("   {:.4} bits a token\n", score.bits_per_token());
    let mut matched = vec![0.0; model.order()];
    let backoff = model.backoff();
    let start = backoff.state_after(model.vocab().start().as_slice());
    for sentence in sentences {
        let tokens = sentence.iter().copied().chain(model.vocab().end());
        for step in backoff.steps(start, tokens) {
            matched[step.matched - 1] += 1.0;
        }
    }
    let total: f64 = matched.iter().sum();
    let row = |(at, &n): (usize, &f64)| (format!("found at length {}", at + 1), n / total);
    bars(&matched.iter().enumerate().map(row).collect::<Vec<_>>(), |share| format!("{:.1} %", 100.0 * share));
    Ok(())
}

/// A model of the same text read from right to left, held against this one read backwards.
pub(crate) fn backward(model: &NgramModel, text: &Text, options: &Options) -> Result<(), Box<dyn Error>> {
    heading(
        "Backward",
        "A model learned from the text read from right to left, against this one, exactly reversed.",
    );
    let backward = options.settings()?.fit(&text.training.reversed())?;
    let bits = |model: &NgramModel, corpus: &Corpus| {
        let sentences: Vec<_> = corpus.documents().collect();
        score_sentences(model.backoff(), model.vocab(), &sentences).map(|score| score.bits_per_token())
    };
    if let Some(held_out) = &text.held_out {
        say!("   lines held out, read forward    {:.4} bits a token", bits(model, held_out)?);
        say!("   lines held out, read backward   {:.4}", bits(&backward, &held_out.reversed())?);
    }
    let chain = MarkovChain::smoothed(model)?;
    let law = chain.stationary()?.converged()?;
    let estimate = chain.sampled_reverse(&law, &backward, options.documents, options.seed)?;
    let error = estimate.standard_error;
    say!("   the model's own text ({} sampled), read backward:", count(estimate.documents, "line"));
    say!(
        "      by the exact reversal        {:.4} bits a token: the entropy rate, the same both ways",
        estimate.entropy_rate
    );
    say!("      by the learned model         {:.4} ± {error:.4}", estimate.cross_entropy());
    say!("      relative entropy rate        {:.4} ± {error:.4}", estimate.divergence_rate);
    Ok(())
}
