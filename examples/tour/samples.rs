//! Texts that the chain makes, forward and backward.

use std::error::Error;

use lmchain::chain::Start;
use lmchain::operator::{TransitionOperator, successors};
use lmchain::prob::Law;
use lmchain::text::Token;

use crate::Subject;
use crate::support::{bars, heading, quote};

/// Tokens sampled, beyond the first context.
const SAMPLE: usize = 200;

/// The contexts that an ending goes through. Of one shorter than a context, the
/// most frequent context that ends like it; of an empty one, the most frequent of all.
pub(crate) fn ending(subject: &Subject, ending: &str) -> Result<Vec<usize>, Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let (states, context) = (chain.states(), chain.states().context_length());
    let missing = || format!("--ending: the text has no {ending:?}");
    let encoded = text.corpus.encode_skipping(ending);
    if encoded.skipped > 0 {
        return Err(missing().into());
    }
    if encoded.tokens.len() < context {
        let fits = (0..chain.len()).filter(|&state| states.tokens(state).ends_with(&encoded.tokens));
        let best = fits.max_by(|&a, &b| stationary[a].total_cmp(&stationary[b])).ok_or_else(missing)?;
        return Ok(vec![best]);
    }
    let path = encoded.tokens.windows(context).map(|window| states.after_prompt(window));
    let path: Vec<usize> = path.collect::<Result<_, _>>().map_err(|_| missing())?;
    let goes_on = |step: &[usize]| chain.operator().probability(step[0], step[1]) > 0.0;
    if path.windows(2).all(goes_on) { Ok(path) } else { Err(missing().into()) }
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
pub(crate) fn backward(subject: &Subject, ending: &[usize], seed: u64) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let last = text.label(&written(subject, ending));
    heading("Backward", &format!("Drawn from its end “{last}”, one token back at a time; in reading order."));
    let reversed = chain.reversed(stationary)?;
    let mut path: Vec<usize> = reversed.walk_back(ending[0], seed)?.take(SAMPLE + 1).collect();
    path.reverse();
    path.extend(&ending[1..]);
    quote(&text.corpus.decode(&written(subject, &path)));
    Ok(())
}

/// The law of the token before the ending.
pub(crate) fn what_came_before(subject: &Subject, ending: &[usize]) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    let states = chain.states();
    let first = text.label(&states.tokens(ending[0]));
    heading(
        "What came before",
        &format!("The reverse table's row of “{first}”: which {} precedes it.", text.unit),
    );
    let reversed = chain.reversed(stationary)?;
    let mut before = vec![0.0; states.vocabulary_size()];
    for step in successors(reversed.operator(), ending[0]) {
        before[states.oldest_token(step.state) as usize] += step.probability;
    }
    let rows = Law::normalized(before)?.top(8).into_iter();
    let rows = rows.map(|(token, p)| (format!("{} {first}", text.label(&[token as Token])), p));
    bars(&rows.collect::<Vec<_>>(), |p| format!("{:.1} %", 100.0 * p));
    Ok(())
}

/// The text along a path: its first context, then the newest token of every other.
fn written(subject: &Subject, path: &[usize]) -> Vec<Token> {
    let states = subject.chain.states();
    let mut tokens = states.tokens(path[0]);
    tokens.extend(path[1..].iter().map(|&state| states.newest_token(state)));
    tokens
}
