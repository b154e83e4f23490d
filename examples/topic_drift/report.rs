//! What is printed.

use std::error::Error;

use lmchain::drift::{ChapmanKolmogorov, LumpedChain, OnTrack, Sojourn, TextDrift, TopicReturn};
use lmchain::text::Token;

use crate::options::Options;
use crate::subject::Subject;
use crate::support::{Watch, count, grouped, heading, quote, say, sparkline, visible};

pub(crate) fn size(subject: &Subject, options: &Options) {
    heading(&subject.title, "what a model of its words may say");
    let corpus = subject.documents.corpus();
    say!(
        "   {}, {}, {} different ones",
        count(subject.documents.labels().len(), "document"),
        count(corpus.tokens().len(), "word"),
        grouped(corpus.vocab().len())
    );
    say!(
        "   order {}, top {}: {} contexts can be met",
        options.order,
        options.top_k,
        grouped(subject.chain.len())
    );
}

pub(crate) fn told_apart(subject: &Subject) {
    heading(
        "How well are topics told apart?",
        "naive Bayes on single words, learned from every other document; topics in rows, verdicts in columns",
    );
    subject.confusion.to_string().lines().for_each(|line| say!("   {line}"));
    let nothing = (subject.confusion.names().len() as f64).log2();
    say!(
        "   {:.2} bits a document for the true topic; {nothing:.2} is what a guess costs",
        subject.confusion.log_loss()
    );
}

/// What becomes of each topic.
pub(crate) struct Drift {
    pub(crate) shares: Vec<f64>,
    pub(crate) visits: Vec<Sojourn>,
    returns: Vec<TopicReturn>,
    lumped: LumpedChain,
    pub(crate) test: ChapmanKolmogorov,
}

impl Drift {
    pub(crate) fn of(subject: &Subject, options: &Options, watch: &mut Watch) -> lmchain::Result<Self> {
        let Subject { chain, stationary, topics, .. } = subject;
        let steps = options.steps();
        let each = || 0..topics.count();
        let visit = |topic| chain.sojourn(topics, topic, stationary, 4 * steps);
        let back = |topic| chain.topic_return(topics, topic, stationary, steps);
        let visits = watch.during("visits", || each().map(visit).collect::<lmchain::Result<_>>())?;
        let returns = watch.during("returns", || each().map(back).collect::<lmchain::Result<_>>())?;
        let lumped = watch.during("the topics as a chain", || chain.lumped(topics, stationary))?;
        let test = chain.chapman_kolmogorov_watched(topics, stationary, steps, watch)?;
        Ok(Self { shares: topics.law(stationary), visits, returns, lumped, test })
    }
}

pub(crate) fn topics(subject: &Subject, drift: &Drift, options: &Options) -> Result<(), Box<dyn Error>> {
    let order = usize::from(options.order.min(2));
    let explanation = format!(
        "A context belongs to the topic that its words are likeliest in, {} at a time.",
        count(order, "word")
    );
    heading("Drift", &explanation);
    let names = subject.topics.names();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
    let columns: Vec<String> = names.iter().map(|name| format!("{name:>widest$}")).collect();
    say!("   {:<widest$}   share   next word in {}", "topic", columns.join("  "));
    for (topic, name) in names.iter().enumerate() {
        let next = &drift.test.exact[topic][1];
        let cells: Vec<String> =
            next.iter().map(|p| format!("{:>w$.1} %", 100.0 * p, w = widest - 2)).collect();
        say!("   {name:<widest$}  {:>5.1} %               {}", 100.0 * drift.shares[topic], cells.join("  "));
    }
    say!("");
    for (topic, name) in names.iter().enumerate() {
        visit(name, widest, &drift.visits[topic], &drift.returns[topic], options.steps());
        let kept: Vec<f64> = drift.test.exact[topic].iter().map(|law| law[topic]).collect();
        say!(
            "   {:<widest$}  there (again) after 0 to {} words: {}",
            "",
            options.steps(),
            sparkline(&kept, 1.0)
        );
    }
    Ok(())
}

fn visit(name: &str, widest: usize, visit: &Sojourn, back: &TopicReturn, steps: usize) {
    let half_life = visit.half_life_between_steps().map_or_else(|| "long".to_owned(), |n| format!("{n:.1}"));
    let hazard = visit.hazard();
    let late = hazard.get(9).map_or_else(String::new, |late| format!(", with {late:.3} from the tenth"));
    say!("   {name:<widest$}  visits of {:.1} words, half-life {half_life};", visit.mean);
    say!("   {:<widest$}  left with {:.3} from the first word{late};", "", hazard[0]);
    say!(
        "   {:<widest$}  back within 10 words with {:.3}, within {steps} with {:.3}; away for {:.1} on average",
        "",
        back.within[steps.min(10)],
        back.within[steps],
        back.mean_absence
    );
}

pub(crate) fn lumped(subject: &Subject, drift: &Drift, options: &Options) {
    heading(
        "Are the topics a Markov chain?",
        "how far the next topic given the context is from the next topic given the topic, in total variation",
    );
    let lumped = &drift.lumped;
    let worst = subject.chain.states().label(lumped.worst_state());
    say!(
        "   {:.3} on average, {:.3} at most, after {:?}",
        lumped.mean_error(),
        lumped.max_error(),
        visible(&worst)
    );
    let (step, apart) = drift.test.max_deviation();
    let last = drift.test.deviation()[options.steps()];
    say!(
        "   the chain of topics is off by at most {apart:.3}, after {}; by {last:.3} after {}",
        count(step, "word"),
        options.steps()
    );
    let deviation = drift.test.deviation();
    say!("   deviation, word by word: {}", sparkline(&deviation, apart.max(f64::MIN_POSITIVE)));
}

pub(crate) fn along_the_documents(subject: &Subject, drift: &TextDrift) {
    let explanation = format!(
        "{} each against the one before; the band is of shuffled documents",
        count(drift.window, "word")
    );
    heading("Windows of the documents, sorted by topic", &explanation);
    windows(drift);
    let mut position = 0;
    for (topic, name) in subject.documents.names().iter().enumerate() {
        let tokens = subject.documents.tokens_of(topic).len();
        say!("   {name}: words {} to {}", grouped(position), grouped(position + tokens));
        position += tokens;
    }
}

pub(crate) fn along_a_sample(subject: &Subject, sampled: &[Token], drift: &TextDrift) {
    let explanation = format!(
        "{} each against the one before; the band is of shuffled blocks of {}",
        count(drift.window, "word"),
        count(drift.window.isqrt(), "word")
    );
    heading("Windows of a text of the model", &explanation);
    windows(drift);
    say!("   it begins");
    quote(&subject.documents.corpus().decode(&sampled[..sampled.len().min(50)]));
}

fn windows(drift: &TextDrift) {
    let largest = drift.distances.iter().copied().fold(0.0, f64::max);
    say!("   {}  up to {largest:.3} bits", sparkline(&drift.distances, largest.max(drift.band.threshold)));
    let band = &drift.band;
    say!(
        "   by chance {:.3}, between {:.3} and {:.3}; {:.3} anywhere is a change",
        band.mean,
        band.lower,
        band.upper,
        band.threshold
    );
    if drift.changes.is_empty() {
        say!("   no change");
    }
    for change in &drift.changes {
        say!(
            "   change at word {}: {:.3} bits, p = {:.3}",
            grouped(change.position),
            change.distance,
            change.p_value
        );
    }
}

pub(crate) fn track(track: &OnTrack) {
    heading(
        "How long does it stay on track?",
        "four answers to one question; they disagree, for each asks something else",
    );
    track.to_string().lines().for_each(|line| say!("   {line}"));
}
