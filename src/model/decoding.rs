//! What a model's law becomes before a token is drawn from it.

use rayon::prelude::*;

use super::LanguageModel;
use super::language_model::check_request;
use crate::error::{Error, Result};
use crate::prob::Law;
use crate::text::{Token, Vocab};

/// Temperature, truncation and floor.
///
/// They act on each law in this order, which matters:
///
/// 1. **Temperature** T: probabilities become proportional to `p^(1/T)`. At 0
///    (greedy) the most probable token gets everything.
/// 2. **top-k**: the k most probable tokens are kept.
/// 3. **top-p**: of what is left, divided by its sum, the fewest most probable
///    tokens that reach p together are kept, up to rounding
///    ([`Law::sum_tolerance`]).
/// 4. **min-p**: tokens at least `min_p` times as probable as the most probable are kept.
/// 5. What is left is divided by its sum.
/// 6. **Floor** f: `p' = (1 - V' f) p + f` for the V' tokens that may be
///    generated: all but `<s>`, if the model's vocabulary has that.
///
/// Among equally probable tokens the lower number comes first. Truncation makes
/// transitions impossible, so a chain may fall into several classes; the floor
/// makes it irreducible again.
///
/// # Example
///
/// ```
/// use lmchain::model::{Decoded, Decoding, LanguageModel, TableModel};
///
/// let model = TableModel::from_rows(1, &[[0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [0.1, 0.2, 0.7]])?;
/// let decoded = Decoded::new(model, Decoding::new().temperature(0.5).top_k(2))?;
/// let mut law = [0.0; 3];
/// decoded.next_token_law(&[0], &mut law)?;
/// assert!((law[0] - 0.8).abs() < 1e-15 && (law[1] - 0.2).abs() < 1e-15);
/// assert_eq!(law[2], 0.0);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoding {
    temperature: f64,
    top_k: Option<usize>,
    top_p: f64,
    min_p: f64,
    floor: f64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoding {
    /// Leaves every law as it is.
    pub fn new() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: 1.0, min_p: 0.0, floor: 0.0 }
    }

    /// The most probable token always; ties to the lowest.
    pub fn greedy() -> Self {
        Self::new().temperature(0.0)
    }

    /// The temperature: finite, 0 or more; 1 at first.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// How many tokens are kept: at least 1; all at first.
    #[must_use]
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.top_k = Some(top_k);
        self
    }

    /// How much probability is kept: above 0, at most 1; all at first.
    #[must_use]
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.top_p = top_p;
        self
    }

    /// The least probability kept, relative to the most probable token: 0 to 1; 0 at first.
    #[must_use]
    pub fn min_p(mut self, min_p: f64) -> Self {
        self.min_p = min_p;
        self
    }

    /// The least probability of any token that may be generated: 0 to 1/V'; 0 at first.
    #[must_use]
    pub fn floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    /// # Errors
    ///
    /// [`Error::InvalidSetting`], for `generated` tokens that may be generated.
    fn check(&self, generated: usize) -> Result<()> {
        let refuse = |name, value, requirement| Err(Error::InvalidSetting { name, value, requirement });
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return refuse("temperature", self.temperature, "finite and not negative");
        }
        if self.top_k == Some(0) {
            return refuse("top_k", 0.0, "at least 1");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse("top_p", self.top_p, "above 0 and at most 1");
        }
        if !(self.min_p >= 0.0 && self.min_p <= 1.0) {
            return refuse("min_p", self.min_p, "between 0 and 1");
        }
        if !(self.floor >= 0.0 && self.floor * generated as f64 <= 1.0) {
            return refuse("floor", self.floor, "between 0 and 1/V, for V tokens that may be generated");
        }
        Ok(())
    }

    /// Decodes one law. Costs `O(V)`, and `O(V log V)` with top-p.
    fn apply(&self, law: &mut [f64], start: Option<Token>) {
        if self.temperature == 0.0 {
            let best = most_probable(law);
            law.fill(0.0);
            law[best] = 1.0;
        } else {
            if self.temperature != 1.0 {
                heat(law, self.temperature);
            }
            let truncated = self.top_k.is_some_and(|k| k < law.len()) || self.top_p < 1.0 || self.min_p > 0.0;
            if truncated {
                self.truncate(law);
                normalize(law);
            }
        }
        if self.floor > 0.0 {
            let generated = law.len() - usize::from(start.is_some());
            let share = (1.0 - generated as f64 * self.floor).max(0.0);
            law.iter_mut().for_each(|p| *p = share * *p + self.floor);
            if let Some(start) = start {
                law[start as usize] = 0.0;
            }
        }
    }

    /// Sets to zero what is not kept.
    fn truncate(&self, law: &mut [f64]) {
        let mut order: Vec<usize> = (0..law.len()).filter(|&token| law[token] > 0.0).collect();
        let compare = |a: &usize, b: &usize| law[*b].total_cmp(&law[*a]).then(a.cmp(b));
        let mut kept = order.len();
        if let Some(k) = self.top_k
            && k < kept
        {
            order.select_nth_unstable_by(k - 1, compare);
            order.truncate(k);
            kept = k;
        }
        order.sort_unstable_by(compare);
        if self.top_p < 1.0 {
            let mass: f64 = order.iter().map(|&token| law[token]).sum();
            let enough = (self.top_p - Law::sum_tolerance(law.len())) * mass;
            let mut sum = 0.0;
            let reached = order.iter().position(|&token| {
                sum += law[token];
                sum >= enough
            });
            kept = reached.map_or(kept, |last| last + 1);
        }
        let least = self.min_p * law[order[0]];
        kept = kept.min(order.partition_point(|&token| law[token] >= least));
        let laws: Vec<(usize, f64)> = order[..kept].iter().map(|&token| (token, law[token])).collect();
        law.fill(0.0);
        for (token, p) in laws {
            law[token] = p;
        }
    }
}

/// The most probable token, ties to the lowest.
fn most_probable(law: &[f64]) -> usize {
    let mut best = 0;
    for (token, p) in law.iter().enumerate() {
        if *p > law[best] {
            best = token;
        }
    }
    best
}

/// Raises a law to the power `1/T`, in logarithms relative to the largest
/// entry, which stays 1: nothing overflows, and not all can underflow.
fn heat(law: &mut [f64], temperature: f64) {
    let largest = law[most_probable(law)].ln();
    for p in law.iter_mut() {
        *p = if *p > 0.0 { ((p.ln() - largest) / temperature).exp() } else { 0.0 };
    }
    normalize(law);
}

fn normalize(law: &mut [f64]) {
    let sum: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= sum);
}

/// A model under a decoding: the model that text is really drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<M> {
    model: M,
    decoding: Decoding,
    start: Option<Token>,
}

impl<M: LanguageModel> Decoded<M> {
    /// The model under this decoding.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for a setting outside its range.
    pub fn new(model: M, decoding: Decoding) -> Result<Self> {
        let start = model.vocab().and_then(Vocab::start);
        decoding.check(model.vocabulary_size() - usize::from(start.is_some()))?;
        Ok(Self { model, decoding, start })
    }

    /// The model without the decoding.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Decodes what the model gave, if it is a law: decoding mends nothing.
    fn decode(&self, law: &mut [f64]) -> Result<()> {
        Law::check(law)?;
        self.decoding.apply(law, self.start);
        Ok(())
    }

    /// The decoding.
    pub fn decoding(&self) -> Decoding {
        self.decoding
    }
}

impl<M: LanguageModel> LanguageModel for Decoded<M> {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.model.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        check_request(self, context, Some(law))?;
        self.model.next_token_law(context, law)?;
        self.decode(law)
    }

    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        self.model.next_token_laws(contexts, laws)?;
        let decoded = laws.par_chunks_exact_mut(self.vocabulary_size()).map(|law| self.decode(law));
        decoded.collect::<Vec<_>>().into_iter().collect()
    }

    fn vocab(&self) -> Option<&Vocab> {
        self.model.vocab()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::TableModel;

    fn decode(decoding: Decoding, law: &[f64]) -> Vec<f64> {
        let mut law = law.to_vec();
        decoding.check(law.len()).unwrap();
        decoding.apply(&mut law, None);
        law
    }

    fn near(found: &[f64], expected: &[f64]) {
        for (found_p, expected_p) in found.iter().zip(expected) {
            assert!((found_p - expected_p).abs() < 1e-14, "{found:?} but {expected:?}");
        }
    }

    #[test]
    fn a_third_of_the_temperature_cubes() {
        // Exact values: the cubes of these rows, divided by their sums.
        let decoding = Decoding::new().temperature(1.0 / 3.0);
        near(&decode(decoding, &[0.5, 0.3, 0.2]), &[25.0 / 32.0, 27.0 / 160.0, 1.0 / 20.0]);
        near(&decode(decoding, &[0.1, 0.6, 0.3]), &[1.0 / 244.0, 54.0 / 61.0, 27.0 / 244.0]);
        near(&decode(decoding, &[0.3, 0.3, 0.4]), &[27.0 / 118.0, 27.0 / 118.0, 32.0 / 59.0]);
        near(&decode(decoding, &[0.4, 0.5, 0.1]), &[32.0 / 95.0, 25.0 / 38.0, 1.0 / 190.0]);
        near(&decode(decoding, &[0.15, 0.35, 0.5]), &[27.0 / 1370.0, 343.0 / 1370.0, 100.0 / 137.0]);
        near(&decode(decoding, &[0.1, 0.1, 0.8]), &[1.0 / 514.0, 1.0 / 514.0, 256.0 / 257.0]);
    }

    #[test]
    fn a_logit_gap_is_divided_by_the_temperature() {
        // Logits 5.5 and 0: the rarer token has 1 / (1 + e^(5.5 / T)).
        let law = [0.995_929_862_284_103_9, 0.004_070_137_715_896_128];
        for (temperature, rarer) in [
            (0.5, 1.670_142_184_809_518e-5),
            (0.75, 0.000_652_965_337_552_692_3),
            (1.0, 0.004_070_137_715_896_128),
            (1.5, 0.024_924_426_647_114_04),
            (2.0, 0.060_086_650_174_007_626),
            (4.0, 0.201_813_222_260_378_84),
        ] {
            near(&decode(Decoding::new().temperature(temperature), &law), &[1.0 - rarer, rarer]);
        }
    }

    #[test]
    fn extreme_temperatures_neither_overflow_nor_vanish() {
        let law = [0.25, 0.25, 0.5, 0.0, 1e-300];
        assert_eq!(decode(Decoding::new().temperature(1e-300), &law), [0.0, 0.0, 1.0, 0.0, 0.0]);
        near(&decode(Decoding::new().temperature(1e300), &law), &[0.25, 0.25, 0.25, 0.0, 0.25]);
        near(&decode(Decoding::new().temperature(5e-324), &[0.5, 0.5]), &[0.5, 0.5]);
    }

    #[test]
    fn greedy_breaks_ties_to_the_lowest_token() {
        assert_eq!(decode(Decoding::greedy(), &[0.2, 0.4, 0.4]), [0.0, 1.0, 0.0]);
        near(&decode(Decoding::greedy().floor(0.1), &[0.2, 0.4, 0.4]), &[0.1, 0.8, 0.1]);
    }

    #[test]
    fn truncation_keeps_what_it_says() {
        let law = [0.1, 0.3, 0.3, 0.25, 0.05];
        near(&decode(Decoding::new().top_k(1), &law), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        near(&decode(Decoding::new().top_p(0.6), &law), &[0.0, 0.5, 0.5, 0.0, 0.0]);
        near(&decode(Decoding::new().top_p(0.61), &law), &[0.0, 6.0 / 17.0, 6.0 / 17.0, 5.0 / 17.0, 0.0]);
        near(&decode(Decoding::new().top_p(1e-9), &law), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        near(&decode(Decoding::new().min_p(0.9), &law), &[0.0, 0.5, 0.5, 0.0, 0.0]);
        // Of the two kept by top-k, each holds half: top-p counts what is left.
        near(&decode(Decoding::new().top_k(2).top_p(0.5), &law), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        // 0.6 + 0.3 is rounded below 0.9; that must not let the third token in.
        near(&decode(Decoding::new().top_p(0.9), &[0.6, 0.3, 0.1]), &[2.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    #[test]
    fn nothing_asked_is_nothing_done() {
        let law = [0.1, 0.2, 0.7];
        let all = Decoding::new().top_k(3).top_p(1.0).min_p(0.0).floor(0.0);
        assert_eq!(decode(all, &law), law);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let new = Decoding::new;
        let bad = [
            (
                "temperature",
                [new().temperature(-0.1), new().temperature(f64::NAN), new().temperature(f64::INFINITY)],
            ),
            ("top_k", [new().top_k(0); 3]),
            ("top_p", [new().top_p(0.0), new().top_p(1.1), new().top_p(f64::NAN)]),
            ("min_p", [new().min_p(-0.1), new().min_p(1.1), new().min_p(f64::NAN)]),
            ("floor", [new().floor(-0.1), new().floor(0.51), new().floor(f64::NAN)]),
        ];
        let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]]).unwrap();
        for (setting, decodings) in bad {
            for decoding in decodings {
                let Err(Error::InvalidSetting { name, .. }) = Decoded::new(&model, decoding) else {
                    panic!("{decoding:?} must be refused");
                };
                assert_eq!(name, setting);
            }
        }
        assert!(Decoded::new(&model, new().floor(0.5)).is_ok());
    }

    #[test]
    fn the_floor_leaves_out_the_start_token() {
        let vocab = Vocab::new(vec!["<s>".into(), "a".into(), "b".into()]).unwrap();
        let model = TableModel::from_rows(1, &[[0.0, 1.0, 0.0]; 3]).unwrap().with_vocab(vocab).unwrap();
        let decoded = Decoded::new(model, Decoding::new().floor(0.25)).unwrap();
        let mut laws = [0.0; 6];
        decoded.next_token_laws(&[0, 1], &mut laws).unwrap();
        assert_eq!(laws, [0.0, 0.75, 0.25, 0.0, 0.75, 0.25]);
    }

    proptest! {
        #[test]
        fn every_decoding_of_a_law_is_a_law(
            weights in prop::collection::vec(prop_oneof![0.0..1.0f64, Just(0.0), Just(0.5), 1e-300..1e-290f64], 1..8),
            temperature in prop_oneof![Just(0.0), Just(1.0), 0.01..10.0f64],
            top_k in 1..9usize,
            top_p in prop_oneof![Just(1.0), 0.001..1.0f64],
            min_p in 0.0..=1.0f64,
            floor in 0.0..=0.125f64,
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0.0));
            let law = Law::normalized(weights).unwrap();
            let decoding =
                Decoding::new().temperature(temperature).top_k(top_k).top_p(top_p).min_p(min_p).floor(floor);
            let decoded = Law::new(decode(decoding, &law)).unwrap();
            prop_assert!(decoded.iter().all(|p| *p >= floor));
            let free = decode(decoding.floor(0.0), &law);
            prop_assert!(free.iter().filter(|p| **p > 0.0).count() <= top_k);
            prop_assert!(free.iter().zip(law.iter()).all(|(decoded, p)| *p > 0.0 || *decoded == 0.0));
            prop_assert!(free[most_probable(&law)] > 0.0);
        }
    }
}
