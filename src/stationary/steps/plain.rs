//! Steps that are the product itself.

use std::io;

use super::{Start, Step};
use crate::operator::map_in_place;
use crate::stationary::tape::Tape;

/// Power iteration, with `P` or, if `lazy`, with `(I + P) / 2`: periodic
/// classes converge too, to the same law.
pub(in crate::stationary) struct Plain {
    pub(in crate::stationary) lazy: bool,
}

impl Step for Plain {
    /// Goes by the product in `next`, which is there: no step of this kind leaves a bound for it.
    fn advance(&mut self, law: &mut Vec<f64>, next: &mut Vec<f64>, _start: &Start<'_>) -> Option<f64> {
        if self.lazy {
            map_in_place(next, |state, next| 0.5 * (next + law[state]));
        }
        std::mem::swap(law, next);
        None
    }

    fn keeps_sums(&self) -> bool {
        true
    }

    fn persist(&mut self, _law: &[f64], _tape: &mut Tape<'_>) -> io::Result<()> {
        Ok(())
    }
}
