//! Steps taken side by side are those taken one by one.

use super::{Restart, ShiftOperator, SparseOperator, StepSampler, TransitionOperator};
use crate::prob::{LANES, Law, StreamRng, stream};
use crate::text::ContextSpace;

/// Walks of every number around the number of lanes must visit the same states
/// side by side as alone, and leave their streams at the same place.
#[track_caller]
pub(crate) fn assert_steps_side_by_side(operator: &impl TransitionOperator) {
    let sampler = operator.sampler();
    for walks in [0, 1, LANES - 1, LANES, LANES + 1, 3 * LANES + 5] {
        let mut states: Vec<u32> = (0..walks).map(|walk| (walk * 7 % operator.states()) as u32).collect();
        let (mut alone, mut rngs) = (states.clone(), streams(walks));
        let mut own = streams(walks);
        for step in 0..40 {
            sampler.step_many(&mut states, &mut rngs);
            for (state, rng) in alone.iter_mut().zip(&mut own) {
                *state = sampler.step(*state as usize, rng) as u32;
            }
            assert_eq!(states, alone, "step {step} of {walks} walks");
        }
        let drawn = |rngs: &[StreamRng]| rngs.iter().map(StreamRng::get_word_pos).collect::<Vec<_>>();
        assert_eq!(drawn(&rngs), drawn(&own));
    }
}

fn streams(walks: usize) -> Vec<StreamRng> {
    (0..walks).map(|walk| stream(9, walk as u64)).collect()
}

/// Every context of two of four tokens; some tokens never follow some contexts.
fn contexts() -> ShiftOperator {
    let space = ContextSpace::new(4, 2).unwrap();
    let weight = |context: usize, token: usize| ((context * 5 + token * 3) % 4) as f64;
    let row = |context: usize| {
        let sum: f64 = (0..4).map(|token| weight(context, token)).sum();
        (0..4).map(move |token| weight(context, token) / sum)
    };
    ShiftOperator::new(space, (0..space.len()).flat_map(row).collect()).unwrap()
}

/// States with one to nine successors.
fn uneven() -> SparseOperator {
    let row = |from: u32| (0..=from % 9).map(move |n| (from, (from + n * n) % 100, f64::from(n + 1)));
    SparseOperator::from_weights(100, (0..100).flat_map(row).collect()).unwrap()
}

#[test]
fn every_kind_of_table_steps_side_by_side_as_alone() {
    assert_steps_side_by_side(&contexts());
    assert_steps_side_by_side(&contexts().to_f32());
    assert_steps_side_by_side(&uneven());
    for restart in [0.03, 0.5, 1.0] {
        assert_steps_side_by_side(&Restart::new(uneven(), restart, Law::uniform(100)).unwrap());
        assert_steps_side_by_side(&Restart::new(contexts(), restart, Law::point(16, 3)).unwrap());
    }
}

#[test]
fn a_step_takes_one_draw() {
    fn words(sampler: &dyn StepSampler, steps: usize) -> u128 {
        let (mut states, mut rngs) = ([0; 3], streams(3));
        (0..steps).for_each(|_| sampler.step_many(&mut states, &mut rngs));
        assert!(rngs.iter().all(|rng| rng.get_word_pos() == rngs[0].get_word_pos()));
        rngs[0].get_word_pos()
    }
    for steps in [1, 31, 32, 33, 1000] {
        // A draw is two words of 32 bits.
        assert_eq!(words(&*contexts().sampler(), steps), 2 * steps as u128);
        assert_eq!(words(&*uneven().sampler(), steps), 2 * steps as u128);
    }
}
