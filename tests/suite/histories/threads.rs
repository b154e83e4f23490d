//! The same bits on any number of threads.

use lmchain::chain::{MarkovChain, Start, StateSet};
use lmchain::operator::ShiftOperator;
use lmchain::prob::Law;
use lmchain::reverse::{End, ResetHistorySettings};
use lmchain::text::ContextSpace;

use super::{bits, shift};
use crate::support::chains::ChainSpec;

fn on_any_number_of_threads<T: PartialEq + Send>(what: &str, work: impl Fn() -> T + Sync) {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    let one = on(1);
    assert!(one == on(2) && one == on(8), "{what} depends on the number of threads");
}

fn soft(v: usize, k: usize) -> MarkovChain<ShiftOperator> {
    shift(ContextSpace::new(v, k).unwrap(), ChainSpec::soft(v, k as u32).table())
}

#[test]
fn histories_have_the_same_bits_on_any_number_of_threads() {
    let chain = soft(27, 3);
    let bad = StateSet::ending_with(chain.states(), &[&[3, 1]]).unwrap();
    let solve = || chain.histories(Start::State(5), End::FirstIn(&bad), 8).unwrap();
    on_any_number_of_threads("the probability of the end", || solve().ln_probability().to_bits());
    on_any_number_of_threads("laws given the end", || {
        let mut found: Vec<u64> = Vec::new();
        let keep = |_, law: &Law| {
            found.extend(law.iter().map(|p| p.to_bits()));
            Ok(())
        };
        solve().for_each_law(keep).unwrap();
        found.push(solve().entropy().unwrap().to_bits());
        found
    });
    on_any_number_of_threads("the most probable histories", || bits(&solve().most_probable(5).unwrap()));
    on_any_number_of_threads("histories drawn", || bits(&solve().sample(40, 3).unwrap()));
    let few = solve().sample(3, 3).unwrap();
    assert_eq!(bits(&few), bits(&solve().sample(40, 3).unwrap()[..3]));
}

#[test]
fn histories_since_a_reset_have_the_same_bits_on_any_number_of_threads() {
    let chain = soft(27, 2);
    let resets = StateSet::of(chain.len(), [3, 500]).unwrap();
    let bad = StateSet::ending_with(chain.states(), &[&[3, 1]]).unwrap();
    on_any_number_of_threads("histories since a reset", || {
        let settings = ResetHistorySettings::new().tolerance(1e-3);
        let found = settings.solve(&chain, &resets, End::In(&bad)).unwrap().converged().unwrap();
        let law: Vec<u64> = found.law_before(3).unwrap().iter().map(|p| p.to_bits()).collect();
        let ages: Vec<u64> = found.age_law().iter().map(|p| p.to_bits()).collect();
        (law, ages, bits(&found.most_probable(3).unwrap()), bits(&found.sample(9, 2).unwrap()))
    });
}
