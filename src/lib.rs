//! A language model that sees only its last K tokens *is* a Markov chain: the
//! state is the whole context, and a step appends the sampled token and drops
//! the oldest. This crate takes that literally and answers, for any such model,
//! where it goes in the long run, how fast it forgets its prompt, what chain of
//! events leads to a bad state and when it was sealed, how much its tokens say
//! about each other, and how long it stays on its topic.
//!
//! **Exact where the chain can be enumerated.** All numbers here come from the
//! chain itself, not from samples of it. Where something is proven, it is
//! called proven; where it is not, it is not.
//!
//! # From a text to the long run
//!
//! ```
//! use lmchain::prelude::*;
//!
//! let text = "the cat sat on the mat and the rat sat on the cat ";
//! let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
//! let chain = MarkovChain::observed(&corpus, 2)?; // contexts of two characters
//!
//! let law = chain.stationary()?.converged()?; // where it goes
//! let at = chain.states().find("at")?;
//! assert!((law[at] - 6.0 / 50.0).abs() < 1e-12); // six of fifty windows
//!
//! let bits = chain.entropy_rate(&law); // new information a token
//! assert!((0.0..1.0).contains(&bits));
//!
//! let time = MixingTimeSolver::new().solve(&chain, &law)?; // how fast it forgets
//! let before = chain.reverse_table(&law)?; // what came before
//! let row = before.law_before(at).expect("a state that is visited has a past");
//! let c = corpus.vocab().token("c").expect("a letter of the text");
//! assert!((row[c as usize] - 1.0 / 3.0).abs() < 1e-12); // "cat" twice among six "at"
//! # assert!(time.is_some());
//! # Ok::<(), lmchain::Error>(())
//! ```
//!
//! # From a bad state back to what led there
//!
//! ```
//! use lmchain::prelude::*;
//! use lmchain::reverse::End;
//!
//! let text = "the cat sat on the mat and the rat sat on the cat ";
//! let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text])?;
//! let chain = MarkovChain::observed(&corpus, 2)?;
//! let law = chain.stationary()?.converged()?;
//! let token = |name: &str| corpus.vocab().token(name).expect("a letter of the text");
//! let rat = StateSet::ending_with(chain.states(), &[&[token("r"), token("a")]])?;
//! let cat = StateSet::ending_with(chain.states(), &[&[token("c"), token("a")]])?;
//!
//! // After "th", does the rat come before the cat? Of four "the", two are followed by the
//! // cat, one by the rat, and one by the mat, after which there is another "the".
//! let first = chain.committor(&cat, &rat)?.converged()?; // between proven bounds
//! assert!(first.interval(chain.states().find("th")?).contains(1.0 / 3.0));
//!
//! // What was said in the six steps before, given that it ended so?
//! let histories = chain.histories(Start::Law(&law), End::In(&rat), 6)?;
//! let best = &histories.most_probable(1)?[0];
//! assert_eq!(corpus.decode(&best.tokens(chain.states())), "n the ra");
//! # Ok::<(), lmchain::Error>(())
//! ```
//!
//! # The floors
//!
//! Each module uses only those above it in this list, and its front page
//! defines its words.
//!
//! | module | what it is about |
//! |---|---|
//! | [`error`] | the one error type |
//! | [`prob`], [`text`], [`solve`] | laws · symbols and sequences · outcomes and progress |
//! | [`ngram`] | n-grams counted, and stored with probabilities and back-off weights |
//! | [`operator`] | transition matrices, known by what they do |
//! | [`model`] | a context in, the law of the next token out |
//! | [`chain`] | states and an operator over them: classes, walks, construction |
//! | [`topics`] | what the states are about: partitions and memberships |
//! | [`spectrum`] | eigenvalues and invariant subspaces |
//! | [`stationary`], [`reverse`], [`passage`], [`elicit`], [`loops`], [`mixing`], [`information`], [`drift`], [`metastable`], [`exposure`], [`sensitivity`], [`sampled`] | one question each; their answers are methods of [`chain::MarkovChain`], or settings that solve, search or measure |
//!
//! # Themes
//!
//! - **Two products.** A law (row vector) is pushed forward, an observable
//!   (column vector) is pulled back; everything else is built on these two
//!   methods of [`operator::TransitionOperator`].
//! - **Structure first.** One stationary law per recurrent class, never one
//!   picked in silence; periodic chains get Cesàro limits.
//! - **Outcomes.** What iterates returns a [`solve::Outcome`]: `converged()?`
//!   insists, `into_value()` takes what there is. A small residual is not a
//!   small error, so convergence to a stationary law is claimed only with a
//!   proven bound on the error.
//! - **Bounds.** Where a number can be enclosed, both bounds are given
//!   ([`passage::Enclosure`]), with the rounding of the computation in them.
//! - **Errors and panics.** Data that does not fit is an [`enum@Error`] with
//!   the place and the remedy. A broken contract between arguments panics, and
//!   is listed under *Panics*. What would not fit in memory is refused before it
//!   is allocated.
//! - **Determinism.** The same seed gives the same bits on any number of threads.
//! - **Units.** Information is in bits; total variation is half the L1 distance;
//!   the mixing time is over the worst start, to distance 1/4.
//!
//! # Features
//!
//! - `npz` (off by default): reads matrices written by `scipy.sparse.save_npz`.

pub mod chain;
pub mod drift;
pub mod elicit;
pub mod error;
pub mod exposure;
mod files;
pub mod information;
pub mod loops;
pub mod metastable;
pub mod mixing;
pub mod model;
pub mod ngram;
pub mod operator;
mod parallel;
pub mod passage;
pub mod prelude;
pub mod prob;
pub mod reverse;
pub mod sampled;
pub mod sensitivity;
pub mod solve;
pub mod spectrum;
pub mod stationary;
pub mod text;
pub mod topics;

#[cfg(test)]
mod smoothed_tests;

pub use error::{Error, Result};

/// The code in the README is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
