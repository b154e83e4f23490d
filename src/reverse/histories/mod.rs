//! Working backwards from a bad state.
//!
//! A **history** is a sequence of states that ends in a given set. Given a law
//! of the first state and the number of steps, histories have a law: the
//! posterior, in proportion to `start(x_0) P(x_0, x_1) ... P(x_{n-1}, x_n)`.
//!
//! - The **filter** is the law of the state at a time given nothing later; the
//!   **smoother** is the law given the end. The **twist** is the probability of
//!   the end given the state at a time.
//! - The **most probable history** maximises the posterior (Viterbi).
//! - Under a stationary law, the histories of a set are the walks of the
//!   reversed chain that start there.
//! - Where a chain now and then starts anew, in a **reset**, the **age** of a
//!   state is the number of steps since the last one. The posterior over age
//!   and history since then needs no stationary law.

mod end;
mod excursion;
mod history;
mod horizon;
mod logarithms;
mod marginals;
mod most_probable;
mod past;
mod paths;
mod replay;
mod reset;
mod reset_histories;
mod reset_law;
mod samples;
mod sweep;

pub use end::End;
pub use history::History;
pub use horizon::{Histories, HistorySettings};
pub use reset::ResetHistorySettings;
pub use reset_histories::ResetHistories;
