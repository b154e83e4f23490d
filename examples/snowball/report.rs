//! What is printed and drawn.

use std::error::Error;

use lmchain::chain::MarkovChain;
use lmchain::exposure::{
    ContractionBounds, Contributions, ErrorCurve, ErrorRates, LookAheadFit, Origins, Plateau, SurprisalPath,
};
use lmchain::operator::{SparseOperator, TransitionOperator};

use crate::options::Options;
use crate::subject::Subject;
use crate::support::{Axis, Labels, Plots, Series, count, grouped, heading, say, sparkline, visible};

pub(crate) fn size(subject: &Subject) {
    heading(&subject.title, &subject.about);
    let transitions = |chain: &MarkovChain<SparseOperator>| grouped(chain.operator().stored_entries());
    let (data, model) = (&subject.data, &subject.model);
    say!(
        "   {} contexts, with {} steps in the data and {} of the model's",
        grouped(data.len()),
        transitions(data),
        transitions(model)
    );
    let per_cent = 100.0 * subject.leak;
    say!(
        "   {per_cent:.2} % of what the model would say next leads to a context that never occurs: left out"
    );
}

pub(crate) fn rates(rates: &ErrorRates) {
    heading("How far apart are they?", "in the long run, each in its own contexts");
    indented(&rates.to_string());
    if rates.reverse_error.is_infinite() {
        say!("   inf: the model makes steps that the data never make");
    }
}

pub(crate) fn snowball(curve: &ErrorCurve, plateau: &Plateau) {
    heading("The snowball", "the error per token while the model reads what it wrote, in bits");
    let error = curve.error();
    let columns: Vec<f64> = error.iter().step_by(error.len().div_ceil(60)).copied().collect();
    say!("   {}", sparkline(&columns, 1.02 * columns.iter().copied().fold(0.0, f64::max)));
    let excess = curve.excess();
    for tokens in [1, 2, 5, 10, 20, 50].into_iter().filter(|&tokens| tokens < error.len()) {
        let excess = excess.as_ref().map_or(f64::NAN, |excess| excess[tokens]);
        say!("   after {tokens:>2}: {:.5}   with all before it, {excess:6.2} % in excess", error[tokens]);
    }
    let more = if plateau.first > 0.0 { 100.0 * (plateau.limit / plateau.first - 1.0) } else { 0.0 };
    say!("   plateau: {:.5} bits, {more:+.2} % on the first", plateau.limit);
    let seen = curve.time_constant().map_or("not yet".to_owned(), |steps| count(steps, "token"));
    say!("   all but 1/e of the way there: {seen}; the way adds {:+.4} bits in all", plateau.offset);
}

pub(crate) fn distance(
    curve: &ErrorCurve,
    linear: &[f64],
    contraction: Option<&ContractionBounds>,
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    heading("How far from the data?", "total variation distance of the contexts");
    let last = linear.len() - 1;
    say!("   after {last}: {:.5}, by the linear bound at most {:.5}", curve.distance()[last], linear[last]);
    let mut all = vec![series("distance from the data", curve.distance()), series("linear bound", linear)];
    if let Some(found) = contraction {
        say!(
            "   {} of the model contract by {:.5}: at most {:.5} for ever",
            count(found.steps, "step"),
            found.coefficient,
            found.limit
        );
        all.push(series("bound by contraction", &found.bounds));
    }
    let labels = Labels { title: "Distance from the data", x: "tokens written", y: "total variation" };
    let path = Plots::new(&options.plots)?.curves("snowball_distance", &labels, Axis::Linear, &all)?;
    say!("\n   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn origins(origins: &Origins, contributions: &Contributions) {
    let explanation =
        format!("contexts of the data, and what each adds to the {:.5} bits that pile up", origins.total);
    heading("Where does it start?", &explanation);
    let mut shown = origins.clone();
    for origin in &mut shown.contexts {
        (origin.label, origin.token) = (visible(&origin.label), visible(&origin.token));
    }
    indented(&shown.to_string());
    heading("Where does it show?", "contexts by how much more error is made there in the model's own text");
    let mut shown = contributions.clone();
    for context in &mut shown.contexts {
        context.label = visible(&context.label);
    }
    indented(&shown.to_string());
}

pub(crate) fn calibration(fit: &LookAheadFit, before: &ErrorRates, after: &ErrorRates) {
    heading(
        "Does it help to look ahead?",
        "every token less likely by 2^-a for each bit of entropy after it",
    );
    say!("   a = {:.5}", fit.alpha);
    say!("   {:<38}{:>10}{:>10}", "", "before", "after");
    for (name, one, other) in [
        ("cross-entropy", before.cross_entropy, after.cross_entropy),
        ("entropy rate of the model", before.entropy_rate_model, after.entropy_rate_model),
    ] {
        say!("   {name:<38}{one:>10.5}{other:>10.5}");
    }
    // These are to be zero.
    for (name, one, other) in [
        ("drift", before.drift(), after.drift()),
        ("error in the contexts of the data", before.error, after.error),
        ("error in the model's own contexts", before.error_under_model, after.error_under_model),
        ("distance in the long run", before.distance, after.distance),
    ] {
        let verdict = if other.abs() < one.abs() { "nearer" } else { "farther" };
        say!("   {name:<38}{one:>10.5}{other:>10.5}  {verdict}");
    }
    say!(
        "   entropy after the next token: {:.5} where the data choose it, {:.5} before, {:.5} now",
        fit.next_entropy_data,
        fit.next_entropy_before,
        fit.next_entropy_after
    );
    say!("   that entropy is what is fitted; the rest follows as it may");
}

pub(crate) fn curves(
    before: &ErrorCurve,
    after: &ErrorCurve,
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    let plots = Plots::new(&options.plots)?;
    let plateau = |curve: &ErrorCurve| vec![curve.limit(); curve.error().len()];
    let all = [
        series("error", before.error()),
        series("its plateau", &plateau(before)),
        series("error, calibrated", after.error()),
        series("its plateau, calibrated", &plateau(after)),
    ];
    let labels = Labels { title: "Error in the model's own text", x: "tokens written", y: "bits a token" };
    let path = plots.curves("snowball_error", &labels, Axis::Linear, &all)?;
    say!("\n   drawn in {}", path.display());
    let excess = |name: &str, curve: &ErrorCurve| {
        curve.excess().map(|excess| Series {
            name: name.to_owned(),
            points: excess.iter().enumerate().map(|(place, &y)| (place as f64 + 1.0, y)).collect(),
        })
    };
    let all: Vec<Series> =
        [excess("before", before), excess("calibrated", after)].into_iter().flatten().collect();
    let labels = Labels { title: "Excess accumulated error", x: "tokens", y: "per cent" };
    let path = plots.curves("snowball_excess", &labels, Axis::Linear, &all)?;
    say!("   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn surprisal(
    own: &SurprisalPath,
    real: &SurprisalPath,
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    let explanation = format!(
        "surprisal less entropy, with at most {} % false alarms however long one reads",
        100.0 * options.false_alarms
    );
    heading("Is it the model's own text?", &explanation);
    for (name, path) in [("written by the model", own), ("not written by it", real)] {
        let last = path.evidence().len() - 1;
        let alarm =
            path.alarm().map_or("no alarm".to_owned(), |at| format!("alarm after {}", count(at, "token")));
        say!(
            "   {name:<22}{:>7} tokens  {:+.4} bits a token, z {:+.2}, evidence {:+.1} bits: {alarm}",
            grouped(last + 1),
            path.deviation()[last] / (last + 1) as f64,
            path.z()[last],
            path.evidence()[last]
        );
    }
    say!("   the other text is the end of the data, which the model was not made from");
    say!("   only surprise beyond what the model expects tells: a calibrated model's errors do not");
    // What speaks for the model is not drawn: the axis starts at no evidence.
    let shown = |path: &SurprisalPath| path.evidence().iter().map(|bits| bits.max(0.0)).collect::<Vec<f64>>();
    let longest = own.evidence().len().max(real.evidence().len());
    let all = [
        series("written by the model", &shown(own)),
        series("not written by it", &shown(real)),
        series("alarm", &vec![own.threshold(); longest]),
    ];
    let labels = Labels { title: "Evidence that a text is not the model's own", x: "tokens read", y: "bits" };
    let path = Plots::new(&options.plots)?.curves("snowball_evidence", &labels, Axis::Linear, &all)?;
    say!("\n   drawn in {}", path.display());
    Ok(())
}

fn series(name: &str, values: &[f64]) -> Series {
    let points = values.iter().enumerate().map(|(place, &y)| (place as f64, y)).collect();
    Series { name: name.to_owned(), points }
}

fn indented(text: &str) {
    text.lines().for_each(|line| say!("   {line}"));
}
