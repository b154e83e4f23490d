//! What can only be sampled, without bias.
//!
//! A chain that **regenerates**, forgetting its past now and then, can be
//! sampled from its stationary law exactly, however slowly it would mix and
//! however many states it has: what happened before the last regeneration does
//! not matter.

mod regeneration;
