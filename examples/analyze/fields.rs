//! What every field of the output means.

/// Name and meaning of every field, in the order of the output.
const FIELDS: &[(&str, &str)] = &[
    ("kind", "what was read: model, matrix or text"),
    ("states", "number of states N"),
    ("transitions", "number of transitions of positive probability"),
    ("vocab_size", "number of tokens V; N for a matrix, whose states are their own tokens"),
    ("context_length", "tokens a state K; 1 for a matrix"),
    ("text_tokens", "tokens of the text"),
    ("text_windows", "windows of K + 1 tokens that were counted"),
    ("text_unknown", "how many tokens of the text became <unk>"),
    ("window_drift_bits", "text: Jensen-Shannon divergence of each --window tokens from the next ones"),
    ("vocab", "names of the tokens"),
    ("labels", "names of the states, oldest token first"),
    ("is_irreducible", "whether every state leads to every other"),
    ("is_aperiodic", "whether every recurrent class has period 1"),
    ("is_regular", "irreducible and aperiodic"),
    ("unique_stationary", "whether there is one recurrent class, hence one stationary law"),
    ("period", "least common multiple of the periods of the recurrent classes"),
    ("communicating_class_count", "number of communicating classes"),
    ("recurrent_class_count", "number of recurrent classes"),
    ("transient_state_count", "number of transient states"),
    ("recurrent_contexts", "number of recurrent states"),
    ("communicating_classes", "states of every communicating class, ordered by the smallest"),
    ("recurrent_classes", "matrix: states of every recurrent class"),
    ("closed_classes", "model, text: states of every recurrent class"),
    ("periods_of_recurrent_classes", "matrix: period of every recurrent class"),
    ("periods", "model, text: period of every recurrent class"),
    ("class_periods", "states and period of every communicating class; 0 if never returned to"),
    ("transient_states", "states in no recurrent class"),
    ("absorbing_states", "states that are never left"),
    ("cyclic_classes", "one recurrent class: its cyclic classes, each leading to the next"),
    ("cyclic_classes_per_class", "several recurrent classes: the cyclic classes of each"),
    ("report", "how the stationary law was found: iterations, residual (L1), error_bound (null: none), stop"),
    ("stationary", "stationary law; for a matrix a list with the law of every recurrent class"),
    ("stationary_per_class", "model, text with several recurrent classes: the law of each"),
    ("absorption_weights_from_uniform", "probability of each recurrent class from a uniform start"),
    ("long_run_from_uniform", "limit of the average law from a uniform start"),
    ("absorption_probabilities", "a row per transient state, a column per recurrent class"),
    ("steady_state_from", "the long-run law (value) from each state given with --start (init)"),
    ("second_eigenvalue", "real and imaginary part of the largest eigenvalue after 1"),
    ("slem", "its modulus"),
    ("spectral_gap", "1 - slem"),
    ("relaxation_time", "1 / (1 - slem), in steps"),
    ("implied_timescale", "-1 / ln slem, in steps"),
    ("tv_worst_start_t0", "total variation distance from the worst start after 0, 1, ... --steps steps"),
    ("tmix_quarter", "first time at which that distance is at most 1/4"),
    ("mixing_time_tv", "first time at which that distance is at most 0.25, and 0.01"),
    ("entropy_rate_bits", "new information a token, in bits"),
    ("entropy_rate_nats", "the same in nats"),
    ("perplexity", "2 to the power of entropy_rate_bits"),
    ("token_marginal", "law of one token under the stationary law"),
    ("block_entropy_bits_L0_to_Kplus2", "entropies H(L) of L tokens in a row, L = 0, ..., K + 2, in bits"),
    ("h_mu_L_bits_L1_to_Kplus1", "H(L) - H(L-1), L = 1, ..., K + 1"),
    ("excess_entropy_bits", "H(K) - K h: what the past tells about the future"),
    ("mi_bits_lag", "mutual information of two tokens by their lag, in bits"),
    ("rational_mi_lag", "rational (chi-square) mutual information of two tokens by their lag"),
    ("is_reversible", "whether detailed balance holds between states"),
    ("reversed_P", "matrix: the time reversal; null for a state of probability zero"),
    ("reverse_table", "model, text: law of the token before each context; null at probability zero"),
    ("greedy_argmax_token", "newest token of the most probable next state"),
    ("greedy_next_context", "the most probable next state, the lowest among equals"),
    ("greedy_cycles_to_basin", "loops of greedy steps, each with the states that end in it"),
    ("bad_states", "--bad: number of states that are bad"),
    ("bad_share", "--bad: their share of the stationary law"),
    (
        "bad_within_horizon",
        "--bad: probability of being in one within --horizon steps, the first included, from the stationary law",
    ),
    (
        "bad_string_within_horizon",
        "--bad: probability that a string is said within --horizon tokens, all of it, from the stationary law",
    ),
    ("bad_mean_time", "--bad: bounds of the mean time until a bad state, from the stationary law"),
    ("bad_ever_from", "--bad: bounds of the probability of ever reaching a bad state, from every state"),
    ("bad_mean_time_from", "--bad: bounds of the mean time until a bad state, from every state"),
    ("bad_time_variance_from", "--bad: bounds of the variance of that time, from every state"),
    ("bad_escape_rate", "--bad: bounds of the rate of becoming bad, of a walk that has not for long"),
    ("bad_histories", "--bad: the --best most probable histories of --history steps that end in a bad state"),
    ("committor_forward", "--safe: bounds of the probability of bad before safe, from every state"),
    ("committor_backward", "--safe: bounds of the probability of having been safe last, in every state"),
    ("transition_paths", "--safe: flux (bounds), rate, times and pathways from safe to bad"),
    ("sealing", "--follow: the committor after every token, and where it passes one half for good"),
    ("omitted", "fields that were left out, each with the reason; always last"),
];

/// Whether the help knows the field.
pub(crate) fn is_documented(name: &str) -> bool {
    FIELDS.iter().any(|(field, _)| *field == name)
}

/// The end of the long help.
pub(crate) fn help() -> String {
    let width = FIELDS.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = FIELDS.iter().map(|(name, meaning)| format!("  {name:width$}  {meaning}\n"));
    let heading = "Fields of the output (states and tokens are numbered from 0, classes listed by their \
                   smallest state, infinite numbers are \"inf\"):\n";
    std::iter::once(heading.to_owned()).chain(lines).collect()
}
