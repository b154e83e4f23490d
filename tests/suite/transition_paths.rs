//! Transition paths, quasi-stationary laws, capture, sealing.

use lmchain::Error;
use lmchain::chain::{MarkovChain, StateSet, States};
use lmchain::model::{LanguageModel, NgramSettings, Smoothing};
use lmchain::operator::{SparseOperator, TransitionOperator, successors};
use lmchain::passage::{EscapeSolver, PassageMethod, PassageSolver};
use lmchain::prob::Law;
use lmchain::solve::Stop;
use lmchain::text::{ContextSpace, CorpusSettings, DocumentEnd, Tokenizer};
use proptest::prelude::*;

use crate::common;
use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, integers, language_model, matrices, numbers};

fn of(states: usize, members: &[usize]) -> StateSet {
    StateSet::of(states, members.iter().copied()).unwrap()
}

#[test]
fn the_transition_paths_of_deeptime_agree() {
    let case = matrices().into_iter().find(|case| case.name == "dt_tpt_5state").unwrap();
    let expected = &case.expected["tpt"];
    let (a, b) = (of(5, &integers(&expected["A"])), of(5, &integers(&expected["B"])));
    for (operator, _, chain) in case.chains() {
        let law = chain.stationary().unwrap().converged().unwrap();
        let paths = chain.transition_paths(&a, &b, &law).unwrap().converged().unwrap();
        let value = |key: &str| expected[key].as_f64().unwrap();
        // The reference gives 9 digits and more of numbers below 40.
        assert_close(paths.flux().midpoint(), value("total_flux"), 1e-10, operator);
        assert_close(paths.rate(), value("rate"), 1e-10, operator);
        assert_close(paths.mean_passage_time(), value("mfpt"), 1e-8, operator);
        for (from, row) in common::matrix(&expected["gross_flux"]).iter().enumerate() {
            let found: Vec<f64> = (0..5).map(|to| paths.flux_between(from, to)).collect();
            assert_all_close(&found, row, case.tolerance, "gross flux");
        }
        for (from, row) in common::matrix(&expected["net_flux"]).iter().enumerate() {
            let found: Vec<f64> = (0..5).map(|to| paths.net_current(from, to)).collect();
            assert_all_close(&found, row, case.tolerance, "net flux");
        }
        let roads = paths.pathways(10);
        let expected = expected["pathways"].as_array().unwrap();
        assert_eq!(roads.len(), expected.len());
        for (road, expected) in roads.iter().zip(expected) {
            assert_eq!(road.states, integers(&expected[0]));
            assert_close(road.current, expected[1].as_f64().unwrap(), 1e-10, "pathway");
        }
    }
}

#[test]
fn the_metastable_chain_is_crossed_at_the_rate_that_the_case_says() {
    let case = language_model("C22");
    for (operator, _, chain) in case.chains() {
        let law = chain.stationary().unwrap().converged().unwrap();
        let (a, b) = (of(8, &[0]), of(8, &[7]));
        let solver = PassageSolver::new().tolerance(1e-12).method(PassageMethod::Elimination);
        let paths = solver.transition_paths(&chain, &a, &b, &law).unwrap().converged().unwrap();
        let value = |key: &str| case.expected[key].as_f64().unwrap();
        assert_close(paths.flux().midpoint(), value("reactive_rate_per_step"), 1e-10, operator);
        assert_close(paths.share_of_from(), value("fraction_of_time_last_in_A"), 1e-10, operator);
        assert_close(paths.mean_passage_time(), value("mean_A_to_B_switch_time_steps"), 1e-10, operator);
        let times = solver.times(&chain, &b).unwrap().converged().unwrap();
        assert_close(times.mean().midpoint(0), value("mean_hitting_000_to_111"), 1e-10, operator);
        for (arc, flux) in case.expected["reactive_flux"].as_object().unwrap() {
            let (from, to) = arc.split_once("->").unwrap();
            let found = paths.flux_between(from.parse().unwrap(), to.parse().unwrap());
            assert_close(found, flux.as_f64().unwrap(), 1e-10, arc);
        }
        let total: f64 =
            (0..8).flat_map(|i| (0..8).map(move |j| (i, j))).map(|(i, j)| paths.flux_between(i, j)).sum();
        let listed: f64 =
            case.expected["reactive_flux"].as_object().unwrap().values().map(|f| f.as_f64().unwrap()).sum();
        assert_close(total, listed, 1e-10, "no flux but the one listed");

        let well = of(8, &integers(&case.expected["well_contexts_at_most_one_1"]));
        let found = EscapeSolver::new().tolerance(1e-11).solve(&chain, &well).unwrap().converged().unwrap();
        let root = value("qsd_perron_root");
        assert_close(1.0 - found.escape_rate().midpoint(), root, 1e-12, operator);
        assert_close(found.mean_escape_time().midpoint(), value("qsd_mean_exit_steps"), 1e-9, operator);
        let law: Vec<f64> = well.iter().map(|state| found.law()[state]).collect();
        assert_all_close(&law, &numbers(&case.expected["qsd"]), 1e-9, operator);
    }
}

#[test]
fn a_reflecting_walk_is_crossed_at_the_rate_of_the_gambler() {
    let case = language_model("C36_fair");
    let chain = case.shift();
    let law = chain.stationary().unwrap().converged().unwrap();
    let paths = chain.transition_paths(&of(5, &[0]), &of(5, &[4]), &law).unwrap().converged().unwrap();
    assert_close(paths.flux().midpoint(), case.expected["reactive_rate"].as_f64().unwrap(), 1e-9, "flux");
    let roads = paths.pathways(3);
    assert_eq!(roads.len(), 1, "there is one road");
    assert_eq!(roads[0].states, [0, 1, 2, 3, 4]);
    let strongest = paths.strongest_currents(10);
    assert_eq!(strongest.len(), 4);
    assert!(strongest.iter().all(|c| c.to == c.from + 1 && (c.current - 0.03125).abs() < 1e-9));
}

/// Tables of positive entries over small context spaces.
fn table() -> impl Strategy<Value = (ContextSpace, Vec<f64>)> {
    tables((2usize..4, 1usize..4), 0, 0.02)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reactive_flux_is_conserved_and_carried_by_the_pathways((space, table) in table(), a in 0usize..64, b in 0usize..64) {
        let chain = shift(space, table);
        let n = chain.len();
        prop_assume!(a % n != b % n);
        let (from, to) = (of(n, &[a % n]), of(n, &[b % n]));
        let law = chain.stationary().unwrap().converged().unwrap();
        let solver = PassageSolver::new().tolerance(1e-11);
        let paths = solver.transition_paths(&chain, &from, &to, &law).unwrap().converged().unwrap();
        let flux = paths.flux().midpoint();
        let through = |state: usize| -> f64 {
            let out: f64 = (0..n).map(|j| paths.flux_between(state, j)).sum();
            let into: f64 = (0..n).map(|i| paths.flux_between(i, state)).sum();
            out - into
        };
        // Committors are right to 1e-11, and the flux is a sum of at most 27 terms of each.
        for state in 0..n {
            let expected = if from.contains(state) { flux } else if to.contains(state) { -flux } else { 0.0 };
            prop_assert!((through(state) - expected).abs() < 1e-9, "{state}: {} {expected}", through(state));
        }
        let roads = paths.pathways(10_000);
        let carried: f64 = roads.iter().map(|road| road.current).sum();
        // A road is left out when rounding may have made it: at most n transitions of 1e-12.
        prop_assert!((carried - flux).abs() < 1e-9, "{carried} {flux}");
        prop_assert!(roads.is_sorted_by(|one, two| one.current >= two.current * (1.0 - 1e-9)));
        for road in &roads {
            prop_assert!(from.contains(road.states[0]) && to.contains(*road.states.last().unwrap()));
            let weakest = road.states.windows(2).map(|s| paths.net_current(s[0], s[1])).fold(f64::INFINITY, f64::min);
            prop_assert!(road.current <= weakest * (1.0 + 1e-9));
        }
        // Pieces of the walk, conditioned step by step to end well, take as long as is said.
        let q = paths.forward_committor();
        let mut arcs = Vec::new();
        for i in 0..n {
            if from.contains(i) || to.contains(i) {
                arcs.push((i as u32, i as u32, 1.0));
                continue;
            }
            for next in successors(chain.operator(), i).filter(|next| q[next.state] > 0.0) {
                arcs.push((i as u32, next.state as u32, next.probability * q[next.state]));
            }
        }
        let conditioned = MarkovChain::new(SparseOperator::from_weights(n, arcs).unwrap(), States::numbered(n));
        let times = conditioned.passage_times(&to).unwrap().converged().unwrap();
        let start = a % n;
        let weights = (0..n).map(|j| law[start] * chain.operator().probability(start, j) * q[j]).collect();
        let mean = 1.0 + times.mean().mean(&Law::normalized(weights).unwrap()).midpoint();
        prop_assert!((paths.mean_transition_time() - mean).abs() < 1e-6 * mean, "{} {mean}", paths.mean_transition_time());
    }

    #[test]
    fn the_quasi_stationary_law_is_that_of_survivors((space, table) in table(), left_out in 0usize..64) {
        let chain = shift(space, table);
        let n = chain.len();
        let set = of(n, &[left_out % n]).complement();
        let found = EscapeSolver::new().tolerance(1e-9).solve(&chain, &set).unwrap().converged().unwrap();
        // The root is the limit of ||A^m||^(1/m) (Gelfand), by squaring: after 40 times it
        // is off by the logarithm of a polynomial of degree N over 2^40, below 1e-10.
        let inside: Vec<usize> = set.iter().collect();
        let mut power: Vec<Vec<f64>> = inside
            .iter()
            .map(|&i| inside.iter().map(|&j| chain.operator().probability(i, j)).collect())
            .collect();
        let mut log = 0.0;
        for squaring in 0..40 {
            let m = power.len();
            let squared: Vec<Vec<f64>> = (0..m)
                .map(|i| (0..m).map(|j| (0..m).map(|k| power[i][k] * power[k][j]).sum()).collect())
                .collect();
            let norm = squared.iter().flatten().fold(0.0f64, |top, &p| top.max(p));
            log += norm.ln() / 2f64.powi(squaring + 1);
            power = squared.iter().map(|row| row.iter().map(|p| p / norm).collect()).collect();
        }
        let rate = found.escape_rate();
        prop_assert!(rate.lower <= 1.0 - log.exp() + 1e-10 && 1.0 - log.exp() <= rate.upper + 1e-10, "{rate:?} {}", 1.0 - log.exp());
        // What the law becomes in a step is the law again, as far as it stays.
        let mut next = vec![0.0; n];
        chain.operator().push_forward(found.law(), &mut next);
        let stays = 1.0 - rate.midpoint();
        for state in set.iter() {
            prop_assert!((next[state] - stays * found.law()[state]).abs() < 1e-8);
        }
    }

    #[test]
    fn capture_is_entering_and_staying((space, table) in table(), inside in 0usize..64, stay in 1usize..6) {
        let chain = shift(space, table);
        let n = chain.len();
        let set = of(n, &[inside % n, (inside + 1) % n]);
        let found = PassageSolver::new().tolerance(1e-11).capture(&chain, &set, stay).unwrap().converged().unwrap();
        // With all entries positive the set is entered for certain: by pairs, push a law until all of it has entered.
        for start in 0..n {
            let mut law = vec![0.0; n];
            law[start] = 1.0;
            let mut captured = 0.0;
            for _ in 0..4000 {
                let mut entered: Vec<f64> = (0..n).map(|i| if set.contains(i) { law[i] } else { 0.0 }).collect();
                for (i, p) in law.iter_mut().enumerate() {
                    if set.contains(i) { *p = 0.0; }
                }
                let mut next = vec![0.0; n];
                for _ in 1..stay {
                    chain.operator().push_forward(&entered, &mut next);
                    entered = (0..n).map(|i| if set.contains(i) { next[i] } else { 0.0 }).collect();
                }
                captured += entered.iter().sum::<f64>();
                chain.operator().push_forward(&law, &mut next);
                law = next;
            }
            prop_assert!((found.midpoint(start) - captured).abs() < 1e-9, "{} {captured}", found.midpoint(start));
        }
    }
}

#[test]
fn the_token_that_sealed_it_is_found() {
    let case = language_model("C22");
    let chain = case.shift();
    let q = chain.committor(&of(8, &[0]), &of(8, &[7])).unwrap().converged().unwrap();
    let text = [0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0];
    let sealing = chain.sealing(&text, &q).unwrap();
    let expected = numbers(&case.expected["committor_forward_000_to_111"]);
    // 010, 101, 011, 110, 101, 011, 111: decided with the ninth token.
    let states: Vec<usize> = sealing.steps().iter().map(|step| step.state).collect();
    assert_eq!(states, [2, 5, 3, 6, 5, 3, 7]);
    for step in sealing.steps() {
        assert_close(step.probability.midpoint(), expected[step.state], 1e-8, "committor");
    }
    assert_eq!(sealing.decided().map(|step| (step.position, step.state)), Some((8, 7)));
    assert_eq!(
        sealing.point_of_no_return(0.5).unwrap().position,
        3,
        "all of 101, 011, 110 are above one half"
    );
    assert_eq!(sealing.point_of_no_return(0.6).unwrap().position, 6, "110 is at 67/127");
    assert_eq!(sealing.point_of_no_return(0.9).unwrap().position, 8);
    assert_eq!(sealing.point_of_safety(0.9), None);
    assert_eq!(sealing.decisive().unwrap().position, 3, "from 010 to 101");
    let odds = |p: f64| (p / (1.0 - p)).log2();
    let change = sealing.steps()[1].change.unwrap();
    let exact = odds(expected[5]) - odds(expected[2]);
    // The slope of the log odds is 1 / (p (1 - p) ln 2): below 7 at both, of bounds 1e-8 apart.
    assert!(change.contains(exact) && change.width() < 2e-7, "{change:?} {exact}");

    assert!(matches!(chain.sealing(&[0, 1], &q), Err(Error::PromptTooShort { tokens: 2, needed: 3 })));
    assert!(matches!(chain.sealing(&[0, 1, 7], &q), Err(Error::TokenOutOfRange { token: 7, .. })));
    let other = language_model("C12").shift();
    assert!(matches!(other.sealing(&text, &q), Err(Error::LengthMismatch { expected: 9, found: 8 })));
}

#[test]
fn texts_are_followed_through_the_chain_of_a_whole_model() {
    let settings =
        CorpusSettings::new(Tokenizer::whitespace()).document_end(DocumentEnd::Reset).unknown_token(true);
    let lines = ["the cat sat on the mat", "the dog sat on the cat", "a dog ate the mat", "the cat ate"];
    let corpus = settings.read_strings(lines).unwrap();
    let settings = NgramSettings::new(3).smoothing(Smoothing::WittenBell);
    let model = settings.fit(&corpus).unwrap();
    let chain = MarkovChain::smoothed(&model).unwrap();
    let token = |word: &str| corpus.vocab().token(word).unwrap();
    let newest = |word: &str| {
        let wanted = token(word);
        StateSet::by_state(chain.len(), |state| chain.states().newest_token(state) == wanted)
    };
    let q = chain.committor(&newest("</s>"), &newest("mat")).unwrap().converged().unwrap();
    let text: Vec<_> = "the cat sat on the mat".split(' ').map(token).collect();
    let sealing = chain.sealing(&text, &q).unwrap();
    assert_eq!(sealing.steps().len(), 6, "one token is enough for a state");
    // One step ahead, by the model itself: the committor is the mean of what may come.
    for step in &sealing.steps()[1..5] {
        let context = &text[step.position - 1..=step.position];
        let ahead: f64 = (0..corpus.vocab().len() as u32)
            .filter(|&next| model.probability(context, next).unwrap() > 0.0)
            .map(|next| {
                let state = chain.states().after_prompt(&[context, &[next]].concat()).unwrap();
                model.probability(context, next).unwrap() * q.midpoint(state)
            })
            .sum();
        assert_close(step.probability.midpoint(), ahead, 1e-8, "mean of the next");
    }
    assert_eq!(sealing.decided().unwrap().position, 5);
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let chain = language_model("C17").shift();
    let law = Law::point(4, 0);
    let (zeros, ones) = (of(4, &[0]), of(4, &[3]));
    assert!(matches!(chain.transition_paths(&zeros, &ones, &law), Err(Error::Impossible { .. })));
    assert!(matches!(
        chain.transition_paths(&zeros, &ones, &Law::uniform(3)),
        Err(Error::LengthMismatch { .. })
    ));
    let solver = EscapeSolver::new();
    assert!(matches!(solver.solve(&chain, &of(4, &[])), Err(Error::EmptySet { .. })));
    assert!(matches!(solver.solve(&chain, &of(4, &[1])), Err(Error::Impossible { .. })));
    assert!(matches!(solver.tolerance(-1.0).solve(&chain, &zeros), Err(Error::InvalidSetting { .. })));
    assert!(matches!(PassageSolver::new().capture(&chain, &zeros, 0), Err(Error::MustBePositive { .. })));
    // A set that is never left: no escape, for ever.
    let trap = EscapeSolver::new().solve(&chain, &zeros).unwrap();
    assert_eq!(trap.report().stop, Stop::Direct);
    assert_eq!(trap.into_value().mean_escape_time().lower, f64::INFINITY);
}
