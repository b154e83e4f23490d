//! Entropy and information from counts: exact expectations, and texts.

mod texts;

use lmchain::chain::{MarkovChain, Start};
use lmchain::information::{EffectiveSampleSolver, PairCounts, TextInformation, block_counts};
use lmchain::prob::{EntropyEstimator, jensen_shannon, stream};
use lmchain::text::{Corpus, CorpusSettings, DocumentEnd, Tokenizer, Vocab};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde_json::Value;

/// Every way to divide `n` observations among some cells, with its probability if
/// the cells are equally likely.
fn outcomes(n: u64, cells: usize) -> Vec<(Vec<u64>, f64)> {
    fn extend(left: u64, cells: usize, counts: &mut Vec<u64>, found: &mut Vec<Vec<u64>>) {
        if cells == 1 {
            found.push([counts.as_slice(), &[left]].concat());
            return;
        }
        for count in 0..=left {
            counts.push(count);
            extend(left - count, cells - 1, counts, found);
            counts.pop();
        }
    }
    let factorial = |n: u64| (1..=n).map(|k| k as f64).product::<f64>();
    let probability = |counts: &Vec<u64>| {
        counts.iter().fold(factorial(n), |p, &count| p / factorial(count)) / (cells as f64).powi(n as i32)
    };
    let mut found = Vec::new();
    extend(n, cells, &mut Vec::new(), &mut found);
    found.into_iter().map(|counts| (counts.clone(), probability(&counts))).collect()
}

fn expected(key: &str) -> f64 {
    let file: Value = serde_json::from_str(include_str!("../data/language_models.json")).unwrap();
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["id"] == "C39").unwrap();
    case["expected"][key].as_f64().unwrap()
}

#[track_caller]
fn assert_expectation(found: f64, key: &str) {
    // 286 terms of about one bit.
    assert!((found - expected(key)).abs() < 1e-12, "{key}: {found}, not {}", expected(key));
}

#[test]
fn the_expected_entropy_of_ten_fair_bits_is_exact() {
    use EntropyEstimator::{Grassberger, GrassbergerLogarithm, MillerMadow, PlugIn};
    let expectation = |estimator: EntropyEstimator| -> f64 {
        outcomes(10, 2).iter().map(|(counts, p)| p * estimator.entropy(counts)).sum()
    };
    assert_expectation(expectation(PlugIn), "E_plugin_entropy_bits");
    assert_expectation(expectation(MillerMadow), "E_miller_madow_bits");
    assert_expectation(expectation(GrassbergerLogarithm), "E_grassberger2003_lnN_bits");
    assert_expectation(expectation(Grassberger), "E_grassberger_psiN_bits");
}

#[test]
fn the_expected_information_of_ten_independent_pairs_is_exact() {
    use EntropyEstimator::{Grassberger, GrassbergerLogarithm, MillerMadow, PlugIn};
    let expectation = |estimator: EntropyEstimator| -> f64 {
        let bits = |both: &[u64]| {
            let (first, second) =
                ([both[0] + both[1], both[2] + both[3]], [both[0] + both[2], both[1] + both[3]]);
            estimator.mutual_information(&first, &second, both)
        };
        outcomes(10, 4).iter().map(|(both, p)| p * bits(both)).sum()
    };
    assert_expectation(expectation(PlugIn), "E_plugin_MI_bits_N10_pairs");
    assert_expectation(expectation(MillerMadow), "E_miller_madow_MI_bits_N10_pairs");
    assert_expectation(expectation(GrassbergerLogarithm), "E_grassberger_lnN_MI_bits_N10_pairs");
    assert_expectation(expectation(Grassberger), "E_grassberger_psiN_MI_bits_N10_pairs");
}

#[test]
fn the_expected_divergence_of_two_windows_of_eight_bits_is_exact() {
    let windows = outcomes(8, 2);
    let law = |counts: &[u64]| [counts[0] as f64 / 8.0, counts[1] as f64 / 8.0];
    let mean: f64 = windows
        .iter()
        .flat_map(|(a, p)| windows.iter().map(move |(b, q)| p * q * jensen_shannon(&law(a), &law(b))))
        .sum();
    assert_expectation(mean, "E_plugin_JSD_bits_two_windows_of_8");
}

#[test]
fn chao_and_shen_weight_by_the_chance_to_be_seen() {
    // By hand: f_1 = 2 of N = 8, coverage 3/4.
    let by_hand = |count: f64| {
        let p: f64 = 0.75 * count / 8.0;
        -p * p.log2() / (1.0 - (1.0 - p).powi(8))
    };
    let found = EntropyEstimator::ChaoShen.entropy(&[4, 2, 1, 1]);
    assert!((found - (by_hand(4.0) + by_hand(2.0) + 2.0 * by_hand(1.0))).abs() < 1e-14);
    // Of fifty draws from a hundred outcomes, most of them seen once, it is nearest to the truth.
    let corpus = independent(100, 50, 3);
    let counts = block_counts(&corpus, 1).unwrap();
    let off = |estimator: EntropyEstimator| (estimator.entropy(&counts) - 100f64.log2()).abs();
    let nearest = EntropyEstimator::ALL.into_iter().min_by(|a, b| off(*a).total_cmp(&off(*b)));
    assert_eq!(nearest, Some(EntropyEstimator::ChaoShen));
}

/// Tokens drawn independently from a uniform law.
fn independent(vocabulary: usize, tokens: usize, seed: u64) -> Corpus {
    use rand::RngExt;
    let vocab = Vocab::new((0..vocabulary).map(|token| token.to_string()).collect()).unwrap();
    let mut rng = lmchain::prob::stream(seed, 0);
    let text: Vec<u32> = (0..tokens).map(|_| rng.random_range(0..vocabulary as u32)).collect();
    Corpus::from_tokens(vocab, [text], DocumentEnd::Circular).unwrap()
}

#[test]
fn pairs_of_a_ring_are_the_transitions_of_its_chain() {
    let text = "the cat sat on the mat and the rat sat on the cat ";
    let corpus = CorpusSettings::new(Tokenizer::characters()).read_strings([text]).unwrap();
    let chain = MarkovChain::observed(&corpus, 1).unwrap();
    let law = chain.stationary().unwrap().converged().unwrap();
    let of_chain = chain.mutual_information(&law, &[1]).unwrap()[0].mutual_information;
    let pairs = PairCounts::new(&corpus, 1).unwrap();
    assert_eq!(pairs.total(), 50);
    assert!((pairs.mutual_information(EntropyEstimator::PlugIn) - of_chain).abs() < 1e-13);
    // Blocks too; and round the ring a token meets itself.
    for (length, bits) in chain.block_entropies(&law, 2).unwrap().iter().enumerate().skip(1) {
        let counts = block_counts(&corpus, length).unwrap();
        assert!((EntropyEstimator::PlugIn.entropy(&counts) - bits).abs() < 1e-13);
    }
    assert_eq!(PairCounts::new(&corpus, 50).unwrap(), PairCounts::new(&corpus, 0).unwrap());
    assert_eq!(PairCounts::new(&corpus, 53).unwrap(), PairCounts::new(&corpus, 3).unwrap());
}

#[test]
fn pairs_lie_inside_documents_unless_the_text_is_a_ring() {
    let read = |ends| {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(ends);
        settings.read_strings(["abc", "ab", "c"]).unwrap()
    };
    let pairs = |ends, lag| PairCounts::new(&read(ends), lag).map(|pairs| pairs.total());
    assert_eq!(pairs(DocumentEnd::Open, 1).unwrap(), 3);
    assert_eq!(pairs(DocumentEnd::Reset, 1).unwrap(), 3);
    assert_eq!(pairs(DocumentEnd::Open, 2).unwrap(), 1);
    assert!(matches!(pairs(DocumentEnd::Open, 3), Err(lmchain::Error::TextTooShort { needed: 4 })));
    assert_eq!(pairs(DocumentEnd::Circular, 3).unwrap(), 6);
    // An end token follows each of three documents.
    assert_eq!(pairs(DocumentEnd::Token, 1).unwrap(), 9);
}

#[test]
fn many_tokens_are_counted_as_few_are() {
    // The same text over a vocabulary whose table of pairs is not kept whole.
    let few = independent(50, 4000, 1);
    let vocab = Vocab::new((0..5000).map(|token| token.to_string()).collect()).unwrap();
    let many = Corpus::from_tokens(vocab, [few.tokens()], DocumentEnd::Circular).unwrap();
    let sorted = |corpus: &Corpus| {
        let mut both = PairCounts::new(corpus, 7).unwrap().both().to_vec();
        both.sort_unstable();
        both
    };
    assert_eq!(sorted(&few), sorted(&many));
}

#[test]
fn independent_tokens_are_at_the_floor_and_dependent_ones_above_it() {
    let corpus = independent(10, 5000, 2);
    let plug_in = TextInformation::new().estimator(EntropyEstimator::PlugIn).shuffles(19).seed(5);
    let bias = 9.0 * 9.0 / (2.0 * 5000.0 * std::f64::consts::LN_2);
    // 2 N I ln 2 is about chi-squared with 81 degrees of freedom, so I has this deviation.
    let deviation = (2.0f64 * 81.0).sqrt() / (2.0 * 5000.0 * std::f64::consts::LN_2);
    for at in plug_in.measure(&corpus, &[1, 5, 100]).unwrap() {
        let floor = at.floor.unwrap();
        assert!((floor.mean - bias).abs() < 5.0 * deviation / 19f64.sqrt() + 0.02 * bias, "{floor:?} {bias}");
        assert!((0.5..2.0).contains(&(floor.deviation / deviation)), "{floor:?} {deviation}");
        assert!(floor.lowest <= floor.mean && floor.mean <= floor.highest);
        assert!(at.above_floor().abs() < 5.0 * deviation, "{at:?}");
    }
    // What corrects for bias has its floor at about zero.
    for at in TextInformation::new().shuffles(19).measure(&corpus, &[1, 5]).unwrap() {
        assert!(at.floor.unwrap().mean.abs() < 0.1 * bias, "{at:?}");
    }
    let twice: Vec<u32> = corpus.tokens().iter().flat_map(|&token| [token, token]).collect();
    let twice = Corpus::from_tokens(corpus.vocab().clone(), [twice], DocumentEnd::Circular).unwrap();
    let found = plug_in.measure(&twice, &[1, 2]).unwrap();
    assert!(found[0].is_significant() && found[0].mutual_information > 0.5, "{:?}", found[0]);
}

#[test]
fn shuffles_are_the_same_on_any_number_of_threads() {
    let corpus = independent(10, 3000, 2);
    let measure = || TextInformation::new().shuffles(7).seed(9).measure(&corpus, &[1, 4, 9]).unwrap();
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(measure);
    assert_eq!(on(1), on(3));
    assert_ne!(measure(), TextInformation::new().shuffles(7).seed(10).measure(&corpus, &[1, 4, 9]).unwrap());
}

#[test]
fn a_chain_of_two_states_is_worth_what_its_eigenvalue_says() {
    // rho(t) = lambda^t, so tau = (1 + lambda) / (1 - lambda).
    for (stay, steps) in [(0.8, 200_000), (0.95, 400_000)] {
        let lambda: f64 = 2.0 * stay - 1.0;
        let rows = ndarray::array![[stay, 1.0 - stay], [1.0 - stay, stay]];
        let chain = MarkovChain::from_dense(rows.view()).unwrap();
        let walker = chain.walker().unwrap();
        let labels: Vec<u32> =
            walker.walk(Start::State(0), 11).unwrap().take(steps).map(|state| state as u32).collect();
        let found = EffectiveSampleSolver::new().measure_labels(&labels).unwrap().converged().unwrap();
        let expected = (1.0 + lambda) / (1.0 - lambda);
        // Madras & Sokal (1988): the relative variance of tau is about 2 (2 M + 1) / N; what
        // is cut off is a share of about exp(-10 / tau') for the exponential time tau'.
        let spread = (2.0 * (2 * found.window + 1) as f64 / steps as f64).sqrt();
        let cut = lambda.powi(found.window as i32);
        assert!((found.time / expected - 1.0).abs() < 5.0 * spread + cut, "{found:?}, not {expected}");
        assert!((found.size * found.time / steps as f64 - 1.0).abs() < 1e-12);
        // One indicator of two says it all.
        let series: Vec<f64> = labels.iter().map(|&label| f64::from(label)).collect();
        let same = EffectiveSampleSolver::new().measure(&series).unwrap().converged().unwrap();
        assert!((same.time / found.time - 1.0).abs() < 1e-9 && same.window == found.window);
    }
}

#[test]
fn alternating_signs_are_summed_to_their_end() {
    // x(t) = phi x(t - 1) + noise: rho(t) = phi^t, tau = (1 + phi) / (1 - phi).
    let n = 1_000_000;
    for (number, phi) in [0.9f64, -0.9, 0.95, -0.95, -0.5, 0.0].into_iter().enumerate() {
        let mut rng = stream(17, number as u64);
        let mut x: f64 = rng.sample::<f64, _>(StandardNormal) / (1.0 - phi * phi).sqrt();
        let series: Vec<f64> = (0..n)
            .map(|_| {
                x = phi * x + rng.sample::<f64, _>(StandardNormal);
                x
            })
            .collect();
        let found = EffectiveSampleSolver::new().measure(&series).unwrap().converged().unwrap();
        let expected = (1.0 + phi) / (1.0 - phi);
        // Two neighbours have the sum phi^(2 k) (1 + phi); its estimate has the variance 2 tau / n (Bartlett
        // 1946), so one that is six deviations large is not taken for noise.
        let noise = 6.0 * (2.0 * expected / n as f64).sqrt();
        let pairs = ((noise / (1.0 + phi)).ln() / phi.powi(2).ln()).floor().max(0.0);
        assert!(found.window as f64 >= 2.0 * pairs - 1.0, "{phi}: {found:?}");
        // As for the chain of two states; the rest is a share phi^M.
        let spread = (2.0 * (2 * found.window + 1) as f64 / n as f64).sqrt();
        let cut = phi.abs().powi(found.window as i32);
        assert!(cut < 0.05, "{phi}: {found:?}");
        assert!((found.time / expected - 1.0).abs() < 6.0 * spread + cut, "{phi}: {found:?}, not {expected}");
    }
}

#[test]
fn labels_are_worth_what_their_indicators_are_together() {
    let labels: Vec<u32> = independent(3, 3000, 4).tokens().iter().flat_map(|&token| [token; 3]).collect();
    let n = labels.len();
    let found = EffectiveSampleSolver::new().measure_labels(&labels).unwrap().converged().unwrap();
    let (mut covariance, mut variance) = (vec![0.0; found.window + 1], 0.0);
    for label in 0..3 {
        let series: Vec<f64> = labels.iter().map(|&own| f64::from(u8::from(own == label))).collect();
        let mean = series.iter().sum::<f64>() / n as f64;
        variance += series.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        for (lag, sum) in covariance.iter_mut().enumerate().skip(1) {
            *sum += (lag..n).map(|i| (series[i] - mean) * (series[i - lag] - mean)).sum::<f64>();
        }
    }
    // The last lag counts half.
    let time = 1.0 + (2.0 * covariance.iter().sum::<f64>() - covariance[found.window]) / variance;
    assert!((found.time - time).abs() < 1e-9, "{found:?} {time}");
    // Each is there three times, so independent thirds.
    assert!((found.time - 3.0).abs() < 0.5);
}
