//! How the errors of a model pile up once it reads its own text.
//!
//! Two chains over the same contexts: the **data** chain `P` and the **model**
//! chain `Q`, with stationary laws `pi_P` and `pi_Q`.
//!
//! - The **error** in a context is the relative entropy `d(c) = KL(p(· | c) || q(· | c))`,
//!   in bits. Under the contexts of the data its mean is the **relative entropy rate** `eps`, and
//!   `n` tokens of data are told from the model's by exactly `n eps` bits: such errors
//!   only add up. The **cross-entropy** is `h_P + eps`.
//! - Text that the model wrote itself has the contexts of `mu_t = pi_P Q^t` after
//!   `t` tokens. The error is then `R_t = E_(mu_t) d`, the distance from the data
//!   `D_t = TV(mu_t, pi_P)`, and the model's own entropy `E_(mu_t) H(q)`. All three go to
//!   a **plateau**, that of `pi_Q`, as fast as `Q` mixes.
//! - **Accumulated error** after `l` tokens is `sum over t < l of R_t / eps`, **excess**
//!   the per cent by which that exceeds `l` (Arora, El Asri, Bahuleyan & Cheung 2022).
//! - **Entropy-rate drift** is `h_Q` less the cross-entropy (Braverman et al. 2020):
//!   zero for a calibrated model, below for one that says ever less that is new.
//! - The distance grows at most linearly, `D_t <= t eta` with
//!   `eta = E_(pi_P) TV(p, q)` (Ross & Bagnell 2010), and stays bounded where `K` steps of
//!   `Q` contract.
//!
//! Without a reference, **surprisal less entropy** of each token is a martingale
//! difference on text that the model wrote, and tells other text from it
//! ([`SurprisalTest`]) as far as the model is surprised more, or less, than it expects; errors
//! that leave its calibration whole do not show. **Look-ahead calibration** ([`LookAhead`]) makes
//! tokens more or less likely by the entropy of what follows them, by one number, fitted so that
//! this entropy is that of the data. The cross-entropy never rises by it; the
//! drift in the long run may move either way.

mod bounds;
mod calibration;
mod contributions;
mod curve;
mod divergence;
mod lift;
mod look_ahead;
mod measure;
mod monitor;
mod newton;
mod origins;
mod plateau;
mod rates;
mod surprisal;
mod tilted;

pub use bounds::ContractionBounds;
pub use calibration::{LookAheadCalibration, LookAheadFit};
pub use contributions::{Contribution, ContributionOrder, Contributions};
pub use curve::ErrorCurve;
pub use divergence::{ContextDivergences, ImpossibleStep};
pub use lift::{Lengthened, LiftedModel, ModelLift, Outside, explored_together};
pub use look_ahead::LookAhead;
pub use measure::Exposure;
pub use monitor::SurprisalMonitor;
pub use origins::{Origin, Origins};
pub use plateau::Plateau;
pub use rates::ErrorRates;
pub use surprisal::{SurprisalPath, SurprisalTest};
pub use tilted::Tilted;
