//! A chain given by hand: three kinds of weather, and the long run.

use lmchain::chain::{MarkovChain, Start, States};
use lmchain::mixing::MixingTimeSolver;
use lmchain::text::Vocab;
use ndarray::array;

fn main() -> lmchain::Result<()> {
    // Each row is the law of tomorrow's weather, given today's.
    let matrix = array![[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.2, 0.4, 0.4]];
    let names = Vocab::new(["sunny", "cloudy", "rainy"].map(String::from).to_vec())?;
    let numbered = MarkovChain::from_dense(matrix.view())?;
    let chain = MarkovChain::new(numbered.operator().clone(), States::named(names));

    // Every kind of weather can follow every other: one class without a period.
    assert!(chain.classes().is_regular());

    // The long run, which solving by hand gives as 6, 4 and 3 days out of 13.
    let outcome = chain.stationary()?;
    println!("{}\n", outcome.report());
    let law = outcome.converged()?;
    for (state, share) in law.iter().enumerate() {
        println!("{:<8}{:>7.3} % of all days", chain.states().label(state), 100.0 * share);
    }
    let exact = [6.0 / 13.0, 4.0 / 13.0, 3.0 / 13.0];
    assert!(law.iter().zip(exact).all(|(share, exact)| (share - exact).abs() < 1e-15));

    // From a rainy day, the forecast approaches the long run.
    let rainy = chain.states().find("rainy")?;
    println!("\ndays after a rainy one, and how far the forecast still is from the long run:");
    let distances = chain.distance_curve(Start::State(rainy), &law, 6)?;
    for (days, distance) in distances.iter().enumerate() {
        println!("{days:>4}  {distance:.4}");
    }
    assert!(distances.is_sorted_by(|earlier, later| earlier > later));

    let days = MixingTimeSolver::new().solve(&chain, &law)?.expect("a regular chain mixes");
    println!("\nwhatever the first day, the forecast is at most 1/4 away after {days} days");
    assert_eq!(days, 2);

    // The surprise that a day brings, once yesterday is known.
    let bits = chain.entropy_rate(&law);
    println!("every day brings {bits:.4} bits of news");
    assert!(bits < law.entropy());

    let walker = chain.walker()?;
    let week = walker.walk(Start::State(rainy), 1)?.take(7).map(|state| chain.states().label(state));
    let week: Vec<String> = week.collect();
    println!("a week from the model: {}", week.join(", "));
    assert_eq!(week[0], "rainy");
    Ok(())
}
