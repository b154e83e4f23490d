//! What is printed and drawn.

use std::error::Error;

use lmchain::elicit::{Elicited, ScoredPrefix};
use lmchain::text::Token;

use crate::options::Options;
use crate::reversal::{Reversals, Row, TEMPERATURES};
use crate::search::Found;
use crate::subject::Subject;
use crate::support::{Axis, Labels, Plots, Series, bars, count, grouped, heading, say, visible};

/// Tokens as they are shown.
fn shown(subject: &Subject, tokens: &[Token]) -> String {
    visible(&subject.corpus.decode(tokens))
}

pub(crate) fn size(subject: &Subject) {
    heading(&subject.title, "everything that a model of its characters may say");
    let Subject { corpus, model, reverse, chain, .. } = subject;
    let context = chain.states().context_length();
    say!("   {}, {} different ones", count(corpus.tokens().len(), "character"), corpus.vocab().len());
    say!("   a model that sees {context} of them has {} contexts", grouped(chain.len()));
    let (forward, backward) = (model.order(), reverse.order());
    say!("   {forward}-grams, Witten–Bell; of the text read backwards, {backward}-grams");
}

pub(crate) fn likely(subject: &Subject) {
    let suffix = shown(subject, &subject.suffix);
    heading("How likely is it?", &format!("what {suffix} costs the model, in bits a character"));
    let after = subject.after_contexts();
    let law = &subject.stationary;
    let anywhere: f64 = law.iter().zip(&after).map(|(p, q)| p * q).sum();
    let typical: f64 = law.iter().zip(&after).map(|(p, q)| p * subject.loss(*q)).sum();
    let most = |values: &[f64]| (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a });
    let (common, best) = (most(law).unwrap_or(0), most(&after).unwrap_or(0));
    let named = |what: &str, context| format!("{what}, {}", visible(&subject.chain.states().label(context)));
    bars(
        &[
            ("somewhere in the model's own text".to_owned(), subject.loss(anywhere)),
            ("after a context of its text, on average".to_owned(), typical),
            (named("after the commonest context", common), subject.loss(after[common])),
            (named("after the best of all contexts", best), subject.loss(after[best])),
        ],
        |bits| format!("{bits:.4}"),
    );
    say!("\n   it begins at one character in {:.0} of the model's own text,", 1.0 / anywhere);
    say!("   and {:.0} times as often after the best context", after[best] / anywhere);
}

pub(crate) fn prefixes(subject: &Subject, found: &[Found], options: &Options) {
    heading(
        "The best prefixes",
        &format!(
            "of {} before {}: log2 P(suffix | prefix) + λ log2 P(prefix) is maximised",
            count(options.length, "character"),
            shown(subject, &subject.suffix)
        ),
    );
    let width = options.length.max("prefix".len());
    say!("   bits a character:{:w$}suffix    prefix", "", w = width + 10);
    say!("   {:24}  {:<width$}    loss      loss   evaluations (reverse)   gap in bits", "search", "prefix");
    for Found { weight, exact, beam, coordinate } in found {
        say!("\n   λ = {weight}");
        for (rank, prefix) in exact.prefixes.iter().enumerate() {
            let name = if rank == 0 { "exact".to_owned() } else { format!("exact, number {}", rank + 1) };
            let asked = if rank == 0 { evaluations(exact) } else { String::new() };
            line(subject, width, &name, prefix, &asked, exact.best().objective - prefix.objective);
        }
        let starts = count(options.restarts, "start");
        let searches =
            [(beam, format!("beam of {}", options.width)), (coordinate, format!("coordinate, {starts}"))];
        for (search, name) in searches {
            line(subject, width, &name, search.best(), &evaluations(search), search.gap(exact));
        }
    }
    if found.iter().any(|found| found.weight == 0.0) && options.length > options.context {
        say!(
            "\n   with λ = 0 only the last {} count; the others are as they come",
            count(options.context, "character")
        );
    }
}

/// Laws that were asked of the model, and of the reverse model.
fn evaluations(found: &Elicited) -> String {
    match found.reverse_evaluations {
        0 => grouped(found.evaluations),
        reverse => format!("{} ({})", grouped(found.evaluations), grouped(reverse)),
    }
}

fn line(subject: &Subject, width: usize, name: &str, found: &ScoredPrefix, asked: &str, gap: f64) {
    let prefix = shown(subject, &found.prefix);
    let natural = found.prefix_loss.map_or(String::new(), |bits| format!("{bits:.4}"));
    say!("     {name:22}  {prefix:<width$}  {:.4}  {natural:>8}   {asked:<21}   {gap:.4}", found.suffix_loss);
}

pub(crate) fn reversals(subject: &Subject, reversals: &Reversals) {
    heading(
        "What came before, by Bayes' rule",
        "cross-entropy on the model's own text, in bits a character; residuals r of suffixes, 1 if consistent",
    );
    let [warm, cold] = TEMPERATURES;
    let lengths = reversals.rows.first().map_or(0, |row| row.residuals.len());
    let suffixes = (1..=lengths)
        .map(|length| format!("{:>9}", format!("r({})", shown(subject, &subject.suffix[..length]))));
    let titles =
        format!("{:>9}{:>9}{}", format!("T = {warm}"), format!("T = {cold}"), suffixes.collect::<String>());
    say!("   {:15}{:14}{:10}{titles}", "prior", "conditionals", "dilution");
    for row in &reversals.rows {
        say!("   {:15}{:14}{:<10}{}", row.prior, row.conditionals, row.dilution, numbers(row));
    }
    say!("\n   {:39}{:>9.4}", "the exact reversal", reversals.exact);
    say!("   {:39}{:>9.4}", "the reverse model by itself", reversals.learned);
}

fn numbers(row: &Row) -> String {
    let bits = row.bits.iter().map(|bits| format!("{bits:>9.4}"));
    let residual = |r: &Option<f64>| r.map_or(format!("{:>9}", "-"), |r| format!("{r:>9.4}"));
    bits.chain(row.residuals.iter().map(residual)).collect()
}

/// The least suffix loss for a prefix loss, and what the searches found with
/// the weights above 0.
pub(crate) fn trade_off(
    frontier: &[ScoredPrefix],
    found: &[Found],
    options: &Options,
    plots: &Plots,
) -> Result<(), Box<dyn Error>> {
    let point = |prefix: &ScoredPrefix| prefix.prefix_loss.map(|natural| (natural, prefix.suffix_loss));
    let best = |search: fn(&Found) -> &Elicited| {
        let weighted = found.iter().filter(|found| found.weight > 0.0);
        weighted.filter_map(|found| point(search(found).best())).collect()
    };
    let exact = Series {
        name: "the best of all prefixes".into(),
        points: frontier.iter().filter_map(point).collect(),
    };
    let dots = [
        Series { name: format!("beam of {}", options.width), points: best(|found| &found.beam) },
        Series { name: "coordinate search".into(), points: best(|found| &found.coordinate) },
    ];
    let title = format!("What it costs to bring about {:?}", options.suffix);
    let labels =
        Labels { title: &title, x: "bits a character of the prefix", y: "bits a character of the suffix" };
    let path = plots.curves_and_dots("elicit", &labels, Axis::Linear, &[exact], &dots)?;
    say!("\n   the plot: {}", path.display());
    Ok(())
}
