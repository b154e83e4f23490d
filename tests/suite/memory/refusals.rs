//! What cannot be answered is refused, and says why.

use std::ops::ControlFlow;

use lmchain::Error;
use lmchain::information::CausalStateSolver;
use lmchain::operator::Restart;
use lmchain::prob::Law;
use lmchain::solve::Progress;
use lmchain::text::ContextSpace;

use crate::common::tables::shift;

fn parity() -> lmchain::chain::MarkovChain<lmchain::operator::ShiftOperator> {
    let row = |context: u32| if context.count_ones().is_multiple_of(2) { [0.9, 0.1] } else { [0.1, 0.9] };
    shift(ContextSpace::new(2, 3).unwrap(), (0..8).flat_map(row).collect())
}

#[test]
fn steps_that_are_no_shifts_show_no_tokens() {
    let chain = parity();
    let restart = Restart::new(chain.operator(), 0.1, Law::point(8, 0)).unwrap();
    let chain = chain.with_operator(restart);
    let law = chain.stationary().unwrap().converged().unwrap();
    assert!(matches!(chain.causal_states(&law), Err(Error::NotShiftRegister { .. })));
    assert!(matches!(chain.effective_order(&law), Err(Error::NotShiftRegister { .. })));
    assert!(matches!(chain.conditional_memory(&law), Err(Error::NotShiftRegister { .. })));
    // Laws are pushed all the same.
    assert_eq!(chain.window_information(&law, 4).unwrap().len(), 5);
}

#[test]
fn work_beyond_the_limit_is_refused_with_a_remedy() {
    let chain = parity();
    let law = chain.stationary().unwrap().converged().unwrap();
    let refused = chain.window_information(&law, 10_000_000_000).unwrap_err();
    assert!(matches!(refused, Error::TooExpensive { .. } | Error::TooLarge { .. }), "{refused}");
    let refused = chain.mutual_information(&law, &[1_000_000_000_000]).unwrap_err();
    assert!(matches!(refused, Error::TooExpensive { .. }) && refused.to_string().contains("shorter lags"));
    assert!(chain.prompt_information(&law, 100_000_000_000).is_err());
    let tolerance = CausalStateSolver::new().within(-1.0).solve(&chain, &law);
    assert!(matches!(tolerance, Err(Error::InvalidSetting { name: "tolerance", .. })));
    assert!(matches!(
        chain.effective_order_within(&law, 0.0),
        Err(Error::InvalidSetting { name: "bits", .. })
    ));
}

#[test]
fn an_observer_that_breaks_ends_the_work() {
    let chain = parity();
    let law = chain.stationary().unwrap().converged().unwrap();
    let mut stop = |_: &Progress| ControlFlow::Break(());
    let cancelled = |error| matches!(error, Err(Error::Cancelled { .. }));
    assert!(cancelled(chain.window_information_watched(&law, 9, &mut stop).map(|_| ())));
    assert!(cancelled(chain.mutual_information_watched(&law, &[1], &mut stop).map(|_| ())));
    assert!(cancelled(chain.prompt_information_watched(&law, 9, &mut stop).map(|_| ())));
    assert!(cancelled(CausalStateSolver::new().solve_watched(&chain, &law, &mut stop).map(|_| ())));
}

#[test]
#[should_panic(expected = "strictly ascending")]
fn lags_must_ascend() {
    let chain = parity();
    let law = chain.stationary().unwrap().converged().unwrap();
    let _ = chain.mutual_information(&law, &[2, 1]);
}
