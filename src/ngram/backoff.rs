//! Back-off models.

use super::NgramTrie;
use crate::error::{Error, Result};
use crate::prob::sum_by;
use crate::text::Token;

/// A back-off model: n-grams with probabilities and back-off weights.
///
/// Probabilities are plain, not logarithms. Beside the trie an n-gram takes 16
/// bytes, one of the highest order 8.
#[derive(Debug, Clone, PartialEq)]
pub struct BackoffTrie {
    trie: NgramTrie,
    /// By length, then by number.
    probabilities: Vec<Vec<f64>>,
    /// The same; none for the highest order.
    backoffs: Vec<Vec<f64>>,
    /// By length, the n-grams that are here only because a longer one is: their
    /// probabilities are what backing off gives. Ascending; mostly none.
    implied: Vec<Vec<u32>>,
}

/// Where a back-off model stands in a text: the longest suffix of what came
/// before that can still matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NgramState {
    length: u32,
    number: u32,
}

/// What a back-off model says about one token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NgramStep {
    /// Probability of the token.
    pub probability: f64,
    /// Length of the longest stored n-gram that ends with the token.
    pub matched: usize,
    /// Where the model stands after it.
    pub state: NgramState,
}

impl NgramState {
    fn new(length: usize, number: usize) -> Self {
        Self { length: length as u32, number: number as u32 }
    }

    /// How many tokens of the past matter.
    pub fn length(self) -> usize {
        self.length as usize
    }

    /// The number of those tokens among the n-grams of their length.
    pub fn number(self) -> usize {
        self.number as usize
    }
}

impl BackoffTrie {
    /// A model from what belongs to each n-gram of a trie, by length and number.
    ///
    /// # Panics
    ///
    /// If a length is missing or has another number of entries.
    pub(crate) fn from_parts(
        trie: NgramTrie,
        probabilities: Vec<Vec<f64>>,
        backoffs: Vec<Vec<f64>>,
        implied: Vec<Vec<u32>>,
    ) -> Self {
        let order = trie.order();
        assert_eq!((probabilities.len(), backoffs.len(), implied.len()), (order, order - 1, order));
        assert!((1..=order).all(|length| probabilities[length - 1].len() == trie.len(length)));
        assert!((1..order).all(|length| backoffs[length - 1].len() == trie.len(length)));
        Self { trie, probabilities, backoffs, implied }
    }

    /// The n-grams.
    pub fn trie(&self) -> &NgramTrie {
        &self.trie
    }

    /// The length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.trie.order()
    }

    /// Vocabulary size V.
    pub fn vocabulary_size(&self) -> usize {
        self.trie.vocabulary_size()
    }

    /// The probabilities of all n-grams of a length, each after its context.
    ///
    /// # Panics
    ///
    /// If the length is 0 or more than the order.
    pub fn probabilities(&self, length: usize) -> &[f64] {
        &self.probabilities[length - 1]
    }

    /// The back-off weights of all n-grams of a length, as contexts.
    ///
    /// # Panics
    ///
    /// If the length is 0, or the order or more.
    pub fn backoffs(&self, length: usize) -> &[f64] {
        &self.backoffs[length - 1]
    }

    /// The probabilities of all n-grams of a length, to be set.
    #[cfg(test)]
    pub(crate) fn probabilities_mut(&mut self, length: usize) -> &mut [f64] {
        &mut self.probabilities[length - 1]
    }

    /// The back-off weights of all n-grams of a length, to be set.
    #[cfg(test)]
    pub(crate) fn backoffs_mut(&mut self, length: usize) -> &mut [f64] {
        &mut self.backoffs[length - 1]
    }

    /// Whether an n-gram belongs to the model itself, and not only to the
    /// closure of its n-grams under taking suffixes.
    pub fn is_explicit(&self, length: usize, number: usize) -> bool {
        self.implied[length - 1].binary_search(&(number as u32)).is_err()
    }

    /// The numbers of the n-grams of a length that are only implied, ascending.
    pub(crate) fn implied(&self, length: usize) -> &[u32] {
        &self.implied[length - 1]
    }

    /// How many n-grams of a length belong to the model itself.
    ///
    /// # Panics
    ///
    /// If the length is 0 or more than the order.
    pub fn ngram_count(&self, length: usize) -> usize {
        self.trie.len(length) - self.implied[length - 1].len()
    }

    /// Bytes that the model takes.
    pub fn bytes(&self) -> usize {
        let values: usize = self.probabilities.iter().chain(&self.backoffs).map(Vec::len).sum();
        let implied: usize = self.implied.iter().map(Vec::len).sum();
        self.trie.bytes() + values * size_of::<f64>() + implied * size_of::<u32>()
    }

    /// Whether an n-gram matters as a context: something follows it, or its
    /// back-off weight is not 1.
    pub fn is_context(&self, length: usize, number: usize) -> bool {
        length < self.order()
            && (!self.trie.children(length, number).is_empty() || self.backoff(length, number) != 1.0)
    }

    /// The back-off weight of an n-gram as a context; 1 for the empty one and
    /// for those of the highest order.
    pub fn backoff(&self, length: usize, number: usize) -> f64 {
        if length == 0 || length == self.order() { 1.0 } else { self.backoffs[length - 1][number] }
    }

    /// Where the model stands after some tokens of which nothing before is known.
    ///
    /// # Panics
    ///
    /// If a token is outside the vocabulary.
    #[track_caller]
    pub fn state_after(&self, tokens: &[Token]) -> NgramState {
        let recent = &tokens[tokens.len().saturating_sub(self.order() - 1)..];
        recent.iter().fold(NgramState::default(), |state, &token| self.step(state, token).state)
    }

    /// Moves on by one token. Costs a binary search for every length tried.
    ///
    /// # Panics
    ///
    /// If the token is outside the vocabulary.
    #[track_caller]
    pub fn step(&self, state: NgramState, token: Token) -> NgramStep {
        let (mut length, mut number) = (state.length(), state.number());
        let mut weight = 1.0;
        let found = loop {
            match self.trie.child(length, number, token) {
                Some(found) => break found,
                None => {
                    assert!(length > 0, "token {token} is outside the vocabulary");
                    weight *= self.backoffs[length - 1][number];
                    number = self.trie.suffix(length, number);
                    length -= 1;
                }
            }
        };
        length += 1;
        NgramStep {
            probability: weight * self.probabilities[length - 1][found],
            matched: self.explicit_length(length, found),
            state: self.context_of(length, found),
        }
    }

    /// What the model says about each of some tokens, one after the other.
    ///
    /// # Panics
    ///
    /// The iterator does, at a token outside the vocabulary.
    pub fn steps(
        &self,
        mut state: NgramState,
        tokens: impl IntoIterator<Item = Token>,
    ) -> impl Iterator<Item = NgramStep> {
        tokens.into_iter().map(move |token| {
            let step = self.step(state, token);
            state = step.state;
            step
        })
    }

    /// The longest suffix of an n-gram that is a context.
    pub fn context_of(&self, mut length: usize, mut number: usize) -> NgramState {
        while length > 0 && !self.is_context(length, number) {
            number = self.trie.suffix(length, number);
            length -= 1;
        }
        NgramState::new(length, number)
    }

    /// Writes the law of the next token. `O(length V)`.
    ///
    /// # Panics
    ///
    /// If the law does not have V entries.
    #[track_caller]
    pub fn write_law(&self, state: NgramState, law: &mut [f64]) {
        let (length, number) = (state.length(), state.number());
        if length == 0 {
            law.copy_from_slice(&self.probabilities[0]);
            return;
        }
        self.write_law(NgramState::new(length - 1, self.trie.suffix(length, number)), law);
        let weight = self.backoffs[length - 1][number];
        law.iter_mut().for_each(|p| *p *= weight);
        for child in self.trie.children(length, number) {
            law[self.trie.tokens(length + 1)[child] as usize] = self.probabilities[length][child];
        }
    }

    /// The same model with every law scaled to sum to one.
    ///
    /// For models whose numbers were rounded, as those in ARPA files are. The
    /// probabilities after a context and its back-off weight are divided by
    /// their sum, shorter contexts first.
    ///
    /// # Errors
    ///
    /// [`Error::ContextSum`] for a law that sums to zero.
    pub fn normalized(mut self) -> Result<Self> {
        let sum = sum_by(self.vocabulary_size(), |token| self.probabilities[0][token]);
        self.check_sum(0, 0, sum)?;
        self.probabilities[0].iter_mut().for_each(|p| *p /= sum);
        // For each context one shorter, the mass that it backs off with under its suffix.
        let mut rests = vec![0.0];
        for length in 1..self.order() {
            rests = (0..self.trie.len(length))
                .map(|context| self.normalize_context(length, context, &rests))
                .collect::<Result<_>>()?;
        }
        Ok(self)
    }

    /// Scales the law after a context; gives the mass under its suffix of the
    /// tokens that it has no n-gram for.
    fn normalize_context(&mut self, length: usize, context: usize, shorter_rests: &[f64]) -> Result<f64> {
        let children = self.trie.children(length, context);
        let backoff = self.backoffs[length - 1][context];
        let implied = children.clone().filter(|&child| !self.is_explicit(length + 1, child));
        for child in implied.collect::<Vec<_>>() {
            self.probabilities[length][child] =
                backoff * self.probabilities[length - 1][self.trie.suffix(length + 1, child)];
        }
        let (own, shorter) = (&self.probabilities[length][children.clone()], &self.probabilities[length - 1]);
        let stored = sum_by(own.len(), |i| own[i]);
        let taken = sum_by(own.len(), |i| shorter[self.trie.suffix(length + 1, children.start + i)]);
        // What is left of one loses its digits where little is.
        let rest = if taken <= 0.75 { 1.0 - taken } else { self.rest_after(length, context, shorter_rests) };
        let sum = stored + backoff * rest;
        self.check_sum(length, context, sum)?;
        self.probabilities[length][children].iter_mut().for_each(|p| *p /= sum);
        self.backoffs[length - 1][context] = backoff / sum;
        Ok(rest)
    }

    /// The mass, after the suffix of a context, of the tokens that the context
    /// has no n-gram for: added up, given what the suffix backs off with.
    fn rest_after(&self, length: usize, context: usize, shorter_rests: &[f64]) -> f64 {
        let suffix = self.trie.suffix(length, context);
        let siblings = if length == 1 { 0..self.trie.len(1) } else { self.trie.children(length - 1, suffix) };
        let mut members =
            self.trie.children(length, context).map(|child| self.trie.suffix(length + 1, child));
        let mut member = members.next();
        let mut others = Vec::new();
        for sibling in siblings {
            if member == Some(sibling) {
                member = members.next();
            } else {
                others.push(self.probabilities[length - 1][sibling]);
            }
        }
        let rest = sum_by(others.len(), |i| others[i]);
        let carried =
            if length == 1 { 0.0 } else { self.backoffs[length - 2][suffix] * shorter_rests[suffix] };
        rest + carried
    }

    fn check_sum(&self, length: usize, context: usize, sum: f64) -> Result<()> {
        if sum > 0.0 && sum.is_finite() {
            return Ok(());
        }
        let context = if length == 0 { Vec::new() } else { self.trie.ngram(length, context) };
        Err(Error::ContextSum { context, sum, tolerance: 1.0 })
    }

    /// The length of the longest suffix that belongs to the model itself.
    fn explicit_length(&self, mut length: usize, mut number: usize) -> usize {
        while length > 1 && !self.is_explicit(length, number) {
            number = self.trie.suffix(length, number);
            length -= 1;
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use crate::ngram::test_models::{Shape, law};

    #[test]
    fn a_rounded_model_is_normalised_where_little_is_left_too() {
        let shape = Shape {
            vocabulary_size: 12,
            order: 4,
            density: 0.9,
            decades: 9.0,
            interpolated: false,
            silent_start: false,
        };
        let mut model = shape.model(3);
        for length in 1..=4 {
            model.probabilities_mut(length).iter_mut().for_each(|p| *p = f64::from(*p as f32));
        }
        for length in 1..4 {
            model.backoffs_mut(length).iter_mut().for_each(|b| *b = f64::from(*b as f32));
        }
        let model = model.normalized().unwrap();
        for length in 0..4 {
            let contexts = if length == 0 { 1 } else { model.trie().len(length) };
            for context in 0..contexts {
                let sum: f64 = law(&model, length, context).iter().sum();
                assert!((sum - 1.0).abs() < 1e-14, "{sum} after context {context} of {length} tokens");
            }
        }
    }
}
