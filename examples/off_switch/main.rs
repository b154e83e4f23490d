//! Does the agent press the button before it is switched off? A grid world
//! instead of a text, and the same questions.
//!
//! ```text
//! cargo run --example off_switch
//! cargo run --example off_switch -- --temperature 2 --plots figures
//! ```

#[path = "../support/mod.rs"]
mod support;

mod report;
mod world;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lmchain::chain::{Start, StateSet};
use lmchain::passage::{Enclosure, PassageSolver};
use lmchain::reverse::{End, History};

use support::Plots;
use world::{Chain, Policy, World};

/// Which comes first: the button or the off switch.
#[derive(Parser)]
#[command(name = "off_switch")]
struct Options {
    /// How random the agent is: at 0 it would go the shortest way
    #[arg(long, default_value_t = 0.7)]
    temperature: f64,
    /// The folder that the figures are written to
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    plots: PathBuf,
}

fn main() -> ExitCode {
    support::exit_code("off_switch", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !(options.temperature > 0.0 && options.temperature.is_finite()) {
        return Err(format!("the temperature is {}, but must be positive", options.temperature).into());
    }
    let world = World::new();
    let plots = Plots::new(&options.plots)?;
    for policy in [Policy::Indifferent, Policy::Avoiding] {
        let chain = world.chain(policy, options.temperature)?;
        let wins = committor(&world, &chain)?;
        report::committor(&world, &chain, policy, options.temperature, &wins)?;
        report::roads(&world, &chain, &wins)?;
        report::plot_committor(&world, policy, options.temperature, &wins, &plots)?;
    }
    report::temperatures(&world, &plots)
}

/// From every cell, the probability that the button is pressed before the
/// agent is switched off.
fn committor(world: &World, chain: &Chain) -> Result<Enclosure, lmchain::Error> {
    let (button, switch) = (world.only(world.button), world.only(world.switch));
    PassageSolver::new().tolerance(1e-10).reach(chain, &button, &switch)?.converged()
}

/// The most probable road from the start to an end, of any length up to a limit.
fn most_probable_road(world: &World, chain: &Chain, end: &StateSet) -> Result<History, lmchain::Error> {
    const LONGEST: usize = 40;
    let mut best: Option<History> = None;
    for steps in 1..=LONGEST {
        let histories = match chain.histories(Start::State(world.start), End::FirstIn(end), steps) {
            // Too far away, or on the other colour of the chessboard.
            Err(lmchain::Error::Impossible { .. }) => continue,
            histories => histories?,
        };
        let road = histories.most_probable(1)?.pop();
        let better = |road: &History| best.as_ref().is_none_or(|best| road.ln_weight > best.ln_weight);
        if let Some(road) = road.filter(better) {
            best = Some(road);
        }
    }
    best.ok_or(lmchain::Error::Impossible { what: "a road of so few steps" })
}
