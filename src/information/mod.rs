//! How much a chain says, and how much it remembers; everything in bits.
//!
//! Tokens are the newest tokens of the states visited, under the stationary law.
//!
//! - **Entropy rate** `h = sum pi(i) H(P(i, ·))`: new bits a token.
//! - **Block entropy** `H(L)`: entropy of `L` tokens in a row;
//!   `H(L + 1) - H(L) = h` from `L = K` on.
//! - **Excess entropy** `E = H(K) - K h`: what the past tells about the future,
//!   the mutual information of two disjoint windows in a row.
//! - **Mutual information** at lag `d`: of two tokens `d` steps apart.

mod mutual;
mod rates;

pub use mutual::LagInformation;
