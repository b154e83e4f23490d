//! Where text goes round and round, and how decoding moves it there.
//!
//! A model of characters is made from three short texts, without smoothing, so
//! that it writes what it has read, in a new order. Under each decoding the
//! contexts that a prompt can lead to are a chain, which is solved exactly: its
//! loops, how long a visit to them lasts, and how much of the time is spent there.

#[path = "support/mod.rs"]
mod support;

use clap::Parser;
use lmchain::loops::{DecodedLoops, LoopSearch, LoopSurvey, RepetitionSampler};
use lmchain::prelude::*;
use support::{count, grouped, heading, say, visible};

const VOICES: [&str; 3] =
    [include_str!("data/kitchen.txt"), include_str!("data/harbor.txt"), include_str!("data/observatory.txt")];

/// Characters that the model sees.
const CONTEXT: usize = 4;

/// The least turn probability of a loop, and the most characters of a turn.
const THRESHOLD: f64 = 0.04;
const LONGEST: usize = 40;

/// The smallest top-p.
const SHARP: f64 = 0.3;

/// How the text begins.
const PROMPT: &str = "wind";

/// The loops that a model of three short texts gets stuck in, and how decoding
/// moves them. `rho` is the probability of another turn, a stay is counted in
/// characters, `seq-rep-4` is the share of four characters in a row that were written before.
#[derive(Parser)]
#[command(name = "loops")]
struct Options {}

fn main() -> lmchain::Result<()> {
    let Options {} = Options::parse();
    let tokenizer = Tokenizer::characters().lower_case(true);
    let corpus = CorpusSettings::new(tokenizer).read_strings([VOICES.concat().replace('\n', " ")])?;
    let settings = NgramSettings::new(CONTEXT + 1).smoothing(Smoothing::MaximumLikelihood);
    let model = settings.fit(&corpus)?;
    let prompt = corpus.encode(PROMPT)?.tokens;

    let survey = LoopSurvey::new()
        .search(LoopSearch::new().threshold(THRESHOLD).max_length(LONGEST))
        .sampler(RepetitionSampler::new().ngram(4).walks(500).steps(200));
    let temperature = |t: f64| (format!("temperature {t}"), Decoding::new().temperature(t));
    let top_p = |p: f64| (format!("top-p {p}"), Decoding::new().top_p(p));
    let decodings = [
        temperature(1.0),
        temperature(0.7),
        temperature(0.5),
        temperature(0.3),
        top_p(0.9),
        top_p(0.6),
        top_p(SHARP),
    ];
    let mut surveyed = Vec::new();
    for (name, decoding) in decodings {
        surveyed.push((name, survey.measure(&model, decoding, &prompt)?));
    }
    overview(&surveyed);
    visits(&surveyed);
    entering(&model, &prompt)?;

    // The colder, the fewer choices, and the more is written twice.
    let cooled = &surveyed[..4];
    assert!(cooled.windows(2).all(|pair| pair[0].1.entropy_rate > pair[1].1.entropy_rate));
    assert!(cooled.windows(2).all(|pair| longest_stay(&pair[0].1) < longest_stay(&pair[1].1)));
    Ok(())
}

fn longest_stay(found: &DecodedLoops) -> f64 {
    found.strongest().map_or(0.0, |strongest| strongest.visits.mean_stay)
}

fn overview(surveyed: &[(String, DecodedLoops)]) {
    heading("Decodings", "contexts that the prompt leads to, and what is written there in the long run");
    say!(
        "   {:16} {:>8} {:>7} {:>6} {:>9} {:>9} {:>16}",
        "",
        "contexts",
        "classes",
        "loops",
        "absorbing",
        "bits/char",
        "seq-rep-4"
    );
    for (name, found) in surveyed {
        let (contexts, repetition) = (grouped(found.states), found.repetition.ngrams);
        say!(
            "   {name:16} {contexts:>8} {:>7} {:>6} {:>9} {:>9.3} {:>8.3} ± {:.3}",
            found.recurrent_classes,
            found.loops.len(),
            found.absorbing_loops(),
            found.entropy_rate,
            repetition.mean,
            repetition.standard_error,
        );
    }
}

fn visits(surveyed: &[(String, DecodedLoops)]) {
    heading("Loops", "what the strongest two write, turn by turn, and how long a visit lasts");
    say!("   {:16} {:40} {:>6} {:>9} {:>8}", "", "one turn", "rho", "stay", "of time");
    for (name, found) in surveyed {
        for (place, one) in found.loops.iter().take(2).enumerate() {
            let (name, text) = (if place == 0 { name } else { "" }, visible(&one.text));
            let visits = one.visits;
            say!(
                "   {name:16} {text:40} {:>6.3} {:>9.1} {:>7.1}%",
                one.turn_probability,
                visits.mean_stay,
                100.0 * visits.share
            );
        }
    }
}

/// When the strongest loop under the sharpest decoding is first come upon.
fn entering(model: &NgramModel, prompt: &[Token]) -> lmchain::Result<()> {
    let sharp = Decoded::new(model, Decoding::new().top_p(SHARP))?;
    let chain = MarkovChain::reachable(&sharp, &[prompt])?;
    let law = chain.stationary()?.converged()?;
    let found = LoopSearch::new().threshold(THRESHOLD).max_length(LONGEST).find(&chain)?;
    let ranked = chain.ranked_loops(found, &law)?;
    let (cycle, visits) = &ranked[0];
    let times = chain.passage_times(&cycle.state_set(chain.len())?)?.converged()?;
    let first = times.mean().interval(chain.states().after_prompt(prompt)?);
    heading("Entering", "the strongest loop under the sharpest decoding");
    say!("   writes {:?}, {} a turn", visible(&cycle.text(chain.states())), count(cycle.len(), "character"));
    say!(
        "   first met after {PROMPT:?} in {:.1} steps on average, then every {:.1}",
        first.midpoint(),
        visits.mean_time_between_entries()
    );
    say!("   left after {:.1} steps, {:.2} whole turns", visits.mean_stay, visits.mean_turns);
    Ok(())
}
