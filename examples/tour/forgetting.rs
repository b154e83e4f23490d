//! How fast the chain forgets, and what its tokens tell about each other.

use std::error::Error;

use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::operator::TransitionOperator;

use crate::Subject;
use crate::support::{Watch, bars, grouped, heading, say, sparkline};

/// Multiplications that are worth about a second.
const AFFORDABLE: f64 = 1.5e9;

/// Distance at which a start counts as forgotten.
const THRESHOLD: f64 = 0.25;

/// The distance from the worst start over time.
pub(crate) fn mixing(subject: &Subject, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let Subject { chain, stationary, text } = subject;
    heading(
        "Mixing",
        "How far from the stationary law one still is after so many steps, from the worst start.",
    );
    let solver = SecondEigenvalueSolver::new();
    let outcome = watch.during("second eigenvalue", || solver.solve(chain, stationary))?;
    let second = *outcome.value();
    let k = chain.states().context_length();
    let timescale = second.implied_timescale();
    let steps = (k as f64 + 6.0 * timescale).ceil().clamp(16.0, 90.0) as usize;

    // Every start where that is affordable, else evenly spread ones.
    let cost = steps as f64 * (chain.len() + chain.operator().stored_entries()) as f64;
    let stride = (cost * chain.len() as f64 / AFFORDABLE).ceil().max(1.0) as usize;
    let starts: Vec<usize> = (0..chain.len()).step_by(stride).collect();
    let curve = watch.during("distance from the worst start", || {
        chain.worst_distance_curve_over(&starts, stationary, steps)
    })?;
    let among = if stride == 1 {
        "the worst of all starts, exactly".to_owned()
    } else {
        format!("the worst of {} starts, evenly spread: a lower bound", grouped(starts.len()))
    };
    say!("   {}", sparkline(&curve, 1.0));
    say!("   0{:>steps$}   steps; {among}\n", steps);
    let places =
        [0, 1, k, 2 * k, steps / 4, steps / 2, steps].into_iter().collect::<std::collections::BTreeSet<_>>();
    let numbers =
        places.into_iter().filter(|&step| step <= steps).map(|step| format!("{step}: {:.4}", curve[step]));
    say!("   distance after  {}", numbers.collect::<Vec<_>>().join("   "));

    let bound = if stride == 1 { "" } else { "at least " };
    match curve.iter().position(|&distance| distance <= THRESHOLD) {
        Some(time) => {
            say!("   mixing time     {bound}{time} steps until the distance is at most {THRESHOLD}")
        }
        None => say!("   mixing time     more than {steps} steps until the distance is at most {THRESHOLD}"),
    }
    say!(
        "   eigenvalue      {:.9} is the second largest modulus: a timescale of {timescale:.2} steps",
        second.modulus()
    );
    if !outcome.is_converged() {
        say!("                   {}", outcome.report());
    }
    say!(
        "   purge           the first {k} steps do no more than move the start out of the window: {k} {}s",
        text.unit
    );
    Ok(())
}

/// What a token tells about a later one, and the entropies of blocks.
pub(crate) fn information(subject: &Subject, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let Subject { text, chain, stationary } = subject;
    heading(
        "Information",
        &format!("What a {0} tells about the {0} so many places later, in bits.", text.unit),
    );
    let lags: Vec<usize> = (1..=20).collect();
    let vocabulary = chain.states().vocabulary_size();
    let cost = (vocabulary * lags.len()) as f64 * (chain.len() + chain.operator().stored_entries()) as f64;
    if cost > 2.0 * AFFORDABLE {
        say!("   left out: {} {}s are too many for a quick tour", grouped(vocabulary), text.unit);
    } else {
        let told = watch.during("mutual information", || chain.mutual_information(stationary, &lags))?;
        let rows: Vec<_> = told.iter().map(|at| (format!("{:>2}", at.lag), at.mutual_information)).collect();
        bars(&rows, |bits| format!("{bits:.6}"));
    }
    let blocks = chain.block_entropies(stationary, chain.states().context_length() + 1);
    let blocks = blocks.iter().enumerate().skip(1).map(|(length, bits)| format!("{length}: {bits:.4}"));
    say!("\n   entropy of blocks  {}   bits", blocks.collect::<Vec<_>>().join("   "));
    let rate = chain.entropy_rate(stationary);
    say!("   entropy rate       {rate:.6} bits per {}: what each one more adds", text.unit);
    say!(
        "   excess entropy     {:.4} bits: what the past tells about the future",
        chain.excess_entropy(stationary)
    );
    Ok(())
}
