use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::model::Discount;
use crate::ngram::slow::places;
use crate::text::DocumentEnd;

const V: Token = 4;

fn corpus(documents: &[Vec<Token>], end: DocumentEnd) -> Corpus {
    let mut names: Vec<String> = (0..V).map(|i| i.to_string()).collect();
    names.extend(["<s>".into(), "</s>".into()]);
    Corpus::from_tokens(Vocab::new(names).unwrap(), documents, end).unwrap()
}

/// The definitions, spelled out over hash maps.
struct Slow {
    order: usize,
    smoothing: Smoothing,
    prune: Vec<u32>,
    v: f64,
    /// What is counted after every context, and how often that occurs.
    counts: HashMap<Vec<Token>, BTreeMap<Token, (f64, f64)>>,
    discounts: Vec<[f64; 3]>,
}

impl Slow {
    fn new(corpus: &Corpus, order: usize, smoothing: Smoothing, prune: &[u32]) -> Self {
        let start = corpus.vocab().start().unwrap();
        let continuations = matches!(smoothing, Smoothing::KneserNey | Smoothing::ModifiedKneserNey);
        let mut slow = Self {
            order,
            smoothing,
            prune: prune.to_vec(),
            v: f64::from(V + 1),
            counts: HashMap::new(),
            discounts: Vec::new(),
        };
        for length in 1..=order {
            let mut occurrences: HashMap<Vec<Token>, f64> = HashMap::new();
            let mut before: HashMap<Vec<Token>, HashSet<Token>> = HashMap::new();
            for (previous, ngram) in places(corpus, length) {
                *occurrences.entry(ngram.clone()).or_default() += 1.0;
                before.entry(ngram).or_default().extend(previous);
            }
            occurrences.remove(&vec![start]);
            let mut counted = Vec::new();
            for (ngram, &occurs) in &occurrences {
                let of_continuations = continuations && length < order && ngram[0] != start;
                let count = if of_continuations { (before[ngram].len() as f64).max(1.0) } else { occurs };
                let after = slow.counts.entry(ngram[..length - 1].to_vec()).or_default();
                after.insert(ngram[length - 1], (count, occurs));
                counted.push(count);
            }
            let t: Vec<f64> =
                (1..=4).map(|n| counted.iter().filter(|c| **c == f64::from(n)).count() as f64).collect();
            let y = t[0] / (t[0] + 2.0 * t[1]);
            slow.discounts.push(match smoothing {
                Smoothing::ModifiedKneserNey => {
                    let modified = [0, 1, 2].map(|k| k as f64 + 1.0 - (k as f64 + 2.0) * y * t[k + 1] / t[k]);
                    let fits = |(k, d): (usize, &f64)| (0.0..=k as f64 + 1.0).contains(d);
                    if modified.iter().enumerate().all(fits) { modified } else { FALLBACK }
                }
                Smoothing::KneserNey | Smoothing::AbsoluteDiscounting(Discount::Estimated)
                    if t[0] * t[1] == 0.0 =>
                {
                    [FALLBACK[0]; 3]
                }
                Smoothing::AbsoluteDiscounting(Discount::Given(discount)) => [discount; 3],
                _ => [y; 3],
            });
        }
        slow
    }

    fn kept(&self, length: usize, occurs: f64) -> bool {
        let threshold = self.prune.get(length - 1).or(self.prune.last()).copied().unwrap_or(0);
        occurs > f64::from(threshold)
    }

    fn probability(&self, context: &[Token], token: Token) -> f64 {
        if token == V {
            return 0.0;
        }
        let shorter =
            || if context.is_empty() { 1.0 / self.v } else { self.probability(&context[1..], token) };
        let Some(after) = self.counts.get(context) else { return shorter() };
        let (count, occurs) = after.get(&token).copied().unwrap_or_default();
        let total: f64 = after.values().map(|(count, _)| count).sum();
        match self.smoothing {
            Smoothing::MaximumLikelihood => count / total,
            Smoothing::Additive(a) if context.len() + 1 == self.order || context.first() == Some(&V) => {
                (count + a) / (total + a * self.v)
            }
            Smoothing::Additive(_) => shorter(),
            Smoothing::Katz { largest } => self.katz(context, token, f64::from(largest)),
            _ => {
                let length = context.len() + 1;
                let discounts = self.discounts[length - 1];
                let kept = |occurs: f64| self.kept(length, occurs);
                let witten_bell = self.smoothing == Smoothing::WittenBell;
                let taken = |count: f64, occurs: f64| match count {
                    0.0 => 0.0,
                    _ if !kept(occurs) => count,
                    _ if witten_bell => 0.0,
                    _ => discounts[(count as usize).min(3) - 1],
                };
                let extra = if witten_bell { after.len() as f64 } else { 0.0 };
                let rest: f64 = after.values().map(|&(count, occurs)| taken(count, occurs)).sum();
                (count - taken(count, occurs) + (rest + extra) * shorter()) / (total + extra)
            }
        }
    }

    fn katz(&self, context: &[Token], token: Token, largest: f64) -> f64 {
        let length = context.len() + 1;
        let of_length = || self.counts.iter().filter(|(c, _)| c.len() + 1 == length);
        let times = |n: f64| {
            of_length().flat_map(|(_, after)| after.values()).filter(|(count, _)| *count == n).count() as f64
        };
        let everything_seen = self.counts[&Vec::new()].len() as f64 == self.v;
        let ratio = |count: f64| {
            let common = (largest + 1.0) * times(largest + 1.0) / times(1.0);
            let good_turing = |count: f64| {
                ((count + 1.0) * times(count + 1.0) / times(count) / count - common) / (1.0 - common)
            };
            let fits = |count: u32| {
                let ratio = good_turing(f64::from(count));
                times(f64::from(count)) > 0.0 && ratio > 0.0 && ratio <= 1.0
            };
            if count > largest || (context.is_empty() && everything_seen) {
                1.0
            } else if common < 1.0 && (1..=largest as u32).all(fits) {
                good_turing(count)
            } else {
                1.0 - FALLBACK[(count as usize).min(3) - 1] / count
            }
        };
        let after = &self.counts[context];
        let total: f64 = after.values().map(|(count, _)| count).sum();
        let stored = |token: Token| {
            let (count, occurs) = after.get(&token).copied().unwrap_or_default();
            (count > 0.0 && self.kept(length, occurs)).then(|| ratio(count) * count / total)
        };
        let shorter = |token: Token| match context {
            [] if after.contains_key(&token) || token == V => 0.0,
            [] => 1.0,
            [_, shorter @ ..] => self.probability(shorter, token),
        };
        let all = 0..V + 2;
        let left = 1.0 - all.clone().filter_map(stored).sum::<f64>();
        let served: f64 = all.filter(|&token| stored(token).is_none()).map(shorter).sum();
        match stored(token) {
            Some(p) if served < 1e-14 => p / (1.0 - left),
            Some(p) => p,
            None if served < 1e-14 => 0.0,
            None => left * shorter(token) / served,
        }
    }
}

const FALLBACK: [f64; 3] = [0.5, 1.0, 1.5];

fn smoothings() -> impl Strategy<Value = Smoothing> {
    prop_oneof![
        Just(Smoothing::MaximumLikelihood),
        prop::sample::select(vec![1e-300, 0.1, 1.0, 1e100]).prop_map(Smoothing::Additive),
        Just(Smoothing::WittenBell),
        prop::sample::select(vec![1e-9, 0.5, 1.0])
            .prop_map(|d| Smoothing::AbsoluteDiscounting(Discount::Given(d))),
        Just(Smoothing::AbsoluteDiscounting(Discount::Estimated)),
        Just(Smoothing::KneserNey),
        Just(Smoothing::ModifiedKneserNey),
        (1..3u32).prop_map(|largest| Smoothing::Katz { largest }),
    ]
}

fn ends() -> impl Strategy<Value = DocumentEnd> {
    prop::sample::select(vec![
        DocumentEnd::Circular,
        DocumentEnd::Token,
        DocumentEnd::Reset,
        DocumentEnd::Absorbing,
        DocumentEnd::Open,
    ])
}

proptest! {
    #[test]
    fn laws_follow_the_definitions_and_sum_to_one(
        documents in prop::collection::vec(prop::collection::vec(0..V, 4..20), 1..5),
        end in ends(),
        smoothing in smoothings(),
        k in 0..=3usize,
        prune in prop::sample::select(vec![vec![], vec![0, 0, 1], vec![0, 1], vec![0, 1, 1, 2]]),
    ) {
        let plain = matches!(smoothing, Smoothing::MaximumLikelihood | Smoothing::Additive(_));
        let prune = if plain { Vec::new() } else { prune[..prune.len().min(k + 1)].to_vec() };
        let corpus = corpus(&documents, end);
        let settings = NgramSettings::new(k + 1).smoothing(smoothing).prune(&prune);
        let model = settings.fallback_discounts(FALLBACK).fit(&corpus).unwrap();
        let slow = Slow::new(&corpus, k + 1, smoothing, &prune);
        let space = crate::text::ContextSpace::new(V as usize + 2, k.max(1)).unwrap();
        let mut law = vec![f64::NAN; V as usize + 2];
        for context in (0..space.len()).map(|index| space.tokens(index)) {
            match model.next_token_law(&context, &mut law) {
                Ok(()) => {}
                Err(Error::UnseenContext { context: named }) => {
                    prop_assert_eq!(smoothing, Smoothing::MaximumLikelihood);
                    prop_assert_eq!(&named, &context);
                    prop_assert!(!slow.counts.contains_key(&context));
                    prop_assert!(model.probability(&context, 0).is_err());
                    continue;
                }
                Err(error) => panic!("{error}"),
            }
            prop_assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", law);
            prop_assert_eq!(law[V as usize], 0.0);
            for (token, &p) in law.iter().enumerate() {
                let expected = slow.probability(&context[context.len() - k..], token as Token);
                prop_assert!((p - expected).abs() < 1e-13, "{} but {}", p, expected);
                let alone = model.probability(&context, token as Token).unwrap();
                prop_assert!((p - alone).abs() < 1e-15, "{} but alone {}", p, alone);
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let corpus = corpus(&[vec![0, 1, 2]], DocumentEnd::Circular);
    assert!(matches!(NgramSettings::new(0).fit(&corpus), Err(Error::InvalidSetting { name: "order", .. })));
    for thresholds in [&[1][..], &[0, 2, 1]] {
        let fitted = NgramSettings::new(3).prune(thresholds).fit(&corpus);
        assert!(matches!(fitted, Err(Error::InvalidSetting { name: "pruning threshold", .. })));
    }
    let thresholds = NgramSettings::new(2).prune(&[0, 0, 1]).fit(&corpus);
    assert!(matches!(thresholds, Err(Error::InvalidSetting { name: "pruning thresholds", .. })));
    for smoothing in [Smoothing::WittenBell, Smoothing::Katz { largest: 1 }] {
        let given = NgramSettings::new(2).smoothing(smoothing).discounts(&[[0.5; 3]]).fit(&corpus);
        assert!(matches!(given, Err(Error::InvalidSetting { name: "the number of discounts given", .. })));
    }
    let closed = NgramSettings::new(2).interpolate_unigrams(false).fit(&corpus);
    assert!(matches!(closed, Err(Error::MissingToken { name: "<unk>", .. })));
    let fallback = NgramSettings::new(2).fallback_discounts([0.5, 3.0, 1.0]).fit(&corpus);
    assert!(matches!(fallback, Err(Error::InvalidSetting { name: "discount", .. })));
    for summand in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e101] {
        let fitted = NgramSettings::new(2).smoothing(Smoothing::Additive(summand)).fit(&corpus);
        assert!(matches!(fitted, Err(Error::InvalidSetting { .. })), "{summand}");
    }
    for discount in [0.0, -0.5, f64::NAN, 1.1] {
        let smoothing = Smoothing::AbsoluteDiscounting(Discount::Given(discount));
        let fitted = NgramSettings::new(2).smoothing(smoothing).fit(&corpus);
        assert!(matches!(fitted, Err(Error::InvalidSetting { name: "discount", .. })), "{discount}");
    }
    assert!(matches!(NgramSettings::new(200).fit(&corpus), Err(Error::ContextSpaceTooLarge { .. })));
}

/// Contexts that nearly every token follows leave next to nothing to back off
/// with: it must be added up, not subtracted.
#[test]
fn katz_laws_sum_to_one_where_next_to_nothing_is_left() {
    let mut rng = crate::prob::stream(7, 0);
    for (v, tokens) in [(15, 3_000), (35, 12_250), (63, 40_000)] {
        let names = (0..v).map(|i: u32| i.to_string()).collect();
        let rank = |x: f64| ((f64::from(v) + 1.0).powf(x) as Token).min(v) - 1;
        let text: Vec<Token> = (0..tokens).map(|_| rank(rand::RngExt::random(&mut rng))).collect();
        let corpus = Corpus::from_tokens(Vocab::new(names).unwrap(), [text], DocumentEnd::Circular).unwrap();
        for largest in [1, 2, 5] {
            let settings = NgramSettings::new(3).smoothing(Smoothing::Katz { largest });
            let model = settings.fallback_discounts(FALLBACK).fit(&corpus).unwrap();
            let mut law = vec![0.0; v as usize];
            for first in 0..v {
                for second in 0..v {
                    model.next_token_law(&[first, second], &mut law).unwrap();
                    assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-13, "{v} {largest} {first} {second}");
                }
            }
        }
    }
}

#[test]
fn a_discount_is_estimated_or_refused() {
    let estimated = Smoothing::AbsoluteDiscounting(Discount::Estimated);
    // Single tokens: 0 and 1 once, 2 twice. Pairs: 0 1, 1 2 and 2 0 once, 2 2 once.
    let fitted =
        NgramSettings::new(2).smoothing(estimated).fit(&corpus(&[vec![0, 1, 2, 2]], DocumentEnd::Circular));
    assert!(matches!(
        fitted,
        Err(Error::NoDiscount { length: 2, count: 2, counts_of_counts: [4, 0, ..], discount: None })
    ));
    // Single tokens: 0 once, 1 twice. Pairs: 0 1, 1 1 and 1 0, once each, joined by 1 0 1.
    let text = vec![0, 1, 0, 1, 2, 2, 3];
    let model =
        NgramSettings::new(2).smoothing(estimated).fit(&corpus(&[text], DocumentEnd::Circular)).unwrap();
    // Once: the token 3; twice: 0, 1, 2. Once: 1 0, 1 2, 2 2, 2 3, 3 0; twice: 0 1.
    let discounts: Vec<_> = model.statistics().iter().map(|length| length.discounts).collect();
    assert_eq!(discounts, [Some([1.0 / 7.0; 3]), Some([5.0 / 7.0; 3])]);
}

#[test]
fn requests_are_checked() {
    let model = NgramSettings::new(2).fit(&corpus(&[vec![0, 1, 2]], DocumentEnd::Circular)).unwrap();
    let mut law = vec![0.0; 6];
    assert!(matches!(model.next_token_law(&[6], &mut law), Err(Error::TokenOutOfRange { token: 6, .. })));
    assert!(matches!(model.probability(&[0], 6), Err(Error::TokenOutOfRange { token: 6, .. })));
}

#[test]
#[should_panic(expected = "K tokens")]
fn a_context_of_the_wrong_length_is_a_broken_contract() {
    let model = NgramSettings::new(2).fit(&corpus(&[vec![0, 1, 2]], DocumentEnd::Circular)).unwrap();
    let _ = model.probability(&[0, 1], 0);
}
