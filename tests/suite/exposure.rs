//! Errors that pile up, against the reference case, closed forms, and slow
//! computations of the same.

mod calibration;
mod lifts;
mod surprisal;

use lmchain::Error;
use lmchain::chain::{MarkovChain, Start, States};
use lmchain::exposure::{Contribution, ContributionOrder, Exposure, LookAheadCalibration, LookAheadFit};
use lmchain::model::{Discount, NgramSettings, Smoothing, TableModel};
use lmchain::operator::{Restart, ShiftOperator, SparseOperator, TransitionOperator, successors};
use lmchain::prob::{Law, relative_entropy, total_variation};
use lmchain::text::{ContextSpace, CorpusSettings, Tokenizer};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::tables::{shift, tables};
use crate::common::{assert_all_close, assert_close, language_model, matrix, numbers};

pub(crate) fn law_of<O: TransitionOperator>(chain: &MarkovChain<O>) -> Law {
    chain.stationary().unwrap().converged().unwrap()
}

/// The two tables of case C29, a model with a sticky loop that the data rarely visit.
pub(crate) fn sticky() -> (TableModel, TableModel, Value) {
    let file: Value = serde_json::from_str(include_str!("../data/language_models.json")).unwrap();
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["id"] == "C29").unwrap();
    let model = |key: &str| TableModel::from_rows(3, &matrix(&case[key])).unwrap();
    (model("p"), model("q"), case["expected"].clone())
}

/// A chain in the clothes of a sparse one.
pub(crate) fn sparse<O: TransitionOperator>(chain: &MarkovChain<O>) -> MarkovChain<SparseOperator> {
    let entries = (0..chain.len()).flat_map(|from| {
        successors(chain.operator(), from).map(move |next| (from as u32, next.state as u32, next.probability))
    });
    chain.with_operator(SparseOperator::from_triplets(chain.len(), entries.collect()).unwrap())
}

fn check_sticky<P: TransitionOperator, Q: TransitionOperator>(
    data: &MarkovChain<P>,
    model: &MarkovChain<Q>,
    expected: &Value,
    what: &str,
) {
    let (p, q) = (law_of(data), law_of(model));
    let exposure = Exposure::measure(data, &p, model, &q).unwrap();
    // The tolerance that the reference cases state.
    let close = |found: f64, key: &str| {
        assert_close(found, expected[key].as_f64().unwrap(), 1e-10, &format!("{what}: {key}"));
    };
    let rates = exposure.rates();
    close(rates.error, "kl_rate_p_q_bits");
    close(rates.reverse_error, "kl_rate_q_p_bits");
    close(rates.error_under_model, "kl_p_q_under_model_contexts_bits");
    close(rates.cross_entropy, "cross_entropy_p_q_bits");
    close(rates.entropy_rate_data, "entropy_rate_p_bits");
    close(rates.entropy_rate_model, "entropy_rate_q_bits");
    close(rates.drift(), "entropy_rate_drift_hq_minus_ce_bits");
    close(rates.distance, "tv_stationary_p_q");
    close(rates.step_distance, "mean_token_tv_under_data");
    close(rates.limit_excess().unwrap(), "limit_ExAccErr_percent");
    let curve = exposure.curve(60);
    let all_close = |found: &[f64], key: &str| {
        assert_all_close(found, &numbers(&expected[key]), 1e-10, &format!("{what}: {key}"));
    };
    all_close(curve.error(), "R_t_bits_t0");
    all_close(curve.distance(), "tv_drift_t0");
    all_close(curve.entropy(), "model_entropy_under_drift_t0_bits");
    all_close(&curve.accumulated().unwrap()[..60], "AccErr_l1");
    all_close(&curve.excess().unwrap()[..60], "ExAccErr_percent_l1");
}

#[test]
fn the_sticky_model_is_that_of_the_reference_on_every_operator() {
    let (p, q, expected) = sticky();
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    check_sticky(&data, &model, &expected, "shift");
    check_sticky(&sparse(&data), &model, &expected, "sparse, shift");
    check_sticky(&data, &sparse(&model), &expected, "shift, sparse");
    check_sticky(&data, &data.with_model(&q).unwrap(), &expected, "lifted");
    check_sticky(&data.boxed(), &model.boxed(), &expected, "boxed");
}

#[test]
fn the_snowball_starts_where_the_loop_is_entered_and_grows_in_it() {
    let (p, q, expected) = sticky();
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    let exposure = Exposure::measure(&data, &law_of(&data), &model, &law_of(&model)).unwrap();
    let table = exposure.contributions(ContributionOrder::Increase, 3);
    assert_eq!(table.contexts[0].label, "1 1 1");
    // 9 % of the time in the data, 73 % in the model: nearly all of the increase.
    let loop_ = &table.contexts[0];
    assert_close(loop_.data_weight, numbers(&expected["stationary_p"])[7], 1e-12, "data");
    assert_close(loop_.model_weight, numbers(&expected["stationary_q"])[7], 1e-12, "model");
    assert!(loop_.increase() > 0.99 * (table.under_model - table.under_data));
    assert_close(loop_.model_weight / loop_.data_weight, 8.335, 1e-3, "the loop is met 8.3 times as often");
    let text = table.to_string();
    assert!(text.lines().count() == 4 && text.contains("1 1 1"), "{text}");
    let origins = exposure.origins(8).unwrap().converged().unwrap();
    let rates = exposure.rates();
    let total = rates.error_under_model - rates.error;
    assert_close(origins.total, total, 1e-9, "all that piles up");
    assert_close(origins.contexts.iter().map(|origin| origin.excess).sum(), total, 1e-9, "sum");
    // Staying in the loop, not being led into it, is what starts most.
    assert_eq!((origins.contexts[0].label.as_str(), origins.contexts[0].token.as_str()), ("1 1 1", "1"));
    assert_eq!((origins.contexts[0].data_probability, origins.contexts[0].model_probability), (0.5, 0.98));
    // Where model and data agree nothing starts.
    let agree = origins.contexts.iter().filter(|origin| [0, 1, 2, 4, 5].contains(&origin.state));
    assert!(agree.clone().count() == 5 && agree.clone().all(|origin| origin.excess == 0.0));
    assert!(origins.to_string().lines().count() == 9);
}

#[test]
fn the_plateau_has_the_time_constant_of_the_sum_over_time() {
    let (p, q, expected) = sticky();
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    let exposure = Exposure::measure(&data, &law_of(&data), &model, &law_of(&model)).unwrap();
    let plateau = exposure.plateau().unwrap().converged().unwrap();
    let limit = expected["kl_p_q_under_model_contexts_bits"].as_f64().unwrap();
    assert_close(plateau.limit, limit, 1e-10, "limit");
    let curve = exposure.curve(2000);
    let sum: f64 = curve.error().iter().map(|error| error - limit).sum();
    // 2000 differences, each right to 1e-12 or so.
    assert_close(plateau.offset, sum, 1e-8, "offset");
    assert_close(plateau.asymptote(2001.0), curve.error().iter().sum(), 1e-8, "asymptote");
    let far = (limit - curve.error()[0]) / std::f64::consts::E;
    let steps = curve.time_constant().unwrap();
    assert!(limit - curve.error()[steps] <= far && limit - curve.error()[steps - 1] > far);
    // One slow mode carries the way: both constants are within a step of each other.
    assert!((plateau.time_constant() - steps as f64).abs() < 1.0, "{} {steps}", plateau.time_constant());
    assert_eq!(exposure.curve(5).time_constant(), None);
}

#[test]
fn two_states_have_a_plateau_in_closed_form() {
    // The model has the eigenvalue 1 - 0.1 - 0.3, and differences fall by it.
    let data = MarkovChain::from_dense(ndarray::array![[0.6, 0.4], [0.3, 0.7]].view()).unwrap();
    let model = MarkovChain::from_dense(ndarray::array![[0.9, 0.1], [0.3, 0.7]].view()).unwrap();
    let exposure = Exposure::measure(&data, &law_of(&data), &model, &law_of(&model)).unwrap();
    let plateau = exposure.plateau().unwrap().converged().unwrap();
    assert_close(plateau.time_constant(), 1.0 / 0.4, 1e-12, "time constant");
    let d = 0.6 * (0.6f64 / 0.9).log2() + 0.4 * (0.4f64 / 0.1).log2();
    for (t, error) in exposure.curve(10).error().iter().enumerate() {
        // pi_P = (3, 4) / 7 and pi_Q = (3, 1) / 4.
        let expected = d * (0.75 + (3.0 / 7.0 - 0.75) * 0.6f64.powi(t as i32));
        assert_close(*error, expected, 1e-13, "R_t");
    }
}

/// Two tables over the same contexts.
fn pairs(zeros: u32) -> impl Strategy<Value = (ContextSpace, Vec<f64>, Vec<f64>)> {
    let sizes = prop_oneof![Just((2, 1)), Just((2, 2)), Just((2, 3)), Just((3, 2))];
    sizes.prop_flat_map(move |size| {
        (tables(Just(size), zeros, 0.05), tables(Just(size), 0, 0.05))
            .prop_map(|((space, p), (_, q))| (space, p, q))
    })
}

/// The law of `n` tokens after each context of a law, by walking all strings.
fn string_law(chain: &MarkovChain<ShiftOperator>, start: &Law, n: usize) -> Vec<f64> {
    let v = chain.states().vocabulary_size();
    let mut strings: Vec<(usize, f64)> = start.iter().copied().enumerate().collect();
    for _ in 0..n {
        let grow = |&(state, p): &(usize, f64)| {
            let space = *chain.operator().space();
            (0..v).map(move |token| (space.shift(state, token as u32), p)).collect::<Vec<_>>()
        };
        let from: Vec<usize> = strings.iter().flat_map(|&(state, _)| std::iter::repeat_n(state, v)).collect();
        let next: Vec<(usize, f64)> = strings.iter().flat_map(grow).collect();
        let step =
            |(&from, (to, p)): (&usize, (usize, f64))| (to, p * chain.operator().probability(from, to));
        strings = from.iter().zip(next).map(step).collect();
    }
    strings.into_iter().map(|(_, p)| p).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In the contexts of the data errors only add up: `KL(P_n || Q_n) = n eps`.
    #[test]
    fn the_relative_entropy_of_n_tokens_is_n_times_the_rate((space, p, q) in pairs(1)) {
        let (data, model) = (shift(space, p), shift(space, q));
        prop_assume!(data.classes().recurrent_count() == 1);
        let law = law_of(&data);
        let exposure = Exposure::measure(&data, &law, &model, &law_of(&model)).unwrap();
        let rate = exposure.rates().error;
        for n in 1..=4 {
            let (one, other) = (string_law(&data, &law, n), string_law(&model, &law, n));
            let found = relative_entropy(&one, &other);
            prop_assert!((found - n as f64 * rate).abs() <= 1e-12, "{}: {} {}", n, found, rate);
        }
    }

    /// Bounds hold, what starts adds up to what piles up, and shares add up to one.
    #[test]
    fn bounds_hold_and_parts_add_up((space, p, q) in pairs(0)) {
        let (data, model) = (shift(space, p), shift(space, q));
        let (law, own) = (law_of(&data), law_of(&model));
        let exposure = Exposure::measure(&data, &law, &model, &own).unwrap();
        let steps = 30;
        let (curve, linear) = (exposure.curve(steps), exposure.linear_bounds(steps));
        let contraction = exposure.contraction_bounds(steps).unwrap();
        for ((distance, linear), contracted) in curve.distance().iter().zip(linear).zip(&contraction.bounds) {
            // The distance itself has a rounding of its own.
            prop_assert!(*distance <= linear + 1e-14, "linear: {} {}", distance, linear);
            prop_assert!(*distance <= contracted + 1e-14, "contraction: {} {}", distance, contracted);
            prop_assert!(*contracted <= linear * (1.0 + 1e-12) + 1e-15);
            prop_assert!(*contracted <= contraction.limit + 1e-12);
        }
        prop_assert!(exposure.rates().distance <= contraction.limit + 1e-14);
        let slow = slow_contraction(&model, space.context_length());
        prop_assert!(contraction.coefficient >= slow && contraction.coefficient <= slow + 1e-12);

        let origins = exposure.origins(usize::MAX).unwrap().converged().unwrap();
        let rates = exposure.rates();
        let sum: f64 = origins.contexts.iter().map(|origin| origin.excess).sum();
        prop_assert!((sum - (rates.error_under_model - rates.error)).abs() <= 1e-9);
        for order in [ContributionOrder::Data, ContributionOrder::Model, ContributionOrder::Increase] {
            let table = exposure.contributions(order, usize::MAX);
            let data: f64 = table.contexts.iter().map(Contribution::under_data).sum();
            let model: f64 = table.contexts.iter().map(Contribution::under_model).sum();
            prop_assert!((data - rates.error).abs() <= 1e-13 && (model - rates.error_under_model).abs() <= 1e-13);
        }
    }

    /// Both divergences of a row are those of its laws written out.
    #[test]
    fn rows_diverge_as_their_laws_do((space, p, q) in pairs(1)) {
        let v = space.vocabulary_size();
        let (data, model) = (shift(space, p.clone()), shift(space, q.clone()));
        let law = Law::uniform(data.len());
        let exposure = Exposure::measure(&data, &law, &model, &law).unwrap();
        let found = exposure.divergences();
        for state in 0..data.len() {
            let (one, other) = (&p[state * v..(state + 1) * v], &q[state * v..(state + 1) * v]);
            prop_assert!((found.relative_entropy[state] - relative_entropy(one, other)).abs() <= 1e-13);
            let reverse = relative_entropy(other, one);
            prop_assert!(found.reverse[state] == reverse || (found.reverse[state] - reverse).abs() <= 1e-13);
            prop_assert!((found.total_variation[state] - total_variation(one, other)).abs() <= 1e-15);
        }
    }
}

/// Dobrushin's coefficient from a dense power of the matrix.
fn slow_contraction(chain: &MarkovChain<ShiftOperator>, steps: usize) -> f64 {
    let n = chain.len();
    let mut matrix = ndarray::Array2::<f64>::zeros((n, n));
    for from in 0..n {
        successors(chain.operator(), from).for_each(|next| matrix[[from, next.state]] = next.probability);
    }
    let power = (1..steps).fold(matrix.clone(), |power, _| power.dot(&matrix));
    let rows: Vec<Vec<f64>> = power.rows().into_iter().map(|row| row.to_vec()).collect();
    let apart = rows.iter().flat_map(|one| rows.iter().map(|other| total_variation(one, other)));
    apart.fold(0.0, f64::max) - 1e-15
}

#[test]
fn impossible_steps_make_the_error_infinite_and_are_named() {
    let (p, _, _) = sticky();
    let data = MarkovChain::enumerated(&p).unwrap();
    let mut rows = vec![vec![0.5, 0.5]; 8];
    rows[6] = vec![1.0, 0.0];
    rows[2] = vec![0.0, 1.0];
    let model = MarkovChain::enumerated(&TableModel::from_rows(3, &rows).unwrap()).unwrap();
    let law = law_of(&data);
    let exposure = Exposure::measure(&data, &law, &model, &law_of(&model)).unwrap();
    let rates = exposure.rates();
    assert!(rates.error.is_infinite() && rates.cross_entropy.is_infinite());
    assert!(rates.limit_excess().is_none());
    // After 0 1 0 the data say 0 with 0.7, after 1 1 0 they say 1 with 0.5.
    let steps = exposure.impossible_steps(9);
    let named: Vec<_> = steps.iter().map(|step| (step.from, step.to, step.probability)).collect();
    assert_eq!(named, [(2, 4, 0.7), (6, 5, 0.5)]);
    assert_close(steps[0].rate, 0.7 * law[2], 1e-15, "rate");
    let curve = exposure.curve(3);
    assert!(curve.error().iter().all(|error| error.is_infinite()) && curve.accumulated().is_none());
    assert!(curve.distance().iter().all(|distance| distance.is_finite()));
    let (from, to) = match exposure.plateau() {
        Err(Error::ImpossibleForModel { from, to }) => (from, to),
        other => panic!("{other:?}"),
    };
    assert_eq!((from.as_str(), to.as_str()), ("0 1 0", "1 0 0"));
    // The other way round, a context that the model never visits does no harm.
    let exposure = Exposure::measure(&model, &law_of(&model), &data, &law).unwrap();
    assert!(exposure.rates().error.is_finite() && exposure.rates().reverse_error.is_infinite());
}

#[test]
fn hardly_possible_steps_cost_what_their_logarithms_say() {
    let coin = MarkovChain::enumerated(&TableModel::from_rows(1, &[[0.5; 2]; 2]).unwrap()).unwrap();
    let law = law_of(&coin);
    for exponent in 1..=315 {
        let rare: f64 = format!("1e-{exponent}").parse().unwrap();
        let rows = [[rare, 1.0 - rare]; 2];
        let model = MarkovChain::enumerated(&TableModel::from_rows(1, &rows).unwrap()).unwrap();
        let exposure = Exposure::measure(&coin, &law, &model, &Law::new(rows[0].to_vec()).unwrap()).unwrap();
        // log2(1/2 / q) / 2 + log2(1/2 / (1 - q)) / 2, where subnormal q is not quite a power of ten.
        let decades =
            if exponent < 308 { f64::from(exponent) * std::f64::consts::LOG2_10 } else { -rare.log2() };
        let exact = 0.5 * decades - 1.0 - 0.5 * (-rare).ln_1p() / std::f64::consts::LN_2;
        // Parts of up to twice the sum, six rounded operations each.
        let allowed = 16.0 * f64::EPSILON * exact.max(1.0);
        assert_close(exposure.rates().error, exact, allowed, &format!("1e-{exponent}"));
        // The error is the same in all contexts, so there is no way to go.
        let plateau = exposure.plateau().unwrap().converged().unwrap();
        assert_close(plateau.limit, exact, allowed, "plateau");
        assert!(plateau.offset.abs() <= allowed, "{plateau:?}");
        let origins = exposure.origins(1).unwrap().converged().unwrap();
        assert_close(origins.total, 0.0, allowed, "all that starts anywhere");
        assert!(exposure.impossible_steps(1).is_empty());
    }
}

#[test]
fn a_perfect_model_piles_nothing_up() {
    let chain = language_model("C12").shift();
    let law = law_of(&chain);
    let exposure = Exposure::measure(&chain, &law, &chain, &law).unwrap();
    let rates = exposure.rates();
    assert_eq!((rates.error, rates.distance, rates.step_distance), (0.0, 0.0, 0.0));
    assert_close(rates.drift(), 0.0, 1e-15, "drift");
    let curve = exposure.curve(10);
    assert_eq!(curve.excess().unwrap(), vec![0.0; 11]);
    assert_eq!((curve.time_constant(), rates.limit_excess()), (None, Some(0.0)));
    assert!(curve.distance().iter().all(|distance| *distance < 1e-15));
}

#[test]
fn a_prompt_has_a_curve_of_its_own() {
    let (p, q, _) = sticky();
    let (data, model) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    let exposure = Exposure::measure(&data, &law_of(&data), &model, &law_of(&model)).unwrap();
    let curve = exposure.curve_from(Start::Prompt(&[1, 1, 1]), 3).unwrap();
    assert_eq!(curve.error()[0], exposure.divergences().relative_entropy[7]);
    assert!(matches!(exposure.curve_from(Start::Prompt(&[1]), 3), Err(Error::PromptTooShort { .. })));
}

#[test]
fn threads_do_not_change_a_bit() {
    let measure = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (data, model) = (language_model("C12").shift(), language_model("C12").shift());
            let law = law_of(&data);
            let tilted = Exposure::measure(&data, &law, &model, &law).unwrap();
            let tilted = tilted.look_ahead(0.7).unwrap();
            let exposure = Exposure::measure(&data, &law, &tilted, &law_of(&tilted)).unwrap();
            let origins = exposure.origins(20).unwrap().into_value();
            (exposure.curve(30), origins, exposure.contraction_bounds(9).unwrap())
        })
    };
    assert_eq!(measure(1), measure(3));
}

#[test]
fn smoothed_rounded_and_restarted_chains_are_measured_as_their_entries_are() {
    let text = "the cat sat on the mat and the rat sat on the cat and the mat sat on the rat ";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let fit = |smoothing| NgramSettings::new(3).smoothing(smoothing).fit(&corpus).unwrap();
    let data = MarkovChain::smoothed(&fit(Smoothing::WittenBell)).unwrap();
    let model = MarkovChain::smoothed(&fit(Smoothing::AbsoluteDiscounting(Discount::Given(0.4)))).unwrap();
    check_alike(&data, &model);
    let (p, q, _) = sticky();
    let (p, q) = (MarkovChain::enumerated(&p).unwrap(), MarkovChain::enumerated(&q).unwrap());
    check_alike(&p.with_operator(p.operator().to_f32()), &q.with_operator(q.operator().to_f32()));
    let restart = |chain: &MarkovChain<ShiftOperator>| {
        chain.with_operator(Restart::new(chain.operator().clone(), 0.2, Law::point(8, 3)).unwrap())
    };
    check_alike(&restart(&p), &restart(&q));
}

/// Two chains and the same two written out as sparse matrices.
fn check_alike<P: TransitionOperator, Q: TransitionOperator>(data: &MarkovChain<P>, model: &MarkovChain<Q>) {
    assert_eq!(data.len(), model.len());
    let (p, q) = (law_of(data), law_of(model));
    let exposure = Exposure::measure(data, &p, model, &q).unwrap();
    let (data, model) = (sparse(data), sparse(model));
    let written = Exposure::measure(&data, &p, &model, &q).unwrap();
    // A sum of at most a few dozen terms, in another order, and entropies to match.
    let (one, other) = (exposure.rates(), written.rates());
    assert_close(one.error, other.error, 1e-13, "error");
    assert_close(one.drift(), other.drift(), 1e-13, "drift");
    assert_all_close(exposure.curve(9).error(), written.curve(9).error(), 1e-12, "curve");
    let (one, other) = (exposure.plateau().unwrap(), written.plateau().unwrap());
    assert_close(one.value().offset, other.value().offset, 1e-9, "offset");
    let fit = |outcome: lmchain::solve::Outcome<LookAheadFit>| outcome.converged().unwrap();
    let one = fit(LookAheadCalibration::new().fit(&exposure).unwrap());
    let other = fit(LookAheadCalibration::new().fit(&written).unwrap());
    assert_close(one.cross_entropy_after, other.cross_entropy_after, 1e-12, "calibrated");
    let tilted = exposure.look_ahead(one.alpha).unwrap();
    assert_close(law_of(&tilted)[0], law_of(&written.look_ahead(one.alpha).unwrap())[0], 1e-9, "its law");
}

#[test]
fn what_does_not_fit_is_refused() {
    let chain = language_model("C12").shift();
    let law = law_of(&chain);
    let short = Exposure::measure(&chain, &Law::uniform(3), &chain, &law).map(|_| ());
    assert!(matches!(short, Err(Error::LengthMismatch { expected: 9, found: 3 })));
    let cycle = |n: u32| (0..n).map(|i| (i, (i + 1) % n, 1.0)).collect();
    let large = MarkovChain::new(
        SparseOperator::from_triplets(20_000, cycle(20_000)).unwrap(),
        States::numbered(20_000),
    );
    let law = Law::uniform(20_000);
    let exposure = Exposure::measure(&large, &law, &large, &law).unwrap();
    assert!(matches!(exposure.contraction_bounds(1), Err(Error::TooExpensive { .. })));
}
