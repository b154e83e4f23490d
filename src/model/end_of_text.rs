//! Models under a rule for what follows an end-of-text token.

use super::LanguageModel;
use super::language_model::check_request;
use crate::error::{Error, Result};
use crate::text::{EndRule, Token, Vocab};

/// A model under a rule for its end-of-text token.
///
/// The chain of its contexts is still a shift register: the end token enters
/// the context as any token does. Under [`EndRule::Reset`] the law after a
/// context is the model's law after the last K tokens of the start context
/// followed by the tokens after the last end token; under
/// [`EndRule::Absorbing`] a context whose newest token is the end token is
/// followed by the end token. Contexts with an end token further back are
/// then never reached, and keep the model's law.
///
/// # Example
///
/// ```
/// use lmchain::model::{EndOfText, EndRule, LanguageModel, TableModel};
///
/// // Token 1 ends the text.
/// let model = TableModel::from_rows(1, &[[0.75, 0.25], [0.5, 0.5]])?;
/// let mut law = [0.0; 2];
/// EndOfText::new(&model, 1, EndRule::Reset { start: vec![0] })?.next_token_law(&[1], &mut law)?;
/// assert_eq!(law, [0.75, 0.25]);
/// EndOfText::new(&model, 1, EndRule::Absorbing)?.next_token_law(&[1], &mut law)?;
/// assert_eq!(law, [0.0, 1.0]);
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EndOfText<M> {
    model: M,
    end: Token,
    rule: EndRule,
}

impl<M: LanguageModel> EndOfText<M> {
    /// The model under a rule for the token `end`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenOutOfRange`] for the end token or a start token,
    /// [`Error::LengthMismatch`] if the start context does not have K tokens.
    pub fn new(model: M, end: Token, rule: EndRule) -> Result<Self> {
        let vocabulary_size = model.vocabulary_size();
        let start: &[Token] = match &rule {
            EndRule::Reset { start } if start.len() != model.context_length() => {
                return Err(Error::LengthMismatch { expected: model.context_length(), found: start.len() });
            }
            EndRule::Reset { start } => start,
            EndRule::Token | EndRule::Absorbing => &[],
        };
        let outside = start.iter().chain([&end]).find(|token| **token as usize >= vocabulary_size);
        if let Some(&token) = outside {
            return Err(Error::TokenOutOfRange { token, vocabulary_size });
        }
        Ok(Self { model, end, rule })
    }

    /// The model without the rule.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The end-of-text token.
    pub fn end(&self) -> Token {
        self.end
    }

    /// The rule.
    pub fn rule(&self) -> &EndRule {
        &self.rule
    }

    /// Whether the text has ended for ever.
    fn has_ended(&self, context: &[Token]) -> bool {
        self.rule == EndRule::Absorbing && context.last() == Some(&self.end)
    }

    /// Forgets what came before the last end token, if that is the rule.
    fn forget(&self, context: &mut [Token]) {
        if let EndRule::Reset { start } = &self.rule
            && let Some(last) = context.iter().rposition(|token| *token == self.end)
        {
            // The tokens after the end stay in place; before them come the last of the start.
            context[..=last].copy_from_slice(&start[start.len() - 1 - last..]);
        }
    }
}

impl<M: LanguageModel> LanguageModel for EndOfText<M> {
    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn context_length(&self) -> usize {
        self.model.context_length()
    }

    fn next_token_law(&self, context: &[Token], law: &mut [f64]) -> Result<()> {
        check_request(self, context, Some(law))?;
        if self.has_ended(context) {
            law.fill(0.0);
            law[self.end as usize] = 1.0;
            return Ok(());
        }
        let mut context = context.to_vec();
        self.forget(&mut context);
        self.model.next_token_law(&context, law)
    }

    fn next_token_laws(&self, contexts: &[Token], laws: &mut [f64]) -> Result<()> {
        let (k, v) = (self.context_length(), self.vocabulary_size());
        let mut open = Vec::with_capacity(contexts.len());
        for context in contexts.chunks_exact(k).filter(|context| !self.has_ended(context)) {
            let from = open.len();
            open.extend_from_slice(context);
            self.forget(&mut open[from..]);
        }
        // The model sees only the contexts that go on; their laws are then spread out from the back.
        let mut taken = open.len() / k;
        if taken > 0 {
            self.model.next_token_laws(&open, &mut laws[..taken * v])?;
        }
        for (row, context) in contexts.chunks_exact(k).enumerate().rev() {
            if self.has_ended(context) {
                laws[row * v..][..v].fill(0.0);
                laws[row * v + self.end as usize] = 1.0;
            } else {
                taken -= 1;
                laws.copy_within(taken * v..(taken + 1) * v, row * v);
            }
        }
        Ok(())
    }

    fn probability(&self, context: &[Token], token: Token) -> Result<f64> {
        check_request(self, context, None)?;
        if self.has_ended(context) && (token as usize) < self.vocabulary_size() {
            return Ok(if token == self.end { 1.0 } else { 0.0 });
        }
        let mut context = context.to_vec();
        self.forget(&mut context);
        self.model.probability(&context, token)
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
    use crate::text::ContextSpace;

    const V: usize = 3;
    const K: usize = 3;
    const END: Token = 2;

    /// A model whose laws tell its contexts apart.
    fn model() -> TableModel {
        let weights = (0..V.pow(K as u32 + 1)).map(|i| 1.0 + (i * i % 97) as f64).collect();
        TableModel::normalized(V, K, weights).unwrap()
    }

    fn law(model: &impl LanguageModel, context: &[Token]) -> Vec<f64> {
        let mut law = vec![f64::NAN; V];
        model.next_token_law(context, &mut law).unwrap();
        for (token, p) in law.iter().enumerate() {
            assert_eq!(model.probability(context, token as Token).unwrap(), *p);
        }
        law
    }

    #[test]
    fn a_reset_forgets_what_came_before_the_last_end() {
        let start = vec![0, 1, 0];
        let reset = EndOfText::new(model(), END, EndRule::Reset { start: start.clone() }).unwrap();
        let space = ContextSpace::new(V, K).unwrap();
        for context in (0..space.len()).map(|index| space.tokens(index)) {
            let after = match context.iter().rposition(|token| *token == END) {
                Some(last) => [&start, &context[last + 1..]].concat(),
                None => context.clone(),
            };
            assert_eq!(law(&reset, &context), law(reset.model(), &after[after.len() - K..]), "{context:?}");
        }
    }

    #[test]
    fn an_absorbing_end_goes_on_for_ever() {
        let absorbing = EndOfText::new(model(), END, EndRule::Absorbing).unwrap();
        assert_eq!(law(&absorbing, &[0, 1, END]), [0.0, 0.0, 1.0]);
        assert_eq!(law(&absorbing, &[0, END, 1]), law(absorbing.model(), &[0, END, 1]));
        let ordinary = EndOfText::new(model(), END, EndRule::Token).unwrap();
        assert_eq!(law(&ordinary, &[0, 1, END]), law(ordinary.model(), &[0, 1, END]));
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        let new = |end, rule| EndOfText::new(model(), end, rule).map(|_| ());
        assert!(matches!(new(3, EndRule::Token), Err(Error::TokenOutOfRange { token: 3, .. })));
        assert!(matches!(
            new(2, EndRule::Reset { start: vec![0, 9, 0] }),
            Err(Error::TokenOutOfRange { token: 9, .. })
        ));
        assert!(matches!(
            new(2, EndRule::Reset { start: vec![0] }),
            Err(Error::LengthMismatch { expected: 3, found: 1 })
        ));
        let absorbing = EndOfText::new(model(), END, EndRule::Absorbing).unwrap();
        assert!(matches!(absorbing.probability(&[0, 0, END], 3), Err(Error::TokenOutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn many_contexts_at_once_are_the_single_ones(
            contexts in prop::collection::vec(prop::collection::vec(0..V as Token, K), 0..9),
            rule in prop::sample::select(vec![
                EndRule::Token, EndRule::Absorbing, EndRule::Reset { start: vec![1, 1, 0] }
            ]),
        ) {
            let model = EndOfText::new(model(), END, rule).unwrap();
            let mut laws = vec![f64::NAN; contexts.len() * V];
            model.next_token_laws(&contexts.concat(), &mut laws).unwrap();
            let single: Vec<f64> = contexts.iter().flat_map(|context| law(&model, context)).collect();
            prop_assert_eq!(laws, single);
        }
    }
}
