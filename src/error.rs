//! The one error type of the crate.

mod arpa_file;
mod checkpoint;
mod matrix_file;
mod ngram;
mod table_file;

use std::path::PathBuf;
use std::sync::Arc;

pub use arpa_file::ArpaFileProblem;
pub use checkpoint::CheckpointProblem;
pub use matrix_file::MatrixFileProblem;
pub use ngram::NgramProblem;
pub use table_file::TableFileProblem;

use matrix_file::Place;

/// A result with the crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, with the place and the remedy.
///
/// Data that does not fit is an error; a broken contract between arguments (a
/// slice of the wrong length, a state of another chain) is a panic, listed
/// under *Panics* of the function concerned.
///
/// Its `Debug` form is the message too, since that is what a program shows whose
/// `main` returns it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    // ---- laws -------------------------------------------------------------
    /// A probability is negative, infinite or not a number.
    #[error("entry {index} is {value}; probabilities must be finite and non-negative")]
    InvalidProbability {
        /// Position in the vector.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// A probability vector does not sum to one.
    #[error(
        "the probabilities sum to {sum}, not to 1 within {tolerance:e}; normalise them explicitly if they are weights"
    )]
    NotNormalized {
        /// The sum found.
        sum: f64,
        /// The tolerance allowed.
        tolerance: f64,
    },
    /// Weights that are all zero cannot be normalised.
    #[error("all weights are zero, so they cannot be normalised to a probability vector")]
    ZeroMass,
    /// A probability vector has no entries.
    #[error("a probability vector needs at least one entry")]
    EmptyLaw,
    /// Two things that must have the same length do not.
    #[error("expected {expected} entries, found {found}")]
    LengthMismatch {
        /// The length needed.
        expected: usize,
        /// The length found.
        found: usize,
    },

    // ---- transition matrices -----------------------------------------------
    /// An entry of a transition matrix is negative, infinite or not a number.
    #[error("row {row}, column {column} is {value}; probabilities must be finite and non-negative")]
    InvalidEntry {
        /// Row (state left).
        row: usize,
        /// Column (state entered, or token).
        column: usize,
        /// The offending value.
        value: f64,
    },
    /// A row of a transition matrix does not sum to one.
    #[error(
        "row {row} sums to {sum}, not to 1 within {tolerance:e}; if the rows hold weights, use a normalising constructor such as SparseOperator::from_weights or TableModel::normalized"
    )]
    RowSum {
        /// Row (state).
        row: usize,
        /// The sum found.
        sum: f64,
        /// The tolerance allowed, scaled with the length of the row.
        tolerance: f64,
    },
    /// A transition matrix is not square.
    #[error("a transition matrix must be square, this one is {rows} x {columns}")]
    NotSquare {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// The same entry of a sparse matrix is given twice.
    #[error("row {row}, column {column} is given twice; add duplicate entries up first")]
    DuplicateEntry {
        /// Row (state left).
        row: usize,
        /// Column (state entered).
        column: usize,
    },
    /// There are no states.
    #[error("a chain needs at least one state")]
    NoStates,
    /// Something would need more memory than allowed.
    #[error(
        "{what} would take {needed} bytes, more than the {allowed} allowed; ask for less (a shorter context, a smaller vocabulary, fewer walks or steps), or raise the limit where there is one"
    )]
    TooLarge {
        /// What was to be allocated.
        what: &'static str,
        /// Bytes it would take; `u128::MAX` when even the count overflows.
        needed: u128,
        /// Bytes allowed.
        allowed: u128,
    },
    /// A computation would need more operations than allowed.
    #[error("{what} would take about {needed:.2e} operations, more than the {allowed:.2e} allowed; {remedy}")]
    TooExpensive {
        /// What was to be computed.
        what: &'static str,
        /// Operations it would take.
        needed: f64,
        /// Operations allowed.
        allowed: f64,
        /// What to do instead.
        remedy: &'static str,
    },

    // ---- files of matrices ---------------------------------------------------
    /// A file, or a stream, does not hold a matrix that can be read.
    #[error("{}{problem}", Place(path.as_deref(), *line, "matrix file"))]
    MatrixFile {
        /// The file, if it was opened by its path.
        path: Option<PathBuf>,
        /// The line, counted from 1, if the file has lines.
        line: Option<usize>,
        /// What is wrong.
        problem: MatrixFileProblem,
    },

    // ---- chains that are not held in memory -----------------------------------
    /// A file does not hold the table of a chain.
    #[error("{}: {problem}", path.display())]
    TableFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: TableFileProblem,
    },
    /// The rows of a chain could not be had in the middle of a product, so that
    /// everything computed since is void.
    #[error("a product could not be computed: {source}")]
    Product {
        /// The first reason.
        source: Arc<Error>,
    },
    /// A computation cannot go on from a checkpoint.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: CheckpointProblem,
    },

    // ---- contexts and states -------------------------------------------------
    /// The contexts cannot be numbered.
    #[error(
        "{vocabulary_size} tokens to the power {context_length} contexts cannot be numbered in {bits} bits; shorten the context or shrink the vocabulary"
    )]
    ContextSpaceTooLarge {
        /// Vocabulary size V.
        vocabulary_size: usize,
        /// Context length K.
        context_length: usize,
        /// Width of the number that was to hold a context.
        bits: u32,
    },
    /// A model or chain with an empty vocabulary or an empty context.
    #[error("the {what} must be at least 1")]
    MustBePositive {
        /// Which quantity.
        what: &'static str,
    },
    /// A token is outside the vocabulary.
    #[error("token {token} is outside the vocabulary of {vocabulary_size}")]
    TokenOutOfRange {
        /// The token.
        token: u32,
        /// Vocabulary size V.
        vocabulary_size: usize,
    },
    /// A state is outside the chain.
    #[error("state {state} is outside the chain of {states} states")]
    StateOutOfRange {
        /// The state.
        state: usize,
        /// Number of states.
        states: usize,
    },
    /// A prompt is shorter than a context.
    #[error("the prompt has {tokens} tokens, but a context needs {needed}; lengthen the prompt")]
    PromptTooShort {
        /// Tokens the prompt has.
        tokens: usize,
        /// Tokens a context has.
        needed: usize,
    },
    /// No state has this label or context.
    #[error("the chain has no state {label:?}")]
    UnknownState {
        /// The label or context asked for.
        label: String,
    },
    /// The chain's states are not contexts of tokens.
    #[error(
        "the states of this chain are not contexts of tokens, so {what} is not defined; build it from a model or a corpus"
    )]
    NoTokens {
        /// What was asked for.
        what: &'static str,
    },
    /// The state has probability zero, so what came before it is undefined.
    #[error(
        "state {state} ({label:?}) has stationary probability zero, so its past under the stationary law is undefined"
    )]
    NoPast {
        /// The state.
        state: usize,
        /// Its label.
        label: String,
    },

    /// A state was given a topic that has no name.
    #[error("topic {topic} has no name, there are {topics} topics")]
    UnknownTopic {
        /// The index given.
        topic: usize,
        /// Number of names.
        topics: usize,
    },
    /// A topic that the stationary law never visits.
    #[error("the stationary law never visits topic {name:?}")]
    EmptyTopic {
        /// Its name.
        name: String,
    },

    /// A topic that nothing is known of.
    #[error("no document is labelled with topic {name:?}; label one, or leave the topic out")]
    UnlabelledTopic {
        /// Its name.
        name: String,
    },

    /// A set of states that has none.
    #[error("the {what} is a set without states; check what it was meant to hold")]
    EmptySet {
        /// Which set.
        what: &'static str,
    },
    /// Two sets of states that must have nothing in common do.
    #[error("state {state} ({label:?}) is in two sets that must not overlap; take it out of one of them")]
    OverlappingSets {
        /// The first state that is in both.
        state: usize,
        /// Its label.
        label: String,
    },
    /// The states of a chain are pairs of a state and something that its tokens do not tell.
    #[error(
        "the states of this chain are pairs of a context and of what the automaton has read, so {what} names none of them; start from the law that pattern_start gives"
    )]
    PairedStates {
        /// What was given.
        what: &'static str,
    },
    /// A string of tokens is longer than contexts are.
    #[error(
        "a string of {tokens} tokens does not fit into contexts of {context}; look for it with Patterns, or lengthen the context"
    )]
    StringTooLong {
        /// Tokens of the string.
        tokens: usize,
        /// Tokens of a context.
        context: usize,
    },
    /// An observable has a value that cannot be averaged.
    #[error("the observable is {value} in state {state}; give every state a finite number")]
    InvalidObservable {
        /// The state.
        state: usize,
        /// Its value.
        value: f64,
    },
    /// An observation of a sequence has no value.
    #[error("observation {place} of the sequence is {value}; leave it out, or give it a finite number")]
    InvalidObservation {
        /// Its place, from 0.
        place: usize,
        /// Its value.
        value: f64,
    },
    /// A model looks further back than the states of a chain do.
    #[error(
        "the model looks at {model} tokens, but the states have {states}; make the chain over contexts of {model} tokens, or explore both models together"
    )]
    ContextTooLong {
        /// Tokens that the model looks at.
        model: usize,
        /// Tokens that a state has.
        states: usize,
    },
    /// A model goes on to a context that a chain does not have.
    #[error(
        "after {from:?} the model may say {token:?}, which leads to a context that is no state of the chain; explore both models together (explored_together), or leave such steps out (ModelLift::new().outside(Outside::Renormalize))"
    )]
    LeadsOutside {
        /// Label of the state left.
        from: String,
        /// Name of the token.
        token: String,
    },
    /// A model holds a step impossible that the data make.
    #[error(
        "the step from {from:?} to {to:?} is possible in the data and impossible in the model, so the error there is infinite; smooth the model"
    )]
    ImpossibleForModel {
        /// Label of the state left.
        from: String,
        /// Label of the state entered.
        to: String,
    },
    /// What was conditioned on cannot happen.
    #[error("{what} has probability zero from this start, so nothing can be said given that it happens")]
    Impossible {
        /// What cannot happen.
        what: &'static str,
    },

    /// The states of a chain are contexts of different lengths.
    #[error(
        "the states of this chain are contexts of different lengths, the longest that the model stores, so {what} cannot be read off them; {remedy}"
    )]
    NotWindows {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A step of the chain is not a shift of its window.
    #[error(
        "the step from {from:?} to {to:?} does not append a token and drop the oldest, so blocks of tokens cannot be read off the states; use a chain without restarts or resets"
    )]
    NotShiftRegister {
        /// Label of the state left.
        from: String,
        /// Label of the state entered.
        to: String,
    },

    // ---- chains ------------------------------------------------------------
    /// There are several recurrent classes, hence several stationary laws.
    #[error(
        "the chain has {classes} recurrent classes, each with a stationary law of its own; ask for stationary_laws(), or for the long-run law from a start"
    )]
    SeveralRecurrentClasses {
        /// Number of recurrent classes.
        classes: usize,
    },
    /// A law visits a state, but not one that this leads to.
    #[error(
        "the law visits state {state} ({label:?}), but not all states that this leads to; give a stationary law, or one that is positive everywhere"
    )]
    LeavesLaw {
        /// The state that is visited.
        state: usize,
        /// Its label.
        label: String,
    },
    /// There are fewer eigenvalues than sets.
    #[error(
        "{wanted} metastable sets need as many eigenvalues, but beside its nilpotent part, which is forgotten within a window, the chain has {found}; ask for fewer sets"
    )]
    TooFewEigenvalues {
        /// The least number of sets asked for.
        wanted: usize,
        /// Eigenvalues that there are.
        found: usize,
    },
    /// The eigenvalues do not part where a number of sets asks them to.
    #[error(
        "from {least} to {most} sets can not be told apart: that many eigenvalues would split a conjugate pair or leave out an equal one; give MetastableSolver a range of numbers with sets_between, or look at the reversibilized chain, whose eigenvalues are real, with reversibilized(true)"
    )]
    InseparableSets {
        /// The least number of sets asked for.
        least: usize,
        /// The largest number of sets asked for.
        most: usize,
    },
    /// Topics whose memberships are mixtures of each other.
    #[error(
        "the memberships of the topics are linearly dependent, so there is no coarse-grained chain; leave out topics that are mixtures of others"
    )]
    DependentMemberships,
    /// An iteration did not reach what it was asked for.
    #[error("not converged: {stop} after {iterations} iterations, residual {residual:.2e}")]
    NotConverged {
        /// Why it stopped.
        stop: &'static str,
        /// Iterations done.
        iterations: usize,
        /// The residual reached.
        residual: f64,
    },
    /// Rounding errors became too large for an answer.
    #[error(
        "rounding leaves {what} open: distances may be off by {error:.1e}, {allowed:.1e} is allowed; {remedy}"
    )]
    LostDigits {
        /// What was to be found.
        what: &'static str,
        /// The bound on the error.
        error: f64,
        /// The error allowed.
        allowed: f64,
        /// What to do instead.
        remedy: &'static str,
    },
    /// Numbers became too small to be told from zero.
    #[error(
        "the probability of leaving state {state} underflows; the chain cannot be solved in double precision"
    )]
    Underflow {
        /// The state.
        state: usize,
    },
    /// The exploration of a chain met more states than allowed.
    #[error("more than {limit} states are reachable; raise the limit or sharpen the decoding")]
    StateLimit {
        /// The limit.
        limit: usize,
    },
    /// The observer asked to stop.
    #[error("cancelled by the observer during {stage}")]
    Cancelled {
        /// What was going on.
        stage: &'static str,
    },

    // ---- text ----------------------------------------------------------------
    /// A reader failed.
    #[error("the text could not be read: {source}")]
    Read {
        /// What the system said.
        source: std::io::Error,
    },
    /// A text is not UTF-8.
    #[error(
        "{}byte {offset} is not valid UTF-8; convert the text, or ask for invalid bytes to be replaced",
        path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default()
    )]
    InvalidUtf8 {
        /// The file, if the text came from one.
        path: Option<PathBuf>,
        /// Bytes before the first invalid one.
        offset: u64,
    },
    /// A text has no tokens.
    #[error("the text has no tokens; check the path and the tokenizer")]
    EmptyText,
    /// No document of a text is long enough for one context and the token after it.
    #[error(
        "no document has the {needed} tokens that are needed; shorten the context or the window, or read more text"
    )]
    TextTooShort {
        /// Tokens a document must have.
        needed: usize,
    },
    /// Two tokens have the same name.
    #[error("tokens {first} and {second} are both named {name:?}; names must differ")]
    DuplicateName {
        /// The name.
        name: String,
        /// The first token of that name.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// There are more tokens than can be numbered.
    #[error(
        "a vocabulary of {size} tokens is more than the {allowed} that can be numbered; raise the minimum count"
    )]
    VocabularyTooLarge {
        /// Number of different tokens.
        size: usize,
        /// How many can be numbered.
        allowed: usize,
    },
    /// A token is not in a vocabulary that cannot grow.
    #[error(
        "token {position}, {name:?}, is not in the vocabulary, which has no <unk>; read the training text with unknown_token(true) or a minimum count, or skip unknown tokens with encode_skipping"
    )]
    UnknownToken {
        /// Name of the token.
        name: String,
        /// Tokens before it in the text.
        position: usize,
    },
    /// A text contains a token that only marks where documents start or end.
    #[error(
        "token {position} of the text is {name:?}, which is reserved for the ends of documents; remove it, or rename it"
    )]
    ReservedToken {
        /// Name of the token.
        name: String,
        /// Tokens before it in the text.
        position: usize,
    },
    /// A vocabulary lacks a special token.
    #[error("the vocabulary has no {name}, which {needed_for} needs")]
    MissingToken {
        /// Name of the token.
        name: &'static str,
        /// What needs it.
        needed_for: &'static str,
    },
    /// A model and a text do not number their tokens alike.
    #[error(
        "the vocabulary of the model ({model} tokens) is not that of the text ({text} tokens); encode the text with the vocabulary of the model"
    )]
    VocabularyMismatch {
        /// Vocabulary size of the model.
        model: usize,
        /// Vocabulary size of the text.
        text: usize,
    },

    // ---- models --------------------------------------------------------------
    /// A JSON text is malformed, or does not hold what it should.
    // The parser's message ends with the place.
    #[error("{}{source}", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    Json {
        /// The file, if the text came from one.
        path: Option<PathBuf>,
        /// Line of the fault, from 1; 0 where there is none.
        line: usize,
        /// Column of the fault, from 1; 0 where there is none.
        column: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A table has a number of rows that fits neither reading of its order.
    #[error(
        "{rows} rows are neither V^K nor V^(K-1) for V = {vocabulary_size} and the order K = {order} given; a model of context length K needs one row for each of its V^K contexts"
    )]
    RowCount {
        /// Rows found.
        rows: usize,
        /// Vocabulary size V.
        vocabulary_size: usize,
        /// The order, or context length, given.
        order: usize,
    },
    /// A row of a table is too long or too short.
    #[error("row {row} has {found} entries, not {expected}")]
    RowLength {
        /// The row.
        row: usize,
        /// The length needed.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A row of weights cannot be normalised.
    #[error("all weights of row {row} are zero, so they cannot be normalised; give the row a law")]
    ZeroRow {
        /// The row.
        row: usize,
    },
    /// A model has no law after a context.
    #[error(
        "the context {context:?} does not occur in the text, so maximum likelihood has no law there; smooth the model, or keep to the contexts that occur"
    )]
    UnseenContext {
        /// The tokens of the context, oldest first.
        context: Vec<u32>,
    },
    /// A model gives a token of a text probability zero.
    #[error(
        "token {token} after the context {context:?} has probability zero, so the cross-entropy is infinite; smooth the model"
    )]
    ImpossibleToken {
        /// The tokens of the context, oldest first.
        context: Vec<u32>,
        /// The token.
        token: u32,
    },
    /// A start context holds a token that also occurs in texts.
    #[error(
        "the start context holds {name:?}, which may also be generated, so states would not tell which token led to them; let texts start with <s>"
    )]
    GeneratedStart {
        /// Name of the token.
        name: String,
    },
    /// A discount cannot be estimated.
    #[error(
        "no discount can be estimated for n-grams of length {length} that are counted {count} times{}: {} are counted once, {} twice, {} three times, {} four times; give discounts to fall back on, as NgramSettings::fallback_discounts([0.5, 1.0, 1.5]) does, or use Witten-Bell smoothing",
        discount.map(|discount| format!(" (the formula gives {discount:.4})")).unwrap_or_default(),
        counts_of_counts[0], counts_of_counts[1], counts_of_counts[2], counts_of_counts[3]
    )]
    NoDiscount {
        /// Tokens an n-gram has.
        length: usize,
        /// Of which count the discount was wanted; 3 stands for 3 and more in
        /// the Kneser-Ney methods.
        count: u32,
        /// How many n-grams occur once, twice, three and four times.
        counts_of_counts: [u64; 4],
        /// What the formula gives, unless it divides by zero.
        discount: Option<f64>,
    },
    /// An n-gram occurs too often to be counted.
    #[error(
        "an n-gram of {length} tokens occurs {count} times, more than can be counted in 32 bits; split the text"
    )]
    CountTooLarge {
        /// Tokens the n-gram has.
        length: usize,
        /// How often it occurs, at least.
        count: u64,
    },

    // ---- n-grams -----------------------------------------------------------------
    /// An n-gram does not fit into a back-off model.
    #[error("the n-gram {ngram:?}: {problem}")]
    Ngram {
        /// Its tokens, oldest first.
        ngram: Vec<u32>,
        /// What is wrong with it.
        problem: NgramProblem,
    },
    /// A file, or a stream, does not hold a back-off model in the ARPA format, or
    /// a model cannot be written in it.
    #[error("{}{problem}", Place(path.as_deref(), *line, "ARPA file"))]
    ArpaFile {
        /// The file, if it was opened by its path.
        path: Option<PathBuf>,
        /// The line, counted from 1, where there is one to blame.
        line: Option<usize>,
        /// What is wrong.
        problem: ArpaFileProblem,
    },
    /// There are more n-grams of one length than can be numbered.
    #[error(
        "there are more than {allowed} n-grams of {length} tokens, the most that can be numbered; prune, or lower the order"
    )]
    TooManyNgrams {
        /// Tokens an n-gram has.
        length: usize,
        /// How many can be numbered.
        allowed: usize,
    },
    /// The law after a context of a back-off model does not sum to one.
    #[error(
        "the probabilities after the context {context:?} sum to {sum}, not to 1 within {tolerance:e}; call normalized() on the model, as for files with rounded numbers"
    )]
    ContextSum {
        /// The tokens of the context, oldest first.
        context: Vec<u32>,
        /// The sum found.
        sum: f64,
        /// The tolerance allowed.
        tolerance: f64,
    },

    // ---- patterns --------------------------------------------------------------
    /// A pattern has no tokens.
    #[error("pattern {pattern} has no tokens, so it would occur everywhere; leave it out")]
    EmptyPattern {
        /// The pattern, counted from 0.
        pattern: usize,
    },
    /// Two patterns are equal.
    #[error("patterns {first} and {second} are the same string of tokens; leave one of them out")]
    DuplicatePattern {
        /// The first of the two, counted from 0.
        first: usize,
        /// The second one.
        second: usize,
    },

    // ---- loops ---------------------------------------------------------------
    /// States that are to be a loop are not led round by the chain.
    #[error("no step leads from {from:?} to {to:?}, so the states are no loop; check them and their order")]
    NoStep {
        /// Label of the state left.
        from: String,
        /// Label of the state that should come next.
        to: String,
    },
    /// A loop passes the same state twice.
    #[error("state {state} ({label:?}) is on the loop twice; give each turn once, or two loops one by one")]
    RepeatedState {
        /// The state.
        state: usize,
        /// Its label.
        label: String,
    },
    /// The series that defines the average repetition probability diverges.
    #[error(
        "the average repetition probability is not defined: zeta n = {scale}, the non-zero entries of a row on average, is not above the spectral radius of the squared matrix; leave out the states without transitions among the rest, or those that are never left"
    )]
    RepetitionDiverges {
        /// The share of non-zero entries times the number of states.
        scale: f64,
    },

    // ---- settings ------------------------------------------------------------
    /// A setting is outside its range.
    #[error("{name} is {value}, but must be {requirement}")]
    InvalidSetting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it must be.
        requirement: &'static str,
    },
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The beginning of a word or line of a file, which may be long, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
