//! Bounds from the laws of the next token.

use super::{BoundKind, MixingBound, Standing, TokenLaws};
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::{TransitionOperator, row_sum_error};
use crate::prob::{sum_by, sum_depth};

impl<O: TransitionOperator> MarkovChain<O> {
    /// The bound from the token floor ([`BoundKind::TokenFloor`]).
    ///
    /// `O(transitions)`; the chain of a whole back-off model knows the least probability of every token
    /// after any context from its n-grams alone.
    ///
    /// # Errors
    ///
    /// [`Error::NotShiftRegister`](crate::Error::NotShiftRegister) if some step does more than append a
    /// token and drop the oldest, [`Error::NotWindows`](crate::Error::NotWindows) if states do not
    /// tell; [`Error::TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    pub fn token_floor_bound(&self) -> Result<MixingBound> {
        let operator = self.operator();
        let context = self.states().context_length();
        let (floor, error) = match operator.token_floors() {
            Some(floors) => {
                let units = (sum_depth(floors.len()) + 2 * context + 2) as f64;
                let floor = sum_by(floors.len(), |token| floors[token]);
                (floor, units * f64::EPSILON + 2.0 * row_sum_error(operator))
            }
            None => {
                let laws = TokenLaws::new(self)?;
                (laws.least_common(0), laws.relative_error(row_sum_error(operator)))
            }
        };
        let (loss, error) = (floor.powi(context as i32), 2.0 * context as f64 * (error + f64::EPSILON));
        Ok(MixingBound::blocks(BoundKind::TokenFloor, loss, error, context, 0))
    }

    /// The house of cards of pairs, with `r_n` ([`BoundKind::HouseOfCards`]).
    ///
    /// For `M` different laws of the next token, `M^2 V / 2` comparisons for `n = 0`,
    /// and fewer as more tokens are shared.
    ///
    /// # Errors
    ///
    /// As [`token_floor_bound`](Self::token_floor_bound), and
    /// [`Error::TooExpensive`](crate::Error::TooExpensive) beyond 10^12 operations.
    pub fn house_of_cards_bound(&self) -> Result<MixingBound> {
        Ok(self.memory_profile()?.bound())
    }

    /// The house of cards of common tokens, with `a_n` ([`BoundKind::CommonTokens`]).
    ///
    /// `O(K transitions)`.
    ///
    /// # Errors
    ///
    /// As [`token_floor_bound`](Self::token_floor_bound).
    pub fn common_tokens_bound(&self) -> Result<MixingBound> {
        let laws = TokenLaws::new(self)?;
        let error = laws.relative_error(row_sum_error(self.operator()));
        let certain = |n: usize| (laws.least_common(n) * (1.0 - error)).clamp(0.0, 1.0);
        let common = (0..laws.context_length()).map(certain).collect();
        Ok(MixingBound::runs(BoundKind::CommonTokens, Standing::Certificate, common))
    }
}
