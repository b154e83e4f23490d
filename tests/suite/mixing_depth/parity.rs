//! The temperature sweep of the parity toy of Zekri et al. (2024).

use lmchain::chain::MarkovChain;
use lmchain::mixing::{BoundKind, MixingTimeSolver};
use lmchain::model::{Decoded, Decoding, TableModel};
use lmchain::operator::ShiftOperator;
use serde_json::Value;

use super::stationary;
use crate::common::{assert_close, matrix};

fn case() -> Value {
    let file: Value = serde_json::from_str(include_str!("../../data/language_models.json")).unwrap();
    file["cases"].as_array().unwrap().iter().find(|case| case["id"] == "C41").unwrap().clone()
}

/// The next bit is the parity of the last three, with a logit of 5.5 for it.
fn parity(temperature: f64) -> MarkovChain<ShiftOperator> {
    let softmax = |row: &Vec<f64>| {
        let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
        row.iter().map(|logit| logit.exp() / sum).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<f64>> = matrix(&case()["logits"]).iter().map(softmax).collect();
    let model = TableModel::from_rows(3, &rows).unwrap();
    MarkovChain::enumerated(&Decoded::new(model, Decoding::new().temperature(temperature)).unwrap()).unwrap()
}

#[test]
fn temperature_moves_the_bound_as_in_the_case() {
    for point in case()["expected"]["sweep"].as_array().unwrap() {
        let chain = parity(point["T"].as_f64().unwrap());
        let bound = chain.zekri_bound().unwrap();
        let found = bound.first_below(0.25).unwrap();
        let expected = point["zekri_bound_steps_to_quarter"].as_u64().unwrap();
        // The least entry is a product of three rounded numbers, and is rounded down:
        // some 100 eps of 5·10^14 steps, and a block of three.
        let allowed = 3 + (100.0 * f64::EPSILON * expected as f64) as u64;
        assert!(found.abs_diff(expected) <= allowed, "{point}: {found}");
        let eps = point["eps"].as_f64().unwrap();
        assert_close(bound.loss().unwrap() / (2.0 * eps.powi(3)), 1.0, 1e-12, "least entry");
        let time = MixingTimeSolver::new().solve(&chain, &stationary(&chain)).unwrap().unwrap();
        assert_eq!(time, point["tmix_quarter"].as_u64().unwrap());
        assert!(time <= chain.dobrushin_bound(3).unwrap().first_below(0.25).unwrap());
        assert!(chain.mixing_bounds(&stationary(&chain), 6).get(BoundKind::Zekri).is_some());
    }
}

#[test]
fn a_trillion_steps_are_found_by_squaring() {
    let chain = parity(0.2);
    let law = stationary(&chain);
    let time = MixingTimeSolver::new().solve(&chain, &law).unwrap().unwrap();
    // The distance at time t tends to a function of eps t as eps falls: at T = 0.3, where ten
    // million steps settle it, t eps is what it is here but for O(eps).
    let eps = |temperature: f64| 1.0 / (1.0 + (5.5f64 / temperature).exp());
    let other = parity(0.3);
    let warmer = MixingTimeSolver::new().solve(&other, &stationary(&other)).unwrap().unwrap();
    assert!((0.9e12..1.1e12).contains(&(time as f64)), "{time}");
    assert_close(time as f64 * eps(0.2) / (warmer as f64 * eps(0.3)), 1.0, 1e-6, "t eps");
    assert_eq!(MixingTimeSolver::new().max_steps(1 << 39).solve(&chain, &law).unwrap(), None);
    // 10^27 steps are beyond what 62 bits hold.
    let frozen = parity(0.09);
    assert_eq!(MixingTimeSolver::new().solve(&frozen, &stationary(&frozen)).unwrap(), None);
}
