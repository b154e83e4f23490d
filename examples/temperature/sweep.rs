//! What is measured at one temperature.

use std::error::Error;

use lmchain::chain::{MarkovChain, StateSet};
use lmchain::loops::RepetitionLoop;
use lmchain::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::operator::TransitionOperator;
use lmchain::passage::EscapeSolver;
use lmchain::prob::Law;
use lmchain::solve::{Observer, Progress};
use lmchain::topics::Topics;

use crate::subject::Subject;
use crate::support::Watch;

/// Steps that a topic is followed for, at most.
const FOLLOWED: usize = 1 << 14;

pub(crate) struct Measured {
    pub(crate) temperature: f64,
    /// Entropy rate in bits a token.
    pub(crate) rate: f64,
    /// Modulus of the second eigenvalue, where it could be found.
    pub(crate) modulus: Option<f64>,
    pub(crate) mixing_time: Option<u64>,
    /// What is left of the distance from the worst start once the prompt has left the window.
    pub(crate) after_purge: f64,
    /// Share of time on the loops of greedy decoding.
    pub(crate) on_loops: f64,
    /// Mean time until they are left, for a walk that has long been on them, where it could be found.
    pub(crate) escape_time: Option<f64>,
    /// The greedy loop with most of the time.
    pub(crate) strongest: Option<Strongest>,
    pub(crate) topics: Vec<Visits>,
}

/// A loop of greedy decoding.
pub(crate) struct Strongest {
    /// What it says.
    pub(crate) text: String,
    /// Share of time.
    pub(crate) share: f64,
    /// The probability of going round once more.
    pub(crate) turn: f64,
}

/// Visits to a topic.
pub(crate) struct Visits {
    /// Share of time.
    pub(crate) share: f64,
    /// Mean number of steps.
    pub(crate) mean: f64,
    /// Steps that half of them outlast, unless these are very many.
    pub(crate) half_life: Option<usize>,
}

pub(crate) fn progress(watch: &mut Watch, done: usize, total: usize) {
    let (done, total) = (done as u64, Some(total as u64));
    // Nothing is stopped half done here.
    let _ = watch.observe(&Progress { stage: "temperatures", done, total, residual: None });
}

pub(crate) fn measure(subject: &Subject, temperature: f64) -> Result<Measured, Box<dyn Error>> {
    let chain = subject.chain(temperature)?;
    let law = chain.stationary()?.converged()?;
    let second = SecondEigenvalueSolver::new().solve(&chain, &law)?;
    let mixing_time = MixingTimeSolver::new().solve(&chain, &law)?;
    let purge = chain.states().context_length();
    let (on_loops, strongest) = greedy_loops(&chain, &law)?;
    let escape = EscapeSolver::new().tolerance(1e-6).solve(&chain, &on_loops)?;
    let topics = Topics::by_texts(chain.states(), &subject.parts())?;
    Ok(Measured {
        temperature,
        rate: chain.entropy_rate(&law),
        modulus: second.is_converged().then(|| second.value().modulus()),
        mixing_time,
        after_purge: chain.worst_forgetting(&law, purge)?.after_purge(),
        on_loops: on_loops.mass(&law),
        escape_time: escape.converged().ok().map(|escape| escape.mean_escape_time().midpoint()),
        strongest,
        topics: visits(&chain, &law, &topics)?,
    })
}

/// The states on loops of greedy decoding, which are the same at every
/// temperature, and the loop that has most of the time.
fn greedy_loops<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    law: &Law,
) -> lmchain::Result<(StateSet, Option<Strongest>)> {
    let loops = chain.greedy_loops();
    let states = loops.loops().iter().flat_map(|found| found.cycle.iter().copied());
    let set = StateSet::of(chain.len(), states)?;
    let measured = |cycle: &[usize]| {
        let found = RepetitionLoop::along(chain, cycle)?;
        let share = cycle.iter().map(|&state| law[state]).sum();
        Ok(Strongest { text: found.text(chain.states()), share, turn: found.turn_probability() })
    };
    let measured = loops.loops().iter().map(|found| measured(&found.cycle));
    let all = measured.collect::<lmchain::Result<Vec<_>>>()?;
    Ok((set, all.into_iter().max_by(|one, two| one.share.total_cmp(&two.share))))
}

/// Visits to every topic, followed until half of them are over.
fn visits<O: TransitionOperator>(
    chain: &MarkovChain<O>,
    law: &Law,
    topics: &Topics,
) -> lmchain::Result<Vec<Visits>> {
    let shares = topics.law(law);
    let of_topic = |topic: usize| {
        let share = shares[topic];
        if share == 0.0 {
            return Ok(Visits { share, mean: 0.0, half_life: None });
        }
        let mut steps = 16;
        loop {
            let sojourn = chain.sojourn(topics, topic, law, steps)?;
            let (mean, half_life) = (sojourn.mean, sojourn.half_life());
            if half_life.is_some() || steps >= FOLLOWED {
                return Ok(Visits { share, mean, half_life });
            }
            steps *= 4;
        }
    };
    (0..topics.count()).map(of_topic).collect()
}
