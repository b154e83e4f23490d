//! Texts that the chain makes, forward and backward.

use std::error::Error;

use lmchain::chain::Start;
use lmchain::operator::successors;
use lmchain::prob::Law;
use lmchain::text::Token;

use crate::Subject;
use crate::support::{bars, heading, quote};

/// Tokens sampled, beyond the first context.
const SAMPLE: usize = 200;

/// The most frequent context that ends like this; of an empty ending, the most frequent of all.
pub(crate) fn ending(subject: &Subject, ending: &str) -> Result<usize, Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let tokens = text.corpus.encode(ending).map_err(|error| format!("--ending: {error}"))?.tokens;
    let wanted = &tokens[tokens.len().saturating_sub(chain.states().context_length())..];
    let fits = (0..chain.len()).filter(|&state| chain.states().tokens(state).ends_with(wanted));
    let best = fits.max_by(|&a, &b| stationary[a].total_cmp(&stationary[b]));
    best.ok_or_else(|| format!("--ending: the text has no {ending:?}").into())
}

/// A text drawn from the chain.
pub(crate) fn forward(subject: &Subject, seed: u64) -> Result<(), Box<dyn Error>> {
    heading("Forward", "A text drawn from the chain, from a start drawn from the stationary law.");
    let walker = subject.chain.walker()?;
    let path: Vec<usize> = walker.walk(Start::Law(&subject.stationary), seed)?.take(SAMPLE + 1).collect();
    quote(&subject.text.corpus.decode(&written(subject, &path)));
    Ok(())
}

/// A text drawn from its end to its start.
pub(crate) fn backward(subject: &Subject, ending: usize, seed: u64) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let last = text.label(&chain.states().tokens(ending));
    heading(
        "Backward",
        &format!("Drawn from the end, {last}, one token back at a time; shown in reading order."),
    );
    let reversed = chain.reversed(stationary)?;
    let mut path: Vec<usize> = reversed.walk_back(ending, seed)?.take(SAMPLE + 1).collect();
    path.reverse();
    quote(&text.corpus.decode(&written(subject, &path)));
    Ok(())
}

/// The law of the token before the ending.
pub(crate) fn what_came_before(subject: &Subject, ending: usize) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let states = chain.states();
    let last = text.label(&states.tokens(ending));
    heading(
        "What came before",
        &format!("The reverse table's row of {last}: which {} precedes it.", text.unit),
    );
    let reversed = chain.reversed(stationary)?;
    let mut before = vec![0.0; states.vocabulary_size()];
    for step in successors(reversed.operator(), ending) {
        before[states.oldest_token(step.state) as usize] += step.probability;
    }
    let rows = Law::normalized(before)?.top(8).into_iter();
    let rows: Vec<_> =
        rows.map(|(token, p)| (format!("{} {last}", text.label(&[token as Token])), p)).collect();
    bars(&rows, |p| format!("{:.1} %", 100.0 * p));
    Ok(())
}

/// The text along a path: its first context, then the newest token of every other.
fn written(subject: &Subject, path: &[usize]) -> Vec<Token> {
    let states = subject.chain.states();
    let mut tokens = states.tokens(path[0]);
    tokens.extend(path[1..].iter().map(|&state| states.newest_token(state)));
    tokens
}
