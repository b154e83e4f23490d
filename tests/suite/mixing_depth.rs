//! Purge and decay, curves, Kemeny's constant, timescales, bounds and memory
//! against the reference cases, closed forms and slow references.

mod bounds;
mod curves;
mod kemeny;
mod parity;

use lmchain::chain::MarkovChain;
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;

/// The stationary law of a chain with one recurrent class.
fn stationary<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}
