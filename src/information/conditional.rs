//! How much of the context matters.

use super::rows::Rows;
use crate::chain::MarkovChain;
use crate::error::Result;
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::solve::check_positive;

impl<O: TransitionOperator> MarkovChain<O> {
    /// Entropies `h_m = H(m + 1) - H(m)` of a token given the last `m` tokens, for
    /// `m = 0..=K`, in bits: from the entropy of a token by itself down to the entropy rate.
    ///
    /// Costs as [`block_entropies`](Self::block_entropies). They are differences of
    /// entropies, right to about 1e-15 times these.
    ///
    /// # Errors
    ///
    /// As [`block_entropies`](Self::block_entropies).
    ///
    /// # Panics
    ///
    /// If the law is over other states; so do the other methods here.
    #[track_caller]
    pub fn conditional_entropies(&self, stationary: &Law) -> Result<Vec<f64>> {
        let context = self.states().context_length();
        let blocks = self.block_entropies(stationary, context)?;
        let rate = self.entropy_rate(stationary);
        let shorter = blocks.windows(2).map(|pair| (pair[1] - pair[0]).max(rate));
        Ok(shorter.chain([rate]).collect())
    }

    /// Conditional memory `h_m - h` for `m = 0..=K`, in bits: what older tokens tell
    /// about the next one beyond the last `m`, `I(X_(t+1); older | last m)`.
    ///
    /// It is also the rate at which the best model of `m` tokens of context falls short: the
    /// relative entropy a token of the chain to its projection of order `m` (Braverman et
    /// al. 2020 bound the memory of a model by such a difference).
    ///
    /// # Errors
    ///
    /// As [`block_entropies`](Self::block_entropies).
    #[track_caller]
    pub fn conditional_memory(&self, stationary: &Law) -> Result<Vec<f64>> {
        let entropies = self.conditional_entropies(stationary)?;
        let rate = entropies[entropies.len() - 1];
        Ok(entropies.iter().map(|entropy| entropy - rate).collect())
    }

    /// The effective order: the smallest `m` such that the law of the next token is the
    /// same after any two contexts that end with the same `m` tokens.
    ///
    /// Laws are the same if they are so to the bit, and only contexts count that the
    /// stationary law visits. 16 bytes a transition, `O(K transitions)`.
    ///
    /// # Errors
    ///
    /// [`NotShiftRegister`](crate::Error::NotShiftRegister) where tokens cannot be read off steps,
    /// [`TooLarge`](crate::Error::TooLarge) beyond 8 GiB.
    #[track_caller]
    pub fn effective_order(&self, stationary: &Law) -> Result<usize> {
        self.check_tokens(stationary)?;
        let rows = Rows::new(self, stationary, |state| self.states().newest_token(state))?;
        let (blocks, _) = rows.equal();
        let context = self.states().context_length();
        let known = |order: &usize| self.order_suffices(&rows, &blocks, *order);
        Ok((0..context).find(known).unwrap_or(context))
    }

    /// The smallest `m` with a [conditional memory](Self::conditional_memory) of at
    /// most so many bits: approximately the order, where laws differ by little or rarely.
    ///
    /// # Errors
    ///
    /// As [`block_entropies`](Self::block_entropies), and
    /// [`InvalidSetting`](crate::Error::InvalidSetting) unless `bits` is positive.
    #[track_caller]
    pub fn effective_order_within(&self, stationary: &Law, bits: f64) -> Result<usize> {
        check_positive("bits", bits)?;
        let memory = self.conditional_memory(stationary)?;
        Ok(memory.iter().position(|&left| left <= bits).unwrap_or(memory.len() - 1))
    }

    /// Whether all contexts with the same last `order` tokens have equal rows.
    ///
    /// A context of a back-off model that is shorter stands for the contexts that
    /// have nothing longer in common with any that is stored: none of these
    /// ends as a longer one does.
    fn order_suffices(&self, rows: &Rows, blocks: &[u32], order: usize) -> bool {
        let ending = |place: usize| {
            let tokens = self.states().tokens(rows.states[place] as usize);
            tokens.len().checked_sub(order).map(|older| (tokens[older..].to_vec(), blocks[place]))
        };
        let mut endings: Vec<_> = (0..rows.len()).filter_map(ending).collect();
        endings.sort_unstable();
        endings.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1)
    }

    /// Refuses a chain whose steps do not tell which token was appended.
    #[track_caller]
    pub(super) fn check_tokens(&self, law: &Law) -> Result<()> {
        self.check_law(law);
        if self.states().are_windows() {
            return self.check_shifts(law);
        }
        self.operator().block_entropies(law, 0).map_or_else(|| Err(self.unknown_blocks()), |_| Ok(()))
    }
}
