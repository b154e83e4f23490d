//! Upper bounds on the distance from the worst start: see [`BoundKind`].

mod bound;
mod endings;
mod k_steps;
mod runs;
mod side_by_side;
mod token_laws;
mod tokens;

pub use bound::{BoundKind, MixingBound, Standing};
pub(super) use endings::Endings;
pub use side_by_side::MixingBounds;
pub(super) use token_laws::{TokenLaws, law_after, overlap};
