//! Strings of tokens that are waited for: bad strings.
//!
//! - A string **occurs** at token `t` if the `t`-th token generated is its last
//!   one, and the tokens before it are its others. Occurrences may overlap.
//! - Whether it may begin in the prompt is always said: [`Overlap`].
//! - Of several strings, that **comes first** which is the first to be
//!   complete. If several are complete with the same token, each but the
//!   shortest ends with the next shorter one; then the shortest comes first. So
//!   a string that contains another one never does, unless the other one ended
//!   earlier, in a prompt that is read.
//! - The **waiting time** is the number of tokens up to the end of the first
//!   occurrence.

mod automaton;
mod first;
mod incoming;
mod occurrences;
mod operator;
mod overlap;
mod waiting;

pub use automaton::Patterns;
pub use first::PatternLaw;
pub use occurrences::Occurrences;
pub use operator::PatternOperator;
pub use overlap::Overlap;
pub use waiting::WaitingTime;
