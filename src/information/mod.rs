//! How much a chain says, and how much it remembers; everything in bits.
//!
//! Tokens are the newest tokens of the states visited, under the stationary law.
//!
//! - **Entropy rate** `h = sum pi(i) H(P(i, ·))`: new bits a token.
//! - **Block entropy** `H(L)`: entropy of `L` tokens in a row;
//!   `H(L + 1) - H(L) = h` from `L = K` on.
//! - **Excess entropy** `E = H(K) - K h`: what the past tells about the future,
//!   the mutual information of two disjoint windows in a row.
//! - **Conditional memory** `h_m - h`, where `h_m = H(m + 1) - H(m)`: what older tokens
//!   tell about the next one beyond the last `m`. The **effective order** is the smallest
//!   `m` where nothing is left.
//! - **Mutual information** at lag `d`: of two tokens, topics, or whole contexts `d`
//!   steps apart; of a prompt and the state `d` steps later. Tokens of a finite context forget
//!   exponentially in the end, `I(d) ~ |lambda|^(2d)` ([`crossover`]); a text may do so as a power of
//!   the lag ([`slopes`]).
//! - **Causal states**: contexts with the same future are one. Their entropy is the
//!   **statistical complexity**, at least `E`.
//!
//! From a text the same is *estimated*: [`TextInformation`] and
//! [`EntropyEstimator`](crate::prob::EntropyEstimator) for the bias, a **shuffle floor** for what is left of
//! it, an **effective sample size** ([`EffectiveSampleSolver`]) for tokens that depend on each other.

mod batches;
mod causal;
mod conditional;
mod counts;
mod deviations;
mod effective;
mod mutual;
mod prompts;
mod rates;
mod refine;
mod rows;
mod slopes;
mod text;
mod windows;

pub use causal::{CausalStateSolver, CausalStates, CausalStep};
pub use counts::{PairCounts, block_counts};
pub use effective::{EffectiveSample, EffectiveSampleSolver};
pub use mutual::LagInformation;
pub use prompts::{PromptInformation, PromptMemory};
pub use slopes::{Slope, crossover, slopes};
pub use text::{LagEstimate, ShuffleFloor, TextInformation};
