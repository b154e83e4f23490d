//! What can be wrong with an n-gram of a back-off model.

/// Why an n-gram does not fit into a back-off model.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NgramProblem {
    /// Its probability is outside the unit interval, or not a number.
    #[error("the probability is {value}, but must be from 0 to 1")]
    Probability {
        /// The value given.
        value: f64,
    },
    /// Its back-off weight is negative, infinite or not a number.
    #[error("the back-off weight is {value}, but must be finite and non-negative")]
    Backoff {
        /// The value given.
        value: f64,
    },
    /// It has no tokens, or more than the order.
    #[error("it must have from 1 to {order} tokens; raise the order, or leave it out")]
    Length {
        /// The order of the model.
        order: usize,
    },
    /// It is given twice.
    #[error("it is given twice; give every n-gram once")]
    Duplicate,
    /// Its context is not given.
    #[error("its context, the n-gram without its last token, is not given; add that, or leave this one out")]
    Orphan,
    /// A token of the vocabulary has no probability of its own.
    #[error("the token has no probability of its own; give an n-gram of length 1 for every token")]
    MissingToken,
}
