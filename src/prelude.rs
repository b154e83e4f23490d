//! What most programs need: `use lmchain::prelude::*;`.

#[doc(no_inline)]
pub use crate::chain::{
    Enumeration, Exploration, MarkovChain, Observation, SmoothedChain, Start, StateSet, States,
};
#[doc(no_inline)]
pub use crate::drift::{TextDriftSettings, TrackSettings};
#[doc(no_inline)]
pub use crate::exposure::{Exposure, LookAheadCalibration, ModelLift, SurprisalTest};
#[doc(no_inline)]
pub use crate::information::TextInformation;
#[doc(no_inline)]
pub use crate::metastable::MetastableSolver;
#[doc(no_inline)]
pub use crate::mixing::{MixingTimeSolver, SecondEigenvalueSolver};
#[doc(no_inline)]
pub use crate::model::{Decoded, Decoding, LanguageModel, NgramModel, NgramSettings, Smoothing, TableModel};
#[doc(no_inline)]
pub use crate::operator::{BackoffOperator, Restart, ShiftOperator, SparseOperator, TransitionOperator};
#[doc(no_inline)]
pub use crate::passage::{Overlap, PassageSolver, Patterns};
#[doc(no_inline)]
pub use crate::prob::{EntropyEstimator, Law};
#[doc(no_inline)]
pub use crate::sensitivity::{CountPosteriorSettings, PoissonSolver, PosteriorSampler};
#[doc(no_inline)]
pub use crate::stationary::{StationaryMethod, StationarySolver};
#[doc(no_inline)]
pub use crate::text::{Corpus, CorpusSettings, DocumentEnd, EndRule, Token, Tokenizer, Vocab};
#[doc(no_inline)]
pub use crate::topics::{LabelledCorpus, TopicClassifierSettings, Topics};
