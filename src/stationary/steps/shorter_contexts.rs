//! Corrections by shorter contexts.

use super::coarse::{Aggregation, Weighted, divide, factors, potential};
use super::context_level::ContextLevel;
use crate::chain::MarkovChain;
use crate::operator::TransitionOperator;
use crate::prob::Law;
use crate::stationary::gth::eliminated;

/// Elimination of `n` contexts, about `n^3` steps, is cheap beside a product up to so many steps a
/// state, which a sparse product costs, or one to so many entries, which a dense one does.
const STEPS_A_STATE: usize = 4;
const ENTRIES_A_STEP: usize = 16;

/// Elimination of more steps an entry, which takes some products, is not worth it.
const MOST_STEPS_AN_ENTRY: usize = 8;

/// Levels that hold more windows an entry than this together take longer than a product.
const WINDOWS_AN_ENTRY: usize = 2;

/// Aggregation and disaggregation over shorter and shorter contexts.
///
/// In a stationary law over windows of `k` tokens, the first `k - 1` tokens
/// have the same law as the last `k - 1`, as have the first and the last of any
/// number. What is not yet stationary breaks that, and is mended on the shorter
/// contexts, of which there are fewer: read as flows from the first `k - 1`
/// tokens to the last, the law is itself the chain of the contexts of `k - 1`
/// tokens, weighted by the law (Takahashi 1975; Koury, McAllister, Stewart 1984;
/// multilevel: Horton, Leutenegger 1994). Its stationary law, to which the law's
/// first tokens are then scaled, is found in the same way, down to contexts few
/// enough for elimination.
///
/// `O(N)`, and no look at the transitions.
pub(in crate::stationary) struct ShorterContexts {
    levels: Vec<ContextLevel>,
    /// Whether the contexts of the last level are few enough for elimination.
    eliminate: bool,
    /// Whether a correction takes little beside a product, and tells more than one step of
    /// the shorter contexts would.
    pub(super) are_cheap: bool,
}

impl ShorterContexts {
    /// The shorter contexts of a chain over windows, or `None` if its states
    /// show no shorter context, or a step from a state with weight is no shift.
    pub(super) fn of<O: TransitionOperator>(chain: &MarkovChain<O>, law: &[f64]) -> Option<Self> {
        let states = chain.states();
        if !states.are_windows() || states.context_length() < 2 {
            return None;
        }
        if !chain.operator().is_evidently_shift() {
            chain.check_shifts(&Law::from_computed(law.to_vec())).ok()?;
        }
        let mut levels = match states.space() {
            Some(space) => ContextLevel::of_all(space.vocabulary_size(), space.context_length()),
            None => ContextLevel::of_some(states),
        };
        let entries = chain.operator().stored_entries();
        let few = |most: usize| {
            let is_few =
                |level: &ContextLevel| level.shorter().checked_pow(3).is_some_and(|cube| cube <= most);
            levels.iter().position(|level| level.is_of_single_steps() && is_few(level))
        };
        let cheap = few(STEPS_A_STATE * chain.len() + entries / ENTRIES_A_STEP);
        let last = cheap.or_else(|| few(MOST_STEPS_AN_ENTRY * entries));
        let windows = chain.len() + levels.iter().map(ContextLevel::shorter).sum::<usize>();
        let tells_more = cheap.is_some() || last.is_none() && levels.len() > 1;
        let are_cheap = tells_more && windows <= WINDOWS_AN_ENTRY * entries;
        levels.truncate(last.map_or(levels.len(), |last| last + 1));
        Some(Self { levels, eliminate: last.is_some(), are_cheap })
    }

    /// Scales a law so that its first tokens have the law that they would have
    /// in the long run, if what follows each context were as in the law now.
    pub(super) fn correct(&self, law: &mut [f64]) {
        self.correct_from(0, law);
    }

    fn correct_from(&self, depth: usize, law: &mut [f64]) {
        let level = &self.levels[depth];
        let now = level.first_sums(law);
        let is_last = depth + 1 == self.levels.len();
        let long_run = if is_last && self.eliminate {
            // Contexts that do not reach each other are left as they are.
            eliminated(&level.flows(law), level.shorter()).unwrap_or_else(|| now.clone())
        } else {
            let mut next = level.last_sums(law);
            if !is_last {
                self.correct_from(depth + 1, &mut next);
            }
            next
        };
        level.scale(law, &factors(now, long_run));
    }
}

impl ShorterContexts {
    /// The means of an observable given the shorter contexts of a level, and the
    /// solution for these.
    fn solve_from(&self, depth: usize, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let level = &self.levels[depth];
        let last = level.last_sums(law);
        let mut means = level.last_sums(&Weighted { law, values: observable });
        divide(&mut means, &last);
        let Some(below) = self.levels.get(depth + 1) else {
            let eliminated = || potential(&level.flows(law), &means);
            let solution = self.eliminate.then(eliminated).flatten().unwrap_or_else(|| means.clone());
            return (means, solution);
        };
        let (coarse_means, mut coarse) = self.solve_from(depth + 1, &last, &means);
        if level.is_of_single_steps() {
            // What even shorter contexts say, and one step of the chain of these.
            let mut ahead = vec![0.0; last.len()];
            below.add_by_last_tokens(&coarse, &mut ahead);
            let solution = stepped(level, law, &ahead, &means);
            return (means, solution);
        }
        // What they say beyond the observable itself, and this.
        coarse.iter_mut().zip(coarse_means).for_each(|(solution, mean)| *solution -= mean);
        let mut solution = means.clone();
        below.add_by_last_tokens(&coarse, &mut solution);
        (means, solution)
    }
}

/// To all tokens but the oldest.
impl Aggregation for ShorterContexts {
    fn solve(&self, law: &[f64], observable: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.solve_from(0, law, observable)
    }

    fn add_refined(&self, coarse: &[f64], values: &mut [f64]) {
        self.levels[0].add_by_last_tokens(coarse, values);
    }
}

/// `f + Q g` on the shorter contexts of a level, `Q` their chain with the law's weights.
fn stepped(level: &ContextLevel, law: &[f64], g: &[f64], f: &[f64]) -> Vec<f64> {
    let mut ahead = vec![0.0; law.len()];
    level.add_by_last_tokens(g, &mut ahead);
    let mut next = level.first_sums(&Weighted { law, values: &ahead });
    divide(&mut next, &level.first_sums(law));
    next.iter_mut().zip(f).for_each(|(next, f)| *next += f);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{CorpusSettings, DocumentEnd, Tokenizer};

    /// What the correction is, spelled out: the chain of the shorter contexts
    /// with the law's weights, its stationary law, and the law scaled to it.
    #[test]
    fn two_tokens_are_corrected_by_the_chain_of_one() {
        let law = [0.1, 0.2, 0.3, 0.05, 0.05, 0.1, 0.0, 0.05, 0.15];
        let contexts =
            ShorterContexts { levels: ContextLevel::of_all(3, 2), eliminate: true, are_cheap: true };
        let mut corrected = law;
        contexts.correct(&mut corrected);
        let conditional = |a: usize, b: usize| law[3 * a + b] / law[3 * a..3 * a + 3].iter().sum::<f64>();
        // Corrected, it is stationary for the chain of one token ...
        for token in 0..3 {
            let first: f64 = corrected[3 * token..3 * token + 3].iter().sum();
            let last: f64 = (0..3).map(|a| corrected[3 * a + token]).sum();
            assert!((first - last).abs() < 1e-15);
            // ... and what follows a context is as it was.
            for next in 0..3 {
                assert!((corrected[3 * token + next] / first - conditional(token, next)).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn windows_of_a_text_are_corrected_as_all_windows_are() {
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
        let corpus = settings.read_strings(["abcabdacbbacdabcacbdbadc"]).unwrap();
        let chain = MarkovChain::observed(&corpus, 3).unwrap();
        let weights: Vec<f64> = (0..chain.len()).map(|state| 1.0 + (state * 7 % 5) as f64).collect();
        let by = |levels| ShorterContexts { levels, eliminate: false, are_cheap: true };
        let mut of_some = weights.clone();
        by(ContextLevel::of_some(chain.states())).correct(&mut of_some);
        let mut of_all = vec![0.0; 64];
        let key = |state: usize| chain.states().key(state) as usize;
        for (state, weight) in weights.iter().enumerate() {
            of_all[key(state)] = *weight;
        }
        by(ContextLevel::of_all(4, 3)).correct(&mut of_all);
        for (state, found) in of_some.iter().enumerate() {
            assert!((found - of_all[key(state)]).abs() < 1e-14);
        }
    }

    /// Windows of eight bits, all of which a text shows, in a chain of one bit: the levels skip
    /// from eight to six. Its law is left as it is, and what a bit tells of all that follows is
    /// what the chain of one bit tells.
    #[test]
    fn levels_that_are_skipped_lose_nothing_that_one_token_tells() {
        let mut random = 1u64;
        let letter = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if random >> 63 == 0 { 'a' } else { 'b' }
        };
        let text: String = (0..20_000).map(letter).collect();
        let settings = CorpusSettings::new(Tokenizer::characters()).document_end(DocumentEnd::Circular);
        let corpus = settings.read_strings([text]).unwrap();
        let chain = MarkovChain::observed(&corpus, 8).unwrap();
        assert_eq!(chain.len(), 256);
        let levels = ContextLevel::of_some(chain.states());
        assert_eq!(levels.iter().map(ContextLevel::shorter).collect::<Vec<_>>(), [64, 32, 16, 8, 4, 2]);
        let contexts = ShorterContexts { levels, eliminate: true, are_cheap: true };

        // From 0 to 1 with 0.3, from 1 to 0 with 0.1.
        let (step, long_run) = ([[0.7, 0.3], [0.1, 0.9]], [0.25, 0.75]);
        let bit = |state: usize, place: usize| chain.states().tokens(state)[place] as usize;
        let law: Vec<f64> = (0..256)
            .map(|state| {
                let steps = (1..8).map(|place| step[bit(state, place - 1)][bit(state, place)]);
                long_run[bit(state, 0)] * steps.product::<f64>()
            })
            .collect();
        // A law is 8 factors, a level's sums of at most 4 terms and quotients; six levels of them
        // above two contexts: under 256 roundings, each of one unit, in all.
        let unit = 256.0 * f64::EPSILON;
        let mut corrected = law.clone();
        contexts.correct(&mut corrected);
        for (after, before) in corrected.iter().zip(&law) {
            assert!((after - before).abs() <= unit * before);
        }

        // g(0) - g(1) = f(0) - f(1) + (0.7 - 0.1) (g(0) - g(1)), of mean zero.
        let observable: Vec<f64> = (0..256).map(|state| [0.75, -0.25][bit(state, 7)]).collect();
        let mut solution = observable.clone();
        contexts.add_beyond(&law, &observable, &mut solution);
        for (state, g) in solution.iter().enumerate() {
            let exact = [0.75, -0.25][bit(state, 7)] / 0.4;
            assert!((g - exact).abs() <= unit * 2.0, "{g} for {exact}");
        }
    }
}
