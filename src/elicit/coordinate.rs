//! One token changed at a time, while that helps.

use rand::RngExt;
use rand::seq::{SliceRandom, index};

use super::objective::Elicitation;
use super::scorer::{Bits, Scorer};
use super::{Elicited, ScoredPrefix};
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::prob::{StreamRng, stream};
use crate::solve::{Observer, Progress, Silent, Stop};
use crate::text::Token;

/// What the search is called for an observer.
const STAGE: &str = "coordinate search";

/// Searches by changing one token at a time: the baseline.
///
/// A random prefix is swept over, place by place in random order; each place
/// takes the token that makes the objective greatest. It ends where no change of
/// a single token helps, or when its evaluations are spent, and starts again
/// from another prefix. This is greedy coordinate gradient (Zou et al. 2023) for
/// models that have no gradient to offer: candidates are all tokens, or drawn at
/// random.
///
/// Start `i` draws from stream `i` of the seed.
#[derive(Debug, Clone)]
pub struct CoordinateSearch {
    restarts: usize,
    candidates: Option<usize>,
    max_evaluations: u64,
    seed: u64,
}

/// What a coordinate search found, and how it went from every start.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Climbs {
    /// The prefixes at the ends, best first, without repetition.
    pub elicited: Elicited,
    /// One climb from each start.
    pub climbs: Vec<Climb>,
}

/// One climb of a coordinate search.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Climb {
    /// The objective of the random prefix, in bits.
    pub start: f64,
    /// The objective at the end.
    pub end: f64,
    /// Tokens changed.
    pub changes: usize,
    /// [`Stop::Converged`] where no change of a single token helps,
    /// [`Stop::MaxIterations`] where the evaluations were spent before.
    pub stop: Stop,
}

impl Default for CoordinateSearch {
    fn default() -> Self {
        Self::new()
    }
}

impl CoordinateSearch {
    /// One start, all tokens tried at every place, at most 100,000 evaluations, seed 0.
    pub fn new() -> Self {
        Self { restarts: 1, candidates: None, max_evaluations: 100_000, seed: 0 }
    }

    /// From how many random prefixes to start. The evaluations are shared equally.
    pub fn restarts(mut self, starts: usize) -> Self {
        self.restarts = starts;
        self
    }

    /// How many random tokens to try at a place, in place of all. Then no prefix
    /// is known to be the best of its neighbours: a climb ends when its
    /// evaluations are spent.
    pub fn candidates(mut self, tokens: usize) -> Self {
        self.candidates = Some(tokens);
        self
    }

    /// The most laws to ask of the model, those of the report included.
    pub fn max_evaluations(mut self, laws: u64) -> Self {
        self.max_evaluations = laws;
        self
    }

    /// The seed of the random prefixes and orders.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The prefixes where climbs ended.
    ///
    /// # Errors
    ///
    /// As [`Elicitation::score`]; [`Error::MustBePositive`] for no restarts or no
    /// candidates, [`Error::InvalidSetting`] if the evaluations are not enough
    /// to score and report one prefix a start.
    pub fn search<M: LanguageModel + ?Sized>(&self, task: &Elicitation<'_, M>) -> Result<Climbs> {
        self.search_watched(task, &mut Silent)
    }

    /// As [`search`](Self::search), watched: progress is counted in evaluations.
    /// An observer that breaks off is given what was found so far.
    ///
    /// # Errors
    ///
    /// As `search`.
    pub fn search_watched<M: LanguageModel + ?Sized>(
        &self,
        task: &Elicitation<'_, M>,
        observer: &mut dyn Observer,
    ) -> Result<Climbs> {
        let mut scorer = Scorer::new(task)?;
        let reserved = self.check(&scorer)?;
        let starts = self.restarts as u64;
        let mut climbs = Vec::new();
        let mut ends: Vec<(Vec<Token>, Bits)> = Vec::new();
        for start in 0..starts {
            let left = self.max_evaluations - reserved - scorer.evaluations();
            let limit = scorer.evaluations() + left / (starts - start);
            let mut climber = Climber { search: self, task, scorer: &mut scorer, limit, observer };
            let (climb, prefix, bits) = climber.climb(stream(self.seed, start))?;
            climbs.push(climb);
            if ends.iter().all(|(end, _)| *end != prefix) {
                ends.push((prefix, bits));
            }
            if climb.stop == Stop::Cancelled {
                break;
            }
        }
        ends.sort_by(|a, b| b.1.objective.total_cmp(&a.1.objective));
        let reports = ends.iter().map(|(prefix, bits)| scorer.report(prefix, *bits));
        let prefixes = reports.collect::<Result<Vec<ScoredPrefix>>>()?;
        let (stop, evaluations) = (worst_stop(&climbs), scorer.evaluations());
        Ok(Climbs { elicited: Elicited { prefixes, evaluations, reverse_evaluations: 0, stop }, climbs })
    }

    /// Refuses settings with which nothing can be found; else, how many
    /// evaluations to set apart for the report.
    fn check<M: LanguageModel + ?Sized>(&self, scorer: &Scorer<'_, M>) -> Result<u64> {
        if self.restarts == 0 {
            return Err(Error::MustBePositive { what: "number of restarts" });
        }
        if self.candidates == Some(0) {
            return Err(Error::MustBePositive { what: "number of candidates" });
        }
        let starts = self.restarts as u64;
        let reserved = starts.saturating_mul(scorer.report_cost());
        let first = starts.saturating_mul(scorer.cost()).saturating_add(scorer.evaluations());
        if self.max_evaluations < first.saturating_add(reserved) {
            let requirement = "enough to score and report one prefix a start";
            let value = self.max_evaluations as f64;
            return Err(Error::InvalidSetting { name: "max_evaluations", value, requirement });
        }
        Ok(reserved)
    }
}

/// Converged only if every climb did.
fn worst_stop(climbs: &[Climb]) -> Stop {
    let ended = |stop: Stop| climbs.iter().any(|climb| climb.stop == stop);
    if ended(Stop::Cancelled) {
        Stop::Cancelled
    } else if ended(Stop::MaxIterations) {
        Stop::MaxIterations
    } else {
        Stop::Converged
    }
}

/// One climb under way.
struct Climber<'a, 't, M: ?Sized> {
    search: &'a CoordinateSearch,
    task: &'a Elicitation<'t, M>,
    scorer: &'a mut Scorer<'t, M>,
    /// Evaluations after which this climb ends.
    limit: u64,
    observer: &'a mut dyn Observer,
}

impl<M: LanguageModel + ?Sized> Climber<'_, '_, M> {
    fn climb(&mut self, mut rng: StreamRng) -> Result<(Climb, Vec<Token>, Bits)> {
        let v = self.task.model.vocabulary_size();
        let mut prefix: Vec<Token> = (0..self.task.length).map(|_| rng.random_range(0..v) as Token).collect();
        let mut bits = self.scorer.bits(&prefix)?[0];
        let start = bits.objective;
        let mut places: Vec<usize> = (self.task.first_place()..self.task.length).collect();
        let mut changes = 0;
        let stop = 'climb: loop {
            let before = changes;
            places.shuffle(&mut rng);
            for &place in &places {
                let tokens = self.tokens(prefix[place], &mut rng);
                if let Some(stop) = self.pause(tokens.len()) {
                    break 'climb stop;
                }
                if let Some((token, better)) = self.improvement(&prefix, place, &tokens, bits)? {
                    (prefix[place], bits) = (token, better);
                    changes += 1;
                }
            }
            if changes == before && self.tries_all() {
                break Stop::Converged;
            }
        };
        Ok((Climb { start, end: bits.objective, changes, stop }, prefix, bits))
    }

    /// Whether every other token is tried at every place.
    fn tries_all(&self) -> bool {
        let others = self.task.model.vocabulary_size() - 1;
        self.search.candidates.is_none_or(|candidates| candidates >= others)
    }

    /// The tokens to try at a place where `current` stands, ascending.
    fn tokens(&self, current: Token, rng: &mut StreamRng) -> Vec<Token> {
        let others = self.task.model.vocabulary_size() - 1;
        // Numbers of the other tokens: those from the current one on are one more.
        let other = |number: usize| number as Token + Token::from(number >= current as usize);
        match self.search.candidates {
            Some(candidates) if candidates < others => {
                let mut drawn: Vec<Token> =
                    index::sample(rng, others, candidates).into_iter().map(other).collect();
                drawn.sort_unstable();
                drawn
            }
            _ => (0..others).map(other).collect(),
        }
    }

    /// Why not to go on, if so, with some prefixes to be scored.
    fn pause(&mut self, prefixes: usize) -> Option<Stop> {
        let done = self.scorer.evaluations();
        let total = Some(self.search.max_evaluations);
        if self.observer.observe(&Progress { stage: STAGE, done, total, residual: None }).is_break() {
            return Some(Stop::Cancelled);
        }
        (done + prefixes as u64 * self.scorer.cost() > self.limit).then_some(Stop::MaxIterations)
    }

    /// The best of the changes at a place, if it is one for the better.
    fn improvement(
        &mut self,
        prefix: &[Token],
        place: usize,
        tokens: &[Token],
        bits: Bits,
    ) -> Result<Option<(Token, Bits)>> {
        let changed = |&token: &Token| {
            let mut changed = prefix.to_vec();
            changed[place] = token;
            changed
        };
        let prefixes: Vec<Token> = tokens.iter().flat_map(changed).collect();
        let scored = self.scorer.bits(&prefixes)?;
        let best = (0..tokens.len())
            .reduce(|best, next| if scored[next].objective > scored[best].objective { next } else { best });
        Ok(best
            .filter(|&best| scored[best].objective > bits.objective)
            .map(|best| (tokens[best], scored[best])))
    }
}
