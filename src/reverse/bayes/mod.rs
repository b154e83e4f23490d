//! Reversal by Bayes' rule, as published for language models that only run
//! forwards, and how far it is from the exact reversal.

mod conditionals;
mod cross_entropy;
mod posterior;
mod prior;
mod settings;

pub use conditionals::Conditionals;
pub use posterior::BayesReversal;
pub use prior::Prior;
pub use settings::BayesSettings;
