//! Kemeny's constant: see [`KemenyConstant`].

mod estimate;
mod exact;
mod poisson;

pub use estimate::{KemenyEstimate, KemenyEstimator};
pub use exact::KemenyConstant;

use crate::chain::MarkovChain;
use crate::error::{Error, Result};
use crate::operator::TransitionOperator;

/// The states of the one recurrent class, ascending.
fn recurrent_class<O: TransitionOperator>(chain: &MarkovChain<O>) -> Result<&[u32]> {
    let classes = chain.classes();
    let mut recurrent = classes.recurrent();
    match (recurrent.next(), recurrent.count()) {
        (Some(class), 0) => Ok(classes.members(class)),
        (_, others) => Err(Error::SeveralRecurrentClasses { classes: others + 1 }),
    }
}
