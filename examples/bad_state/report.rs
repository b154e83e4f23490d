//! What is printed and drawn.

use std::error::Error;

use lmchain::operator::TransitionOperator;
use lmchain::passage::{HittingLaw, Interval, Sealing, SealingStep, TransitionPaths};
use lmchain::reverse::History;

use crate::options::Options;
use crate::subject::Subject;
use crate::support::{Labels, Plots, bars, count, grouped, heading, say, sparkline, visible};

pub(crate) fn size(subject: &Subject, options: &Options) {
    heading(&subject.title, "everything that a model of its words may say");
    let Subject { chain, stationary, bad, corpus, .. } = subject;
    say!("   {}, {} different ones", count(corpus.tokens().len(), "word"), grouped(corpus.vocab().len()));
    say!("   order {}, top {}: {} contexts can be met", options.order, options.top_k, grouped(chain.len()));
    let share = bad.mass(stationary);
    say!("   {:?} is said {:.2} times in 1,000 words in the long run", options.bad, 1e3 * share);
}

pub(crate) fn likely(law: &HittingLaw, mean: Interval, options: &Options) {
    let explanation = format!("the time until {:?}, from anywhere", options.bad);
    heading("How likely is it?", &explanation);
    say!("   within {}, the present one included: {:.6}", count(options.horizon, "word"), law.probability(0));
    say!("   mean time: {:.4} words, between bounds {:.0e} apart", mean.midpoint(), mean.width());
    let survival: Vec<f64> = law
        .of_set(0)
        .iter()
        .scan(1.0, |left, p| {
            *left -= p;
            Some(*left)
        })
        .collect();
    let sampled: Vec<f64> = survival.iter().step_by(survival.len().div_ceil(60)).copied().collect();
    say!("   not yet said, word by word: {}", sparkline(&sampled, 1.0));
}

pub(crate) fn roads(subject: &Subject, roads: &[History], options: &Options) {
    let explanation =
        format!("a context and the {} words after it, given that it came with the last", options.road);
    heading("The likeliest roads to it", &explanation);
    let rows: Vec<(String, f64)> = roads
        .iter()
        .map(|road| {
            let tokens = road.tokens(subject.chain.states());
            (visible(&subject.corpus.decode(&tokens)), road.posterior)
        })
        .collect();
    bars(&rows, |posterior| format!("{:.3} %", 100.0 * posterior));
}

pub(crate) fn passages<O: TransitionOperator>(
    subject: &Subject,
    paths: &TransitionPaths<'_, O>,
    options: &Options,
) {
    let explanation =
        format!("from {:?} to {:?} without another {:?} between", options.safe, options.bad, options.safe);
    heading("Passages", &explanation);
    let flux = paths.flux();
    say!("   {:.4} in 1,000 words, one in {:.0}", 1e3 * flux.midpoint(), 1.0 / flux.midpoint());
    say!("   the passage itself takes {:.2} words on average", paths.mean_transition_time());
    for road in paths.pathways(3) {
        let states = subject.chain.states();
        let words = road.states[1..].iter().map(|&state| states.newest_token(state)).collect::<Vec<_>>();
        let share = road.current / flux.midpoint();
        let narrow = states.newest_token(road.bottleneck.1);
        say!(
            "   {:4.1} % of these by  {}   (narrowest at the step to {:?})",
            100.0 * share,
            visible(&subject.corpus.decode(&words)),
            subject.corpus.vocab().name(narrow)
        );
    }
}

pub(crate) fn sealing(subject: &Subject, sealing: &Sealing, options: &Options) -> Result<(), Box<dyn Error>> {
    let explanation =
        format!("will {:?} come before {:?}? the exact odds after every word", options.bad, options.safe);
    heading("When was it sealed?", &explanation);
    let name = |step: &SealingStep| subject.corpus.vocab().name(step.token).to_owned();
    let rows: Vec<(String, f64)> =
        sealing.steps().iter().map(|step| (visible(&name(step)), step.probability.midpoint())).collect();
    bars(&rows, |p| format!("{p:.5}"));
    let labels = Labels { title: &explanation, x: "probability", y: "" };
    let path = Plots::new(&options.plots)?.bars("bad_state", &labels, &rows, |p| format!("{p:.4}"))?;
    say!("\n   drawn in {}", path.display());
    if let Some(step) = sealing.point_of_no_return(0.5) {
        say!("   sealed with {:?}: from there on {:?} stays the likelier end", name(step), options.bad);
    }
    if let Some(step) = sealing.decisive() {
        let bits = step.change.map_or(0.0, |change| change.midpoint());
        say!("   the word before that said most for it: {:?}, {bits:.2} bits of log odds", name(step));
    }
    Ok(())
}
