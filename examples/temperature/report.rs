//! What is printed and drawn.

use std::error::Error;

use lmchain::chain::Start;

use crate::options::Options;
use crate::parity::{LEVEL, Toy};
use crate::subject::Subject;
use crate::support::{Axis, Labels, Plots, Series, count, grouped, heading, quote, say, visible};
use crate::sweep::{Measured, Strongest, Visits};

const LOGARITHMIC: [Axis; 2] = [Axis::Logarithmic; 2];

/// What Zekri et al. report of the same toy, learnt by a small transformer (figure 5).
const PUBLISHED: [(f64, f64); 2] = [(1.0, 300.0), (2.0, 30.0)];

/// Where theirs had not converged by then.
const NOT_YET: [(f64, f64); 1] = [(0.2, 1e6)];

/// Tokens of the samples.
const SAMPLE: usize = 60;

fn steps(time: Option<u64>) -> String {
    match time {
        Some(time) if time < 10_000_000 => grouped(time),
        Some(time) => format!("{:.2e}", time as f64),
        None => "beyond".to_owned(),
    }
}

/// A time to the digits that the distance of an eigenvalue from one has: it loses as many as the time is long.
fn short(time: f64) -> String {
    if time < 1000.0 { format!("{time:.2}") } else { format!("{time:.2e}") }
}

fn series(name: &str, points: impl Iterator<Item = (f64, Option<f64>)>) -> Series {
    let points = points.filter_map(|(x, y)| Some((x, y.filter(|y| y.is_finite() && *y > 0.0)?))).collect();
    Series { name: name.to_owned(), points }
}

pub(crate) fn parity(sweep: &[Toy], plots: &Plots) -> Result<(), Box<dyn Error>> {
    heading(
        "A toy: the next bit is the parity of the last three",
        "Wrong with the probability shown. Steps until the distance from the worst start is at most 1/4.",
    );
    say!("      T       wrong    second eigenvalue   left after 3    exact     Dobrushin    Zekri et al.");
    for toy in sweep {
        let Toy { temperature, wrong, modulus, after_purge, .. } = toy;
        let [exact, dobrushin, zekri] = [toy.mixing_time, toy.dobrushin, toy.zekri].map(steps);
        say!(
            "   {temperature:>4}   {wrong:>9.2e}   {modulus:>18.12}   {after_purge:>11.4}   {exact:>9}   {dobrushin:>9}   {zekri:>9}"
        );
    }
    let uniform = sweep.iter().map(|toy| toy.from_uniform).fold(0.0, f64::max);
    say!(
        "\n   Temperature need not move the stationary law: here it is uniform at every T, to {uniform:.0e}."
    );
    say!("   What moves is how long it takes to get there. Both bounds are proven, and of no use.");
    let of = |name: &str, time: fn(&Toy) -> Option<u64>| {
        series(name, sweep.iter().map(|toy| (toy.temperature, time(toy).map(|steps| steps as f64))))
    };
    let curves = [
        of("exact mixing time", |toy| toy.mixing_time),
        of("bound of Dobrushin, P^3", |toy| toy.dobrushin),
        of("bound of Zekri et al.", |toy| toy.zekri),
    ];
    let dots = [
        Series { name: "published, about".to_owned(), points: PUBLISHED.to_vec() },
        Series { name: "published: not by then".to_owned(), points: NOT_YET.to_vec() },
    ];
    let title = format!("Parity toy: steps to distance {LEVEL}");
    let labels = Labels { title: &title, x: "temperature", y: "steps" };
    let path = plots.curves_and_dots_on("temperature_parity", &labels, LOGARITHMIC, &curves, &dots)?;
    say!("   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn size(subject: &Subject, options: &Options) {
    heading(&subject.title, "An n-gram model of it, and the chain of all its contexts.");
    let (tokens, vocab) = (subject.corpus.tokens().len(), subject.corpus.vocab().len());
    say!("   {}, {} different ones", count(tokens, subject.unit), grouped(vocab));
    let contexts = vocab.pow(u32::from(options.order) - 1);
    say!("   order {}: {}", options.order, count(contexts, "context"));
}

pub(crate) fn mixing(sweep: &[Measured], plots: &Plots) -> Result<(), Box<dyn Error>> {
    heading("Mixing", "How fast the prompt is forgotten: purged from the window first, then by decay.");
    say!(
        "       T   bits a token   second eigenvalue   relaxation time   left after the purge   mixing time"
    );
    let relaxation = |one: &Measured| one.modulus.map(|modulus| 1.0 / (1.0 - modulus));
    for one in sweep {
        // The residual of 1e-10 leaves of a fairly conditioned eigenvalue some eight digits.
        let modulus = one.modulus.map_or_else(|| "not found".to_owned(), |modulus| format!("{modulus:.8}"));
        let relaxation = relaxation(one).map_or_else(String::new, short);
        say!(
            "   {:>5.3}   {:>12.4}   {modulus:>17}   {relaxation:>15}   {:>20.4}   {:>11}",
            one.temperature,
            one.rate,
            one.after_purge,
            steps(one.mixing_time)
        );
    }
    let curves = [
        series(
            "mixing time, worst start",
            sweep.iter().map(|one| (one.temperature, one.mixing_time.map(|t| t as f64))),
        ),
        series("relaxation time", sweep.iter().map(|one| (one.temperature, relaxation(one)))),
    ];
    let labels = Labels { title: "How fast the model forgets", x: "temperature", y: "steps" };
    let path = plots.curves_and_dots_on("temperature_mixing", &labels, LOGARITHMIC, &curves, &[])?;
    say!("\n   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn loops(subject: &Subject, sweep: &[Measured], plots: &Plots) -> Result<(), Box<dyn Error>> {
    heading(
        "Loops",
        "Greedy decoding ends in the same loops at every temperature. How much of the time is spent on them?",
    );
    say!("       T   on loops   steps to get away   the strongest");
    for one in sweep {
        let strongest = one.strongest.as_ref().map_or_else(String::new, |Strongest { text, share, turn }| {
            let shown: String = visible(text).chars().take(36).collect();
            format!("{:.2} % of time, goes on with {turn:.4}: {shown}", 100.0 * share)
        });
        let escape_time =
            one.escape_time.map_or_else(|| "not found".to_owned(), |steps| format!("{steps:.4}"));
        say!(
            "   {:>5.3}   {:>6.2} %   {escape_time:>17}   {strongest}",
            one.temperature,
            100.0 * one.on_loops
        );
    }
    let most = (subject.corpus.vocab().len() as f64).log2();
    let redundancy = |one: &Measured| (one.temperature, Some(1.0 - one.rate / most));
    let curves = [
        series(
            "share of time on greedy loops",
            sweep.iter().map(|one| (one.temperature, Some(one.on_loops))),
        ),
        series(&format!("redundancy: 1 - entropy rate / {most:.2} bits"), sweep.iter().map(redundancy)),
    ];
    let labels = Labels { title: "Loops and redundancy", x: "temperature", y: "share" };
    let path = plots.curves("temperature_loops", &labels, Axis::Logarithmic, &curves)?;
    say!("\n   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn topics(subject: &Subject, sweep: &[Measured], plots: &Plots) -> Result<(), Box<dyn Error>> {
    heading(
        "Topics",
        "A context is of the part of the text where it is most frequent. Mean steps of a visit, and its half-life.",
    );
    let names: Vec<&str> = subject.parts().iter().map(|(name, _)| *name).collect();
    let columns: Vec<String> = names.iter().map(|name| format!("{name:>26}")).collect();
    say!("       T{}", columns.concat());
    for one in sweep {
        let cell = |visits: &Visits| {
            let half_life = visits.half_life.map_or_else(|| "long".to_owned(), grouped);
            let share = 100.0 * visits.share;
            format!("{:>26}", format!("{:.2}, {half_life} ({share:.1} %)", visits.mean))
        };
        say!("   {:>5.3}{}", one.temperature, one.topics.iter().map(cell).collect::<String>());
    }
    let of_topic = |topic: usize| {
        let visits = sweep.iter().map(|one| (one.temperature, Some(one.topics[topic].mean)));
        series(names[topic], visits)
    };
    let curves: Vec<Series> = (0..names.len()).map(of_topic).collect();
    let labels = Labels { title: "Mean length of a visit to a topic", x: "temperature", y: "steps" };
    let path = plots.curves_and_dots_on("temperature_topics", &labels, LOGARITHMIC, &curves, &[])?;
    say!("\n   drawn in {}", path.display());
    Ok(())
}

pub(crate) fn samples(
    subject: &Subject,
    temperatures: &[f64],
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    heading(
        "What it sounds like",
        "Text drawn from the stationary law on, at the lowest, a middle and the highest temperature.",
    );
    for &temperature in
        [0, temperatures.len() / 2, temperatures.len() - 1].iter().map(|&at| &temperatures[at])
    {
        let chain = subject.chain(temperature)?;
        let law = chain.stationary()?.converged()?;
        let walker = chain.walker()?;
        let walk = walker.walk(Start::Law(&law), options.seed)?.take(SAMPLE);
        let tokens: Vec<_> = walk.map(|state| chain.states().newest_token(state)).collect();
        say!("   T = {temperature:.3}");
        quote(&subject.corpus.decode(&tokens));
        say!("");
    }
    Ok(())
}
