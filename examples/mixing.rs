//! How fast chains forget: a fast one, a slow one, and one whose second
//! eigenvalue is zero, yet which is not mixed at once.

use lmchain::chain::{Enumeration, MarkovChain};
use lmchain::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
use lmchain::model::TableModel;
use lmchain::operator::TransitionOperator;
use ndarray::array;

fn main() -> lmchain::Result<()> {
    // Two topics of two words each. The slow chain changes its topic once in
    // a hundred words, the fast one every other word.
    let topics = |change: f64| {
        let (stay, leave) = ((1.0 - change) / 2.0, change / 2.0);
        let (low, high) = ([stay, stay, leave, leave], [leave, leave, stay, stay]);
        MarkovChain::from_dense(array![low, low, high, high].view())
    };
    let slow = forgetting("slow topics", &topics(0.01)?)?;
    let fast = forgetting("fast topics", &topics(0.4)?)?;

    // The second eigenvalue is 1 - 2 · change, and the distance is half its power.
    assert!((slow.eigenvalue - 0.98).abs() < 1e-9);
    assert!((fast.eigenvalue - 0.2).abs() < 1e-9);
    for (step, distance) in slow.curve.iter().enumerate().skip(1) {
        assert!((distance - 0.5 * 0.98f64.powi(step as i32)).abs() < 1e-12);
    }
    assert_eq!((slow.mixing_time, fast.mixing_time), (35, 1));

    // Fair coin tosses, seen through a window of two: nothing depends on anything, and
    // every eigenvalue but one is zero. Still the start stays in the window for two steps.
    let coin = TableModel::from_rows(2, &[[0.5, 0.5]; 4])?;
    let coin = forgetting("coin tosses, K = 2", &Enumeration::new().build(&coin)?)?;
    assert_eq!(coin.eigenvalue, 0.0);
    assert_eq!(coin.curve[..4], [0.75, 0.5, 0.0, 0.0]);
    assert_eq!(coin.mixing_time, 2);
    Ok(())
}

/// What there is to know about how a chain forgets.
struct Forgetting {
    curve: Vec<f64>,
    mixing_time: u64,
    eigenvalue: f64,
}

fn forgetting<O: TransitionOperator>(name: &str, chain: &MarkovChain<O>) -> lmchain::Result<Forgetting> {
    let law = chain.stationary()?.converged()?;
    let curve = chain.worst_distance_curve(&law, 40)?;
    let mixing_time = MixingTimeSolver::new().solve(chain, &law)?.expect("the chain mixes");
    let second = SecondEigenvalueSolver::new().solve(chain, &law)?.converged()?;

    println!("{name}");
    let numbers = [0, 1, 2, 5, 10, 20, 40].map(|step| format!("{step}: {:.4}", curve[step]));
    println!("  distance from the worst start after  {}", numbers.join("  "));
    println!("  mixing time {mixing_time}, second eigenvalue {:.4}\n", second.modulus());
    Ok(Forgetting { curve, mixing_time, eigenvalue: second.modulus() })
}
