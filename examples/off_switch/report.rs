//! What the chain of an agent says about its end.

use std::error::Error;

use lmchain::chain::Start;
use lmchain::passage::Enclosure;
use lmchain::text::Token;

use crate::support::{Axis, Cell, HeatMap, Labels, Plots, Series, heading, say};
use crate::world::{Chain, OVERSEER, Policy, World};

fn name(policy: Policy) -> &'static str {
    match policy {
        Policy::Indifferent => "indifferent to the switch",
        Policy::Avoiding => "avoiding the switch",
    }
}

/// The committor as a map, and how long things take.
pub(crate) fn committor(
    world: &World,
    chain: &Chain,
    policy: Policy,
    temperature: f64,
    wins: &Enclosure,
) -> Result<(), Box<dyn Error>> {
    heading(
        &format!("An agent {}, at temperature {temperature}", name(policy)),
        "from every cell, the probability that the button is pressed before it is switched off",
    );
    let (rows, columns) = world.size();
    for row in 0..rows {
        let cells = (0..columns).map(|column| match world.cell(row, column) {
            None => "█████".to_owned(),
            Some(cell) if cell == world.button => "  B  ".to_owned(),
            Some(cell) if cell == world.switch => "  S  ".to_owned(),
            Some(cell) => format!("{:.3}", wins.midpoint(cell)),
        });
        say!("   {} │ {}", rows - row, cells.collect::<Vec<_>>().join("  "));
    }
    say!("     └─{}", "───────".repeat(columns));
    let letters = (0..columns).map(|column| format!("  {}  ", char::from(b'a' + column as u8)));
    say!("       {}\n", letters.collect::<Vec<_>>().join("  "));

    assert_eq!((wins.midpoint(world.button), wins.midpoint(world.switch)), (1.0, 0.0));
    let ends = world.only(world.button).union(&world.only(world.switch));
    let times = chain.passage_times(&ends)?.converged()?;
    let (mean, variance) = (times.mean().midpoint(world.start), times.variance().midpoint(world.start));
    let label = chain.states().label(world.start);
    say!(
        "   from {label} it takes {mean:.2} steps until either, with a standard deviation of {:.2}",
        variance.sqrt()
    );

    // What comes out within many steps is a lower bound, and nearly all.
    let (button, switch) = (world.only(world.button), world.only(world.switch));
    let race = chain.race_law(Start::State(world.start), &[&button, &switch], 2000)?;
    assert!(race.probability(0) <= wins.upper()[world.start] + 1e-12);
    assert!(race.probability(0) + race.survival() >= wins.lower()[world.start] - 1e-12);
    Ok(())
}

/// The most probable road to either end, and where it was decided.
pub(crate) fn roads(world: &World, chain: &Chain, wins: &Enclosure) -> Result<(), Box<dyn Error>> {
    for (end, what) in [(world.button, "pressing the button"), (world.switch, "being switched off")] {
        let road = crate::most_probable_road(world, chain, &world.only(end))?;
        let names: Vec<String> = road.states.iter().map(|&state| chain.states().label(state)).collect();
        say!("   the most probable road to {what}, taken {:.4} % of the time:", 100.0 * road.ln_weight.exp());
        say!("      {}", names.join(" "));
        let text: Vec<Token> = road.states.iter().map(|&state| state as Token).collect();
        let along = chain.sealing(&text, wins)?;
        let odds = along.steps().iter().map(|step| format!("{:.2}", step.probability.midpoint()));
        say!("      with the button ahead of the switch at {}", odds.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// The committor as a heat map.
pub(crate) fn plot_committor(
    world: &World,
    policy: Policy,
    temperature: f64,
    wins: &Enclosure,
    plots: &Plots,
) -> Result<(), Box<dyn Error>> {
    let (rows, columns) = world.size();
    let cell = |row, column| {
        let Some(cell) = world.cell(row, column) else { return Cell { value: None, mark: None } };
        let value = wins.midpoint(cell);
        let mark = match cell {
            _ if cell == world.button => Some("button".to_owned()),
            _ if cell == world.switch => Some("off".to_owned()),
            _ if cell == world.start => Some(format!("start {value:.3}")),
            _ => None,
        };
        Cell { value: Some(value), mark }
    };
    let map = HeatMap {
        columns: (0..columns).map(|column| char::from(b'a' + column as u8).to_string()).collect(),
        rows: (0..rows)
            .map(|row| ((rows - row).to_string(), (0..columns).map(|column| cell(row, column)).collect()))
            .collect(),
        range: 0.0..1.0,
        ends: ["switched off".to_owned(), "button first".to_owned()],
    };
    let title = format!("Button before switch: an agent {}", name(policy));
    let below =
        format!("temperature {temperature}; the overseer moves in {:.0} % of the steps", 100.0 * OVERSEER);
    let labels = Labels { title: &title, x: &below, y: "" };
    let file = format!("off_switch_{}", format!("{policy:?}").to_lowercase());
    say!("   {}", plots.heat_map(&file, &labels, &map)?.display());
    Ok(())
}

/// How the randomness of the agent moves its end.
pub(crate) fn temperatures(world: &World, plots: &Plots) -> Result<(), Box<dyn Error>> {
    heading("Temperature", "the probability that the button comes first, from the start");
    let sweep: Vec<f64> = (0..=40).map(|step| 10f64.powf(-1.0 + f64::from(step) / 20.0)).collect();
    let policies = [Policy::Indifferent, Policy::Avoiding];
    let mut series: Vec<Series> = policies
        .iter()
        .map(|&policy| Series { name: format!("an agent {}", name(policy)), points: Vec::new() })
        .collect();
    say!("   temperature   {}   {}", name(policies[0]), name(policies[1]));
    for (step, &temperature) in sweep.iter().enumerate() {
        for (series, &policy) in series.iter_mut().zip(&policies) {
            let wins = crate::committor(world, &world.chain(policy, temperature)?)?;
            series.points.push((temperature, wins.midpoint(world.start)));
        }
        let [one, two] = [0, 1].map(|policy| series[policy].points[step].1);
        // Who never enters the switch by itself is switched off less often.
        assert!(one <= two, "at temperature {temperature}: {one} {two}");
        if step % 5 == 0 {
            say!("   {temperature:>11.3}   {one:>25.4}   {two:>19.4}");
        }
    }
    let labels = Labels {
        title: "How random the agent is, and how often it gets to the button",
        x: "temperature of the policy",
        y: "probability that the button comes first",
    };
    say!("   {}", plots.curves("off_switch_temperature", &labels, Axis::Logarithmic, &series)?.display());
    Ok(())
}
