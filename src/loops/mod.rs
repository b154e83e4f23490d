//! Repetition loops: where text goes round and round.
//!
//! - A **repetition loop** is a cycle of states, each led to by the one before
//!   it, that is likely to be followed again ([`RepetitionLoop`]). In a chain of
//!   contexts it is a string of tokens that is written over and over.
//! - Its **turn probability** `rho` is the product of the probabilities of its
//!   steps: that of going round once more. The loop is **absorbing** if no other
//!   step leaves its states; then `rho = 1`. One with `rho` near 1 is
//!   **quasi-absorbing**.
//! - A **visit** begins when the chain comes upon a state of the loop by a step
//!   that is not the loop's, and ends with the first step that is not the
//!   loop's. The **stay** is its number of steps, that last one counted: the
//!   number of tokens written before the text leaves the loop, and one more.
//!   Under a stationary law ([`LoopVisits`])
//!
//!   ```text
//!   share of time on the loop = visits a step · mean stay.
//!   ```
//!
//! - The states of a loop may be left without leaving their set, by a step across
//!   the loop. Their **escape rate** is that of the set: `1 - lambda`, where
//!   `lambda` is the largest eigenvalue of the transitions among them
//!   ([`MarkovChain::loop_escape_rate`](crate::chain::MarkovChain::loop_escape_rate)).
//!   It is at most `1 - rho^(1/length)`, and that if there are no steps across.
//! - The **average repetition probability** of Fu, Lam, So and Shi (2021) is one
//!   number for a whole chain of tokens ([`AverageRepetition`]).
//! - **seq-rep-n** and **rep-w** count repetition in a text
//!   ([`ngram_repetition`], [`window_repetition`]), sampled or given.
//!
//! Decoding moves loops: the lower the temperature, the longer the stay
//! ([`LoopSurvey`]).
//!
//! When a loop is entered from a start, and whether it is, are questions about
//! the set of its states ([`RepetitionLoop::state_set`]), for
//! [`passage`](crate::passage).

mod average_repetition;
mod escape;
mod repetition;
mod repetition_loop;
mod sampled;
mod search;
mod strong_graph;
mod survey;
mod visits;

pub use average_repetition::AverageRepetition;
pub use repetition::{ngram_repetition, window_repetition};
pub use repetition_loop::RepetitionLoop;
pub use sampled::{RepetitionEstimate, RepetitionSampler, SampleMean};
pub use search::LoopSearch;
pub use survey::{DecodedLoops, LoopSurvey, SurveyedLoop};
pub use visits::LoopVisits;
