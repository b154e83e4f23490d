use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::model::Discount;
use crate::text::DocumentEnd;

const V: Token = 4;

fn corpus(documents: &[Vec<Token>], end: DocumentEnd) -> Corpus {
    let mut names: Vec<String> = (0..V).map(|i| i.to_string()).collect();
    names.extend(["<s>".into(), "</s>".into()]);
    Corpus::from_tokens(Vocab::new(names).unwrap(), documents, end).unwrap()
}

/// The definitions, spelled out over hash maps.
struct Slow {
    counts: Vec<HashMap<Vec<Token>, HashMap<Token, f64>>>,
    smoothing: Smoothing,
    v: f64,
}

impl Slow {
    fn new(corpus: &Corpus, k: usize, smoothing: Smoothing) -> Self {
        let counts = (0..=k)
            .map(|length| {
                let mut counts: HashMap<Vec<Token>, HashMap<Token, f64>> = HashMap::new();
                corpus.for_each_window(length, |context, next| {
                    *counts.entry(context.to_vec()).or_default().entry(next).or_default() += 1.0;
                });
                counts
            })
            .collect();
        Self { counts, smoothing, v: f64::from(V + 1) }
    }

    fn discount(&self, length: usize) -> f64 {
        match self.smoothing {
            Smoothing::AbsoluteDiscounting(Discount::Given(discount)) => discount,
            _ => {
                let times = |n: f64| {
                    self.counts[length].values().flat_map(HashMap::values).filter(|c| **c == n).count() as f64
                };
                times(1.0) / (times(1.0) + 2.0 * times(2.0))
            }
        }
    }

    fn probability(&self, context: &[Token], token: Token) -> f64 {
        if token == V {
            return 0.0;
        }
        let shorter =
            || if context.is_empty() { 1.0 / self.v } else { self.probability(&context[1..], token) };
        let Some(after) = self.counts[context.len()].get(context) else {
            return match self.smoothing {
                Smoothing::Additive(_) => 1.0 / self.v,
                _ => shorter(),
            };
        };
        let n = after.get(&token).copied().unwrap_or(0.0);
        let (total, distinct) = (after.values().sum::<f64>(), after.len() as f64);
        match self.smoothing {
            Smoothing::MaximumLikelihood => n / total,
            Smoothing::Additive(a) => (n + a) / (total + a * self.v),
            Smoothing::WittenBell => (n + distinct * shorter()) / (total + distinct),
            Smoothing::AbsoluteDiscounting(_) => {
                let d = self.discount(context.len());
                ((n - d).max(0.0) + d * distinct * shorter()) / total
            }
        }
    }
}

fn smoothings() -> impl Strategy<Value = Smoothing> {
    prop_oneof![
        Just(Smoothing::MaximumLikelihood),
        prop::sample::select(vec![1e-300, 0.1, 1.0, 1e100]).prop_map(Smoothing::Additive),
        Just(Smoothing::WittenBell),
        prop::sample::select(vec![1e-9, 0.5, 1.0])
            .prop_map(|d| Smoothing::AbsoluteDiscounting(Discount::Given(d))),
        Just(Smoothing::AbsoluteDiscounting(Discount::Estimated)),
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
        documents in prop::collection::vec(prop::collection::vec(0..V, 4..14), 1..4),
        end in ends(),
        smoothing in smoothings(),
        k in 1..=3usize,
    ) {
        let corpus = corpus(&documents, end);
        let model = match NgramSettings::new(k + 1).smoothing(smoothing).fit(&corpus) {
            Ok(model) => model,
            Err(Error::NoDiscount { once, twice, .. }) => {
                prop_assert!(once == 0 || twice == 0);
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        let slow = Slow::new(&corpus, k, smoothing);
        let space = crate::text::ContextSpace::new(V as usize + 2, k).unwrap();
        let mut law = vec![f64::NAN; V as usize + 2];
        for context in (0..space.len()).map(|index| space.tokens(index)) {
            match model.next_token_law(&context, &mut law) {
                Ok(()) => {}
                Err(Error::UnseenContext { context: named }) => {
                    prop_assert_eq!(smoothing, Smoothing::MaximumLikelihood);
                    prop_assert_eq!(&named, &context);
                    prop_assert!(!slow.counts[k].contains_key(&context));
                    prop_assert!(model.probability(&context, 0).is_err());
                    prop_assert!(model.probability(&context, V).is_err());
                    continue;
                }
                Err(error) => panic!("{error}"),
            }
            prop_assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", law);
            prop_assert_eq!(law[V as usize], 0.0);
            for (token, &p) in law.iter().enumerate() {
                let expected = slow.probability(&context, token as Token);
                prop_assert!((p - expected).abs() < 1e-14, "{} but {}", p, expected);
                let alone = model.probability(&context, token as Token).unwrap();
                prop_assert!((p - alone).abs() < 1e-15, "{} but alone {}", p, alone);
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let corpus = corpus(&[vec![0, 1, 2]], DocumentEnd::Circular);
    for order in [0, 1] {
        let fitted = NgramSettings::new(order).fit(&corpus);
        assert!(matches!(fitted, Err(Error::InvalidSetting { name: "order", .. })));
    }
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

#[test]
fn a_discount_is_estimated_or_refused() {
    let estimated = Smoothing::AbsoluteDiscounting(Discount::Estimated);
    // Single tokens: 0 and 1 once, 2 twice. Pairs: 0 1, 1 2 and 2 0 once, 2 2 once.
    let fitted =
        NgramSettings::new(2).smoothing(estimated).fit(&corpus(&[vec![0, 1, 2, 2]], DocumentEnd::Circular));
    assert!(matches!(fitted, Err(Error::NoDiscount { context_length: 1, once: 4, twice: 0 })));
    // Single tokens: 0 once, 1 twice. Pairs: 0 1, 1 1 and 1 0, once each, joined by 1 0 1.
    let text = vec![0, 1, 0, 1, 2, 2, 3];
    let model =
        NgramSettings::new(2).smoothing(estimated).fit(&corpus(&[text], DocumentEnd::Circular)).unwrap();
    // Once: the token 3; twice: 0, 1, 2. Once: 1 0, 1 2, 2 2, 2 3, 3 0; twice: 0 1.
    assert_eq!(model.discounts(), [1.0 / 7.0, 5.0 / 7.0]);
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
