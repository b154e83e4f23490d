//! How long a chain stays on the track of a prompt, answered in four ways.
//!
//! A **coupling** lets two walks step together, each as the chain lays down, so that they
//! **meet** as soon as they may. Two continuations **part** at the first step
//! at which they differ.

mod continuations;
mod mean_time;
mod meeting;
mod on_track;
mod pair_chain;
mod sampled_pairs;
mod settings;
mod token_coupling;

pub use continuations::Continuations;
pub use mean_time::MeanTime;
pub use meeting::MeetingTime;
pub use on_track::OnTrack;
pub use settings::TrackSettings;
