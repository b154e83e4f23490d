//! Whether a chain stays on its topic.
//!
//! - **Topics** are a partition of the states ([`crate::topics::Topics`]) or
//!   memberships ([`crate::topics::Memberships`]).
//! - The **flow** from topic `a` to `b` is the probability that the next state
//!   is in `b`, given that this one is in `a`, under the stationary law.
//! - **Retention** after `t` steps: the probability of being in the topic at
//!   time `t`, given that one was at time 0; it may have been left in between.
//! - The **sojourn law** of a topic: the number of steps spent in it from an
//!   entry to the next exit. Its **half-life** is the first number of steps
//!   that at most half of the sojourns outlast; its **hazard** is the
//!   probability that a sojourn ends, given that it lasted so long.
//! - The **return probability**: that of being back in a topic after it was left.
//! - The **lumped chain** has the topics for states and the flow for its
//!   transition matrix. Its **lumpability error** is how far the law of the next
//!   topic given the state is from that given the topic; the
//!   **Chapman-Kolmogorov test** compares its powers with the truth.
//! - **Drift along a text**: how far the frequencies of tokens in one window are
//!   from those in the window before, in the first one, or from a law. The **null
//!   band** is what shuffled texts show; a **change** is what exceeds it.
//! - **On track**: how long a prompt is seen in what comes after it, in four ways
//!   that disagree ([`OnTrack`] says why).

mod band;
mod curve;
mod lumped;
mod returning;
mod sojourn;
mod text_distance;
mod text_drift;
mod track;
mod windows;

pub use band::{DriftBand, DriftNull};
pub use lumped::{ChapmanKolmogorov, LumpedChain};
pub use returning::TopicReturn;
pub use sojourn::Sojourn;
pub use text_distance::TextDistance;
pub use text_drift::{ChangePoint, DriftReference, TextDrift, TextDriftSettings};
pub use track::{Continuations, MeanTime, MeetingTime, OnTrack, TrackSettings};
pub use windows::{WindowDrift, window_drift};
