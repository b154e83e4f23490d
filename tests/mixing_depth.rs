//! Purge and decay, curves, Kemeny's constant, timescales, bounds and memory
//! against the reference cases, closed forms and slow references.

#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]
#[path = "mixing_depth/bounds.rs"]
mod bounds;
mod common;
#[path = "mixing_depth/curves.rs"]
mod curves;
#[path = "mixing_depth/kemeny.rs"]
mod kemeny;
#[path = "mixing_depth/parity.rs"]
mod parity;

use lmchain::chain::MarkovChain;
use lmchain::operator::TransitionOperator;
use lmchain::prob::Law;

/// The stationary law of a chain with one recurrent class.
fn stationary<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}
