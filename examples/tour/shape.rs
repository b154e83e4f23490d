//! How large the chain is, how well its model predicts, and where it spends its time.

use std::error::Error;

use lmchain::chain::GreedyLoop;
use lmchain::model::{NgramSettings, Smoothing, TextScore, score};
use lmchain::operator::TransitionOperator;
use lmchain::solve::{Report, Stop};
use lmchain::text::{CorpusSettings, DocumentEnd};

use crate::Subject;
use crate::support::{bars, count, grouped, heading, say};

/// Sizes, classes, and the loops of a chain that always takes its likeliest step.
pub(crate) fn sizes(subject: &Subject) {
    let Subject { text, chain, .. } = subject;
    let (k, classes) = (chain.states().context_length(), chain.classes());
    say!("\n{}", text.title);
    heading(
        "Size",
        &format!("A state is a context of {}. A step appends the next one.", count(k, text.unit)),
    );
    say!("   tokens        {:>12}", grouped(text.corpus.tokens().len()));
    say!("   vocabulary    {:>12}", grouped(text.corpus.vocab().len()));
    say!("   contexts      {:>12}", grouped(chain.len()));
    say!("   transitions   {:>12}", grouped(chain.operator().stored_entries()));
    let recurrent = classes.recurrent_count();
    say!(
        "   classes       {:>12}   recurrent {recurrent}, transient {}",
        classes.count(),
        classes.count() - recurrent
    );
    for class in classes.recurrent() {
        say!("   period        {:>12}", classes.period(class));
    }
    let greedy = chain.greedy_loops();
    let mut loops: Vec<&GreedyLoop> = greedy.loops().iter().collect();
    loops.sort_by_key(|found| std::cmp::Reverse(found.basin));
    say!(
        "   greedy loops  {:>12}   the likeliest next token, always: where it goes round for ever",
        loops.len()
    );
    for found in loops.iter().take(3) {
        let mut round: Vec<_> = found.cycle.iter().map(|&state| chain.states().newest_token(state)).collect();
        round.rotate_left(1);
        let share = 100.0 * found.basin as f64 / chain.len() as f64;
        let shown = text.label(&round[..round.len().min(40)]);
        let more = if round.len() > 40 { "..." } else { "" };
        say!("     {share:>5.1} % of contexts fall into  {shown}{more}");
    }
}

/// How well a smoothed model of nine tenths of the text predicts the rest.
pub(crate) fn held_out(subject: &Subject) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    heading(
        "Prediction",
        "How many bits a token takes that is not known beforehand: the fewer, the more predictable.",
    );
    match held_out_score(subject) {
        Ok((smoothing, score)) => {
            say!(
                "   held out   {:.4} bits per {unit}, perplexity {:.2}",
                score.bits_per_token(),
                score.perplexity(),
                unit = text.unit
            );
            say!("              a {smoothing} model of the first 90 %, scored on the last 10 %:");
            let unknown = grouped(score.unknown);
            say!("              {}, {unknown} of them unknown", count(score.tokens, text.unit));
        }
        Err(lmchain::Error::TextTooShort { .. } | lmchain::Error::EmptyText) => {
            say!("   held out   nothing: the text is too short");
        }
        Err(error) => return Err(error.into()),
    }
    let rate = chain.entropy_rate(stationary);
    say!("   in sample  {rate:.4} bits per {}, perplexity {:.2}", text.unit, rate.exp2());
    say!(
        "              entropy rate of the chain: counted from the very text it describes, so no prediction"
    );
    Ok(())
}

/// Cuts the last tenth off every document, and scores it with a model of the rest.
/// Tokens that the rest shows only once make room for the unknown ones. The model
/// is modified Kneser-Ney's, if the rest allows its discounts to be estimated.
fn held_out_score(subject: &Subject) -> lmchain::Result<(&'static str, TextScore)> {
    let corpus = &subject.text.corpus;
    let order = subject.chain.states().context_length() + 1;
    let cut = |document: &[u32]| document.len() * 9 / 10;
    let first = corpus.documents().map(|document| corpus.decode(&document[..cut(document)]));
    let last = corpus.documents().map(|document| corpus.decode(&document[cut(document)..]));
    let settings = CorpusSettings::new(corpus.tokenizer().clone());
    let first = settings.minimum_count(2).document_end(DocumentEnd::Open).read_strings(first)?;
    let last = first.held_out_settings().read_strings(last)?;
    let settings = NgramSettings::new(order);
    let (smoothing, model) = match settings.clone().smoothing(Smoothing::ModifiedKneserNey).fit(&first) {
        Err(lmchain::Error::NoDiscount { .. }) => ("Witten-Bell", settings.fit(&first)?),
        fitted => ("modified Kneser-Ney", fitted?),
    };
    Ok((smoothing, score(&model, &last)?))
}

/// The share of time spent in each context, in the long run.
pub(crate) fn stationary_law(subject: &Subject, report: &Report) {
    let Subject { text, chain, stationary } = subject;
    heading("Stationary law", "The share of time spent in each context in the long run, wherever it starts.");
    let method = if report.stop == Stop::Direct { "elimination" } else { "power iteration" };
    say!("   {method}: {report}\n");
    let percent = |p: f64| format!("{:.3} %", 100.0 * p);
    let label = |(state, p): (usize, f64)| (text.label(&chain.states().tokens(state)), p);
    bars(&stationary.top(10).into_iter().map(label).collect::<Vec<_>>(), percent);
    let tokens = chain.token_law(stationary).top(8);
    let tokens = tokens.iter().map(|&(token, p)| format!("{} {:.1}", text.label(&[token as u32]), 100.0 * p));
    say!("\n   most frequent {}s, in %:  {}", text.unit, tokens.collect::<Vec<_>>().join("  "));
}
