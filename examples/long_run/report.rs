//! What is printed.

use lmchain::chain::Start;
use lmchain::mixing::SecondEigenvalue;
use lmchain::model::score_sentences;
use lmchain::prob::{Law, total_variation};
use lmchain::solve::{Outcome, Report};
use lmchain::text::{Corpus, Token, Vocab};

use crate::subject::Subject;
use crate::support::{bars, count, grouped, heading, quote, say, visible};

/// Words in a list.
const LISTED: usize = 12;

pub(crate) fn model(subject: &Subject) {
    let Subject { title, model, was_rounded, chain, .. } = subject;
    say!("\n{title}");
    let lengths = 1..=model.order();
    let ngrams: Vec<String> = lengths.map(|length| grouped(model.backoff().ngram_count(length))).collect();
    say!("   order {}, n-grams of each length: {}", model.order(), ngrams.join(", "));
    if *was_rounded {
        say!("   its laws do not sum to one, as happens when numbers are rounded: scaled so that they do");
    }
    let (v, k) = (model.vocab().len() as f64, chain.states().context_length() as i32);
    say!(
        "   the chain: {}, each followed by any of {}: {:.1e} transitions",
        count(chain.len(), "state"),
        count(model.vocab().len(), "token"),
        chain.len() as f64 * v
    );
    say!("   it stands, exactly, for {:.1e} contexts with {:.1e} transitions", v.powi(k), v.powi(k + 1));
}

pub(crate) fn stationary(subject: &Subject, law: &Law, report: &Report, seconds: f64) {
    heading(
        "Stationary law",
        "The share of time spent in each state in the long run, wherever it starts. A state is the longest suffix\n   of what was said that the model stores: `the` is `the` after words that it does not know before `the`.",
    );
    say!("   {report}, in {seconds:.2} s\n");
    let row = |(state, p): (usize, f64)| (visible(&subject.chain.states().label(state)), p);
    bars(&law.top(LISTED).into_iter().map(row).collect::<Vec<_>>(), percent);
}

/// How often each word is said in the long run, and how often the text has it.
pub(crate) fn frequencies(subject: &Subject, law: &Law) {
    let Some(text) = &subject.text else { return };
    heading(
        "Words",
        "How often each is said in the long run, in any state, against how often the text has it.",
    );
    if text.unknown() > 0 {
        let share = text.unknown() as f64 / text.tokens().len() as f64;
        let hint = if share > 0.05 { ": is its case that of the model? see --keep-case" } else { "" };
        say!(
            "   {} of the text's {} words are unknown to the model{hint}\n",
            grouped(text.unknown()),
            grouped(text.tokens().len())
        );
    }
    let vocab = subject.model.vocab();
    let (long_run, in_text) = (subject.chain.token_law(law), frequencies_of(text));
    say!("   {:<20} {:>10} {:>10} {:>8}", "", "long run", "text", "ratio");
    for (token, p) in long_run.top(LISTED) {
        row(vocab, token, p, in_text[token]);
    }
    // What a word adds to the relative entropy says where the two part.
    let part = |token: &usize| long_run[*token] * (long_run[*token] / in_text[*token]).ln();
    let mut tokens: Vec<usize> = (0..vocab.len()).filter(|&token| in_text[token] > 0.0).collect();
    tokens.sort_by(|a, b| part(b).total_cmp(&part(a)));
    for (title, tokens) in [
        (
            "said more often than in the text, by what that adds to the relative entropy:",
            tokens.iter().take(5).collect::<Vec<_>>(),
        ),
        ("said less often:", tokens.iter().rev().take(5).collect()),
    ] {
        say!("   {title}");
        tokens.into_iter().for_each(|&token| row(vocab, token, long_run[token], in_text[token]));
    }
    say!("\n   total variation between the two: {:.4}", total_variation(&long_run, &in_text));
}

fn row(vocab: &Vocab, token: usize, long_run: f64, in_text: f64) {
    let name = visible(vocab.name(token as Token));
    let ratio = if in_text > 0.0 { format!("{:.3}", long_run / in_text) } else { "–".into() };
    say!("   {name:<20} {:>10} {:>10} {ratio:>8}", percent(long_run), percent(in_text));
}

pub(crate) fn entropy(subject: &Subject, law: &Law) -> lmchain::Result<()> {
    heading(
        "Surprise",
        "Bits a token, `</s>` counted: of the model's own text, and of the text given. A text that the model was\n   made from surprises it less than its own.",
    );
    let rate = subject.chain.entropy_rate(law);
    say!("   entropy rate   {rate:.4} bits, perplexity {:.2}", rate.exp2());
    if let Some(text) = &subject.text {
        let sentences: Vec<_> = text.documents().collect();
        let score = score_sentences(subject.model.backoff(), subject.model.vocab(), &sentences)?;
        let bits = score.bits_per_token();
        say!(
            "   cross-entropy  {bits:.4} bits, perplexity {:.2}: the text, under the model",
            score.perplexity()
        );
    }
    Ok(())
}

/// How long a sentence is on average.
pub(crate) fn sentences(subject: &Subject, law: &Law) {
    let (Some(start), Some(_)) = (subject.model.vocab().start(), subject.model.vocab().end()) else { return };
    let Ok(start) = subject.chain.states().after_prompt(&[start]) else { return };
    heading(
        "Sentences",
        "How many tokens one has, `</s>` counted: one over the share of time spent at the start.",
    );
    say!("   in the long run  {:.4}", 1.0 / law[start]);
    if let Some(text) = &subject.text {
        let documents = text.documents().len() as f64;
        say!("   in the text      {:.4}", (text.tokens().len() as f64 + documents) / documents);
    }
}

pub(crate) fn forgetting(
    subject: &Subject,
    law: &Law,
    second: &Outcome<SecondEigenvalue>,
) -> lmchain::Result<()> {
    heading("Forgetting", "How far the law after t tokens is from the long run, in total variation.");
    let report = second.report();
    let value = second.value().modulus();
    if second.is_converged() {
        say!("   second eigenvalue modulus {value:.6}");
    } else {
        say!("   second eigenvalue modulus about {value:.6} ({report})");
    }
    let rarest = (0..subject.chain.len()).max_by(|&a, &b| law[b].total_cmp(&law[a])).unwrap_or(0);
    let likeliest = law.top(1)[0].0;
    for (title, state) in [("from the likeliest state", likeliest), ("from one of the rarest", rarest)] {
        let curve = subject.chain.distance_curve(Start::State(state), law, 16)?;
        let label = visible(&subject.chain.states().label(state));
        let shown = [0, 1, 2, 4, 8, 16].map(|t| format!("{t}: {:.4}", curve[t]));
        say!("   {title} ({label}):\n      {}", shown.join("   "));
    }
    Ok(())
}

/// What it says.
pub(crate) fn words(subject: &Subject, length: usize, seed: u64) -> lmchain::Result<()> {
    heading("For ever", "What it says when nobody stops it, a sentence a line.");
    let (chain, vocab) = (&subject.chain, subject.model.vocab());
    let start = vocab.start().and_then(|start| chain.states().after_prompt(&[start]).ok()).unwrap_or(0);
    let walker = chain.walker()?;
    let mut text = String::new();
    for state in walker.walk(Start::State(start), seed)?.skip(1).take(length) {
        let token = chain.states().newest_token(state);
        if Some(token) == vocab.end() {
            text.push('\n');
        } else {
            text.push_str(vocab.name(token));
            text.push(' ');
        }
    }
    quote(&text);
    Ok(())
}

/// How often a text has each token.
fn frequencies_of(text: &Corpus) -> Law {
    let mut counts = vec![0.0; text.vocab().len()];
    text.tokens().iter().for_each(|&token| counts[token as usize] += 1.0);
    if let Some(end) = text.vocab().end() {
        counts[end as usize] = text.documents().len() as f64;
    }
    Law::normalized(counts).expect("a text has tokens")
}

fn percent(p: f64) -> String {
    format!("{:.4} %", 100.0 * p)
}
