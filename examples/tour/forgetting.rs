//! How fast the chain forgets, and what its tokens tell about each other.

use std::collections::BTreeSet;
use std::error::Error;

use lmchain::mixing::SecondEigenvalueSolver;
use lmchain::operator::TransitionOperator;

use crate::Subject;
use crate::support::{Watch, bars, count, grouped, heading, say, sparkline};

/// Multiplications that are worth about a second.
const AFFORDABLE: f64 = 1e9;

/// Distance at which a start counts as forgotten.
const THRESHOLD: f64 = 0.25;

/// The distance from the worst start over time, and the second eigenvalue that it ends up following.
pub(crate) fn mixing(subject: &Subject, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let Subject { chain, stationary, .. } = subject;
    heading(
        "Mixing",
        "How far from the stationary law one still is after so many steps, from the worst start.",
    );
    // Every product is made orthogonal to up to 80 earlier ones, twice.
    let products = (6.0 * AFFORDABLE / (320.0 * chain.len() as f64)) as usize;
    let solver = SecondEigenvalueSolver::new().max_iterations(products);
    let second = watch.during("second eigenvalue", || solver.solve(chain, stationary))?;
    let (modulus, timescale) = (second.value().modulus(), second.value().implied_timescale());
    let k = chain.states().context_length();
    let steps = (k as f64 + 6.0 * timescale).ceil().clamp(16.0, 80.0) as usize;
    let starts = affordable_starts(subject, steps);
    let curve = watch.during("distance from the worst start", || {
        chain.worst_distance_curve_over(&starts, stationary, steps)
    })?;

    let exact = starts.len() == chain.len();
    say!("   {}", sparkline(&curve, 1.0));
    say!("   0{steps:>steps$}   steps\n");
    if exact {
        say!("   starts          all {}: the worst is exact", grouped(starts.len()));
    } else {
        let among = format!("{} of {}", grouped(starts.len()), grouped(chain.len()));
        say!("   starts          {among}, evenly spread: a lower bound on the worst");
    }
    let places = BTreeSet::from([0, k.min(steps), steps / 4, steps / 2, 3 * steps / 4, steps]);
    let numbers = places.into_iter().map(|step| format!("{step}: {:.4}", curve[step]));
    say!("   distance after  {}", numbers.collect::<Vec<_>>().join("   "));
    let (bound, time) = match curve.iter().position(|&distance| distance <= THRESHOLD) {
        Some(time) if exact => ("", time),
        Some(time) => ("at least ", time),
        None => ("more than ", steps),
    };
    say!("   mixing time     {bound}{time} steps until the distance is at most {THRESHOLD}");
    match chain.classes().recurrent().map(|class| chain.classes().period(class)).max() {
        Some(period) if period > 1 => {
            say!("   period          {period}: the chain goes round for ever, and never mixes");
        }
        _ => {
            let digits = if second.is_converged() { 9 } else { 2 };
            say!(
                "   eigenvalue      the second has modulus {modulus:.digits$}: a timescale of {timescale:.1} steps"
            );
        }
    }
    if !second.is_converged() {
        let report = second.report();
        say!("                   roughly: {}, residual {:.1e}", report.stop, report.residual);
    }
    say!("   purge           it takes {} for the start to leave the window; after that", count(k, "step"));
    say!("                   only what it led to can be felt");
    Ok(())
}

/// Every start if that takes about a second, else as many as do, evenly spread.
fn affordable_starts(subject: &Subject, steps: usize) -> Vec<usize> {
    let states = subject.chain.len();
    let step = (states + subject.chain.operator().stored_entries()) as f64;
    let stride = (states as f64 * steps as f64 * step / AFFORDABLE).ceil().max(1.0);
    (0..states).step_by(stride as usize).collect()
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
    if cost > 3.0 * AFFORDABLE {
        say!("   left out: {} are too many for a quick tour", count(vocabulary, text.unit));
    } else {
        let told = watch.during("mutual information", || chain.mutual_information(stationary, &lags))?;
        let rows: Vec<_> = told.iter().map(|at| (format!("{:>2}", at.lag), at.mutual_information)).collect();
        bars(&rows, |bits| format!("{bits:.6}"));
    }
    let blocks = chain.block_entropies(stationary, chain.states().context_length() + 1)?;
    let blocks =
        blocks.iter().enumerate().skip(1).take(6).map(|(length, bits)| format!("{length}: {bits:.4}"));
    say!("\n   entropy of blocks  {}", blocks.collect::<Vec<_>>().join("   "));
    let rate = chain.entropy_rate(stationary);
    say!("   entropy rate       {rate:.6} bits per {}: what each one more adds", text.unit);
    say!(
        "   excess entropy     {:.4} bits: what the past tells about the future",
        chain.excess_entropy(stationary)?
    );
    Ok(())
}
