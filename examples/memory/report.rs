//! What is printed.

use std::error::Error;

use lmchain::information::{PairCounts, block_counts, crossover, slopes};
use lmchain::prob::EntropyEstimator;

use crate::options::{ESTIMATOR, Options};
use crate::subject::{LEFT, Model, Subject, stands_out};
use crate::support::{bars, count, grouped, heading, say};

/// Lags that are listed, as far as they were measured.
const LISTED: [usize; 12] = [1, 2, 3, 5, 8, 10, 22, 46, 100, 215, 464, 1000];

pub(crate) fn text(subject: &Subject, options: &Options) -> Result<(), Box<dyn Error>> {
    let tokens = subject.corpus.tokens().len();
    heading(
        "What the text remembers",
        "Bits that a character tells about the one so many steps later: estimated in four ways, and how much of it\n   shuffles of the text have too, which remember nothing.",
    );
    say!("   {}", subject.title);
    say!("   {}, {} different ones", count(tokens, "character"), grouped(subject.corpus.vocab().len()));
    let effective = subject.effective.value();
    say!(
        "   for the share of a character as good as {} independent ones (correlation time {:.2}{})\n",
        grouped(effective.size.round()),
        effective.time,
        if subject.effective.is_converged() { "" } else { ", and more: not settled" }
    );
    let others = [EntropyEstimator::PlugIn, EntropyEstimator::MillerMadow, EntropyEstimator::ChaoShen];
    let names = others.map(|estimator| format!("{:>12}", estimator.name())).join(" ");
    let floor = format!("floor of {}", count(options.shuffles, "shuffle"));
    say!("   {:>5} {names} {:>12} {floor:>22} {:>10}", "lag", "Grassberger", "above it");
    for at in subject.estimates.iter().filter(|at| LISTED.contains(&at.lag)) {
        let pairs = PairCounts::new(&subject.corpus, at.lag)?;
        let bits = others.map(|estimator| format!("{:>12.5}", pairs.mutual_information(estimator))).join(" ");
        let floor =
            at.floor.map_or("–".into(), |floor| format!("{:.5} ± {:.5}", floor.mean, floor.deviation));
        let above = if stands_out(at) { format!("{:.5}", at.above_floor()) } else { "–".into() };
        say!("   {:>5} {bits} {:>12.5} {floor:>22} {above:>10}", at.lag, at.mutual_information);
    }
    if let Some(last) = subject.estimates.iter().take_while(|at| stands_out(at)).last() {
        say!(
            "\n   up to lag {} it stands out of the shuffles, by more than four of their deviations",
            grouped(last.lag)
        );
    }
    Ok(())
}

pub(crate) fn models(models: &[Model]) {
    heading(
        "What its models remember",
        "Whole smoothed models of the text that see so many characters, exactly. A causal state is a set of contexts\n   with one future; the complexity is what must be remembered, the excess entropy what of it can be seen.",
    );
    say!(
        "   {:>7} {:>9} {:>8} {:>7} {:>10} {:>8} {:>11} {:>6} {:>9}",
        "context",
        "states",
        "rate h",
        "excess",
        "complexity",
        "causal",
        "|lambda_2|",
        "order",
        format!("to {LEFT}")
    );
    for model in models {
        say!(
            "   {:>7} {:>9} {:>8.4} {:>7.4} {:>10.4} {:>8} {:>11} {:>6} {:>9}",
            model.context,
            grouped(model.states),
            model.rate(),
            model.excess,
            model.complexity,
            grouped(model.causal_states),
            modulus(model),
            model.order,
            model.order_within
        );
    }
    say!(
        "\n   about: judged by how information falls in the end\n   order to {LEFT}: the characters of context that know all but {LEFT} bits of what the model knows"
    );
}

fn modulus(model: &Model) -> String {
    let (modulus, is_judged) = model.second;
    format!("{}{modulus:.4}", if is_judged { "about " } else { "" })
}

/// What older characters add, in the largest model and in the text.
pub(crate) fn conditional(models: &[Model], subject: &Subject) {
    let Some(model) = models.last() else { return };
    let explanation = format!(
        "Bits that characters before the last m tell about the next one, h_m - h, in the model that sees {}.",
        model.context
    );
    heading("How far back it matters", &explanation);
    let row = |(m, entropy): (usize, &f64)| (format!("last {m}"), entropy - model.rate());
    bars(&model.entropies.iter().enumerate().map(row).collect::<Vec<_>>(), |bits| format!("{bits:.4}"));
    say!("\n   of a character after m others, in the text as its windows are counted:");
    let of_text = text_entropies(subject, model.context);
    let shown: Vec<String> = of_text.iter().enumerate().map(|(m, bits)| format!("{m}: {bits:.4}")).collect();
    say!("   {}", shown.join("   "));
}

/// Estimates of `h_m` from the blocks of the text, for `m = 0..=longest`.
pub(crate) fn text_entropies(subject: &Subject, longest: usize) -> Vec<f64> {
    let entropy = |length: usize| match length {
        0 => Some(0.0),
        _ => block_counts(&subject.corpus, length).ok().map(|counts| ESTIMATOR.entropy(&counts)),
    };
    let blocks: Vec<f64> = (0..=longest + 1).map_while(entropy).collect();
    blocks.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

pub(crate) fn decay(subject: &Subject, models: &[Model]) -> Result<(), Box<dyn Error>> {
    heading(
        "How it is forgotten",
        "Local slopes of the information. A power of the lag has one log-log slope, an exponential one fall a step;\n   a model ends with an exponential, the text may not.",
    );
    let significant = subject.estimates.iter().take_while(|at| stands_out(at));
    let curve: Vec<(usize, f64)> = significant.map(|at| (at.lag, at.above_floor())).collect();
    say!("   {:<10} {:>14} {:>14} {:>14}", "text", "lags", "log-log slope", "nats a step");
    for range in [1..3, 3..10, 10..46, 46..215, 215..1001] {
        let ends: Vec<(usize, f64)> = curve.iter().copied().filter(|at| range.contains(&at.0)).collect();
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { continue };
        for slope in slopes(&[first, last]).iter().filter(|_| first.0 < last.0) {
            let lags = format!("{} to {}", slope.from, slope.to);
            say!("   {:<10} {lags:>14} {:>14.3} {:>14.5}", "", slope.power.unwrap_or(f64::NAN), slope.rate);
        }
    }
    say!(
        "\n   {:<10} {:>14} {:>14} {:>14} {:>14}",
        "context",
        "lag 8 to 16",
        "at the end",
        "2 ln|lambda_2|",
        "crossover"
    );
    for model in models {
        let slopes = slopes(&model.doubling());
        let rate = |from: usize| slopes.iter().find(|slope| slope.from == from).map(|slope| slope.rate);
        let (modulus, is_judged) = model.second;
        if !(modulus > 0.0 && modulus < 1.0) {
            continue;
        }
        let lag = crossover(&slopes, modulus, 1.0)?;
        // What was judged by the end of the curve cannot be held against it.
        let expected = if is_judged { "judged".into() } else { format!("{:.5}", 2.0 * modulus.ln()) };
        say!(
            "   {:<10} {:>14.5} {:>14.5} {expected:>14} {:>14}",
            model.context,
            rate(8).unwrap_or(f64::NAN),
            slopes.last().map_or(f64::NAN, |slope| slope.rate),
            lag.map_or("beyond".into(), |lag| lag.to_string())
        );
    }
    say!(
        "\n   nats a step, between lags that double; judged: the eigenvalue was, by the slope at the end\n   crossover: from there on at most twice what it will be in the end"
    );
    Ok(())
}
