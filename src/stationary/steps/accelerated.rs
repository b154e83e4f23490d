//! Plain steps as long as they are fast enough, and more where they are not.

use std::io;
use std::ops::RangeInclusive;

use super::anderson::Anderson;
use super::likely_paths::{DAMPED, LikelyPaths};
use super::metastable_sets::MetastableSets;
use super::plain::Plain;
use super::shorter_contexts::ShorterContexts;
use super::{Means, Start, Step};
use crate::chain::MarkovChain;
use crate::operator::{TransitionOperator, map_in_place};
use crate::prob::sum_by;
use crate::stationary::laws::normalize;
use crate::stationary::tape::{Tape, impossible};

/// Products that are worth a change of gear: to find the likely steps and their
/// order costs a few, each product more after it up to one.
const WORTHWHILE: f64 = 24.0;

/// What looking for metastable sets costs, in products, about: they are looked for where
/// four times as many are left, or extrapolation has taken as many without them.
const COST_OF_SETS: usize = 40;

/// Products over which the speed is measured: one may be the start's alone, and
/// what a slow chain takes more before it is told as one is lost.
const MEASURED: usize = 2;

/// Steps that extrapolation looks back on.
pub(in crate::stationary) const DEPTH: usize = 8;

/// The least share of what a step gives that extrapolation may leave of a state.
const LEAST_SHARE: f64 = 0.1;

/// Products without half the residual after which less is tried.
const PATIENCE: usize = 60;

/// The same for likely paths alone, after which there are but plain steps, slower still.
const LAST_PATIENCE: usize = 10 * PATIENCE;

/// The share of its probability that a likely step is taken with in a periodic chain.
const HELD: f64 = 15.0 / 16.0;

/// Sums that sweeps, which do not keep them, may bring a law to before it is divided by its own.
const SUMS_KEPT: RangeInclusive<f64> = 0.5..=2.0;

/// Steps in gears: plain, or by sweeps; corrected by shorter contexts, if states show any and that
/// costs little; along likely paths too; by metastable sets too, if there are any; the same
/// extrapolated, then uncorrected where the correction oscillates; then likely paths alone, which
/// come to an end on every chain but for rounding, if slowly; and plain to the end, if nothing helps.
pub(in crate::stationary) struct Accelerated<'a, O> {
    chain: &'a MarkovChain<O>,
    plain: Plain,
    /// Whether sweeps take the place of plain steps: in one aperiodic class, whose
    /// law is the whole law.
    may_sweep: bool,
    gear: Gear,
    paths: Option<LikelyPaths>,
    contexts: Option<ShorterContexts>,
    sets: Option<MetastableSets>,
    /// Whether contexts, and sets, were looked for.
    sought_contexts: bool,
    sought_sets: bool,
    extrapolation: Anderson,
    /// Residuals in this gear.
    residuals: Vec<f64>,
    /// The last residual that was half of such a one before, and products since.
    least: f64,
    since: usize,
    /// Whether what is left to find may be lost in the rounding of the residual.
    shadowed: bool,
    /// How far the last step moved the law, if shadowed; else zero.
    moved: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gear {
    Plain,
    PlainCorrected,
    Corrected,
    CorrectedBySets,
    CorrectedExtrapolated,
    PathsExtrapolated,
    Paths,
    GivenUp,
}

impl Gear {
    const ALL: [Self; 8] = [
        Self::Plain,
        Self::PlainCorrected,
        Self::Corrected,
        Self::CorrectedBySets,
        Self::CorrectedExtrapolated,
        Self::PathsExtrapolated,
        Self::Paths,
        Self::GivenUp,
    ];

    /// Whether there is nothing along likely paths yet.
    fn is_first(self) -> bool {
        matches!(self, Self::Plain | Self::PlainCorrected)
    }

    fn corrects(self) -> bool {
        matches!(
            self,
            Self::PlainCorrected | Self::Corrected | Self::CorrectedBySets | Self::CorrectedExtrapolated
        )
    }

    fn extrapolates(self) -> bool {
        matches!(self, Self::CorrectedExtrapolated | Self::PathsExtrapolated)
    }

    fn damps(self) -> bool {
        self == Self::Paths
    }
}

impl<'a, O: TransitionOperator> Accelerated<'a, O> {
    /// Starts with plain steps, or `at_once` with accelerated ones.
    pub(in crate::stationary) fn new(chain: &'a MarkovChain<O>, at_once: bool) -> Self {
        let classes = chain.classes();
        let lazy = !classes.is_aperiodic();
        let mut steps = Self {
            chain,
            plain: Plain { lazy },
            may_sweep: !lazy && classes.recurrent_count() == 1,
            gear: Gear::Plain,
            paths: None,
            contexts: None,
            sets: None,
            sought_contexts: false,
            sought_sets: false,
            extrapolation: Anderson::new(DEPTH),
            residuals: Vec::new(),
            least: f64::INFINITY,
            since: 0,
            shadowed: false,
            moved: 0.0,
        };
        if at_once {
            steps.leave_plain_steps();
        }
        steps
    }

    /// A sweep, after a plain step where the product is there already and after a correction
    /// where there is one; these alone, if the operator has no sweeps.
    fn sweep(&mut self, law: &mut Vec<f64>, next: &mut Vec<f64>, start: &Start<'_>) -> Option<f64> {
        if start.is_pushed {
            std::mem::swap(law, next);
        }
        if self.gear.corrects() {
            self.correct(law);
        }
        let swept = start.operator.sweep_forward(law, next)?;
        std::mem::swap(law, next);
        if !SUMS_KEPT.contains(&swept.sum) {
            normalize(self.chain.classes(), law);
        }
        Some(swept.change / swept.sum)
    }

    /// Changes to a gear, or to the next where this one has nothing to go by.
    fn change_gear(&mut self, gear: Gear, law: &[f64]) {
        match gear {
            Gear::Corrected => self.leave_plain_steps(),
            Gear::CorrectedBySets if !self.find_sets(law) => self.gear = Gear::CorrectedExtrapolated,
            Gear::PathsExtrapolated => (self.gear, self.sets) = (gear, None),
            gear => self.gear = gear,
        }
    }

    fn leave_plain_steps(&mut self) {
        self.find_paths();
        self.gear = Gear::Corrected;
    }

    fn find_paths(&mut self) {
        if self.paths.is_none() {
            let held = if self.plain.lazy { HELD } else { 1.0 };
            let paths = LikelyPaths::new(self.chain.operator(), held);
            if paths.outweigh_the_rest() {
                self.watch_moves();
            }
            self.paths = Some(paths);
        }
    }

    fn find_contexts(&mut self, law: &[f64]) {
        if !self.sought_contexts && self.chain.classes().recurrent_count() == 1 {
            self.contexts = ShorterContexts::of(self.chain, law);
        }
        self.sought_contexts = true;
    }

    /// Whether plain steps may be corrected by shorter contexts, which costs little beside them.
    fn may_correct_plain_steps(&mut self, law: &[f64]) -> bool {
        self.may_sweep && {
            self.find_contexts(law);
            self.contexts.as_ref().is_some_and(|contexts| contexts.are_cheap)
        }
    }

    /// Whether numbers alone show the shorter contexts.
    fn shows_contexts(&self) -> bool {
        self.chain.states().space().is_some() && self.chain.operator().is_evidently_shift()
    }

    /// Looks for sets; whether there are any.
    fn find_sets(&mut self, law: &[f64]) -> bool {
        self.sought_sets = true;
        if self.chain.classes().recurrent_count() == 1 {
            self.sets = MetastableSets::find(self.chain.operator(), law, self.plain.lazy);
        }
        self.sets.is_some()
    }

    /// From now on a law has not settled before a step leaves it where it is.
    fn watch_moves(&mut self) {
        (self.shadowed, self.moved) = (true, f64::INFINITY);
    }

    /// Shifts where what is left would take too long at the speed measured.
    /// Extrapolation has no steady speed: it is given patience instead.
    fn shift_gear(&mut self, law: &[f64], residual: f64, tolerance: f64) {
        if self.gear == Gear::Plain && self.shows_contexts() && self.may_correct_plain_steps(law) {
            self.gear = Gear::PlainCorrected;
        }
        self.residuals.push(residual);
        if residual <= 0.5 * self.least {
            (self.least, self.since) = (residual, 0);
        } else {
            self.since += 1;
        }
        let left = products_left(&self.residuals, tolerance).unwrap_or(0.0);
        let before = self.gear;
        let next = match before {
            Gear::Plain if left > WORTHWHILE && self.may_correct_plain_steps(law) => Gear::PlainCorrected,
            Gear::Plain | Gear::PlainCorrected if left > WORTHWHILE => Gear::Corrected,
            Gear::Corrected if left > 4.0 * COST_OF_SETS as f64 => Gear::CorrectedBySets,
            Gear::Corrected | Gear::CorrectedBySets if left > WORTHWHILE => Gear::CorrectedExtrapolated,
            Gear::CorrectedExtrapolated if self.residuals.len() > COST_OF_SETS && !self.sought_sets => {
                Gear::CorrectedBySets
            }
            Gear::CorrectedExtrapolated if self.since > PATIENCE => Gear::PathsExtrapolated,
            Gear::PathsExtrapolated if self.since > PATIENCE => Gear::Paths,
            Gear::Paths if self.since > LAST_PATIENCE => Gear::GivenUp,
            same => same,
        };
        if next != before {
            self.change_gear(next, law);
        }
        // Extrapolation that sought sets in vain goes on as before.
        if self.gear != before {
            self.start_afresh();
        }
    }

    /// Corrects a law by all that tells the slow part of it.
    fn correct(&mut self, law: &mut [f64]) {
        self.find_contexts(law);
        if let Some(contexts) = &self.contexts {
            contexts.correct(law);
        }
        if let Some(sets) = &self.sets {
            sets.correct(law);
        }
    }
}

impl<O: TransitionOperator> Step for Accelerated<'_, O> {
    fn advance(&mut self, law: &mut Vec<f64>, next: &mut Vec<f64>, start: &Start<'_>) -> Option<f64> {
        self.shift_gear(law, start.residual.max(self.moved), start.tolerance);
        self.moved = 0.0;
        if self.gear.is_first() && self.may_sweep {
            return self.sweep(law, next, start);
        }
        if !start.is_pushed {
            start.operator.push_forward(law, next);
        }
        let Some(paths) = self.paths.as_ref().filter(|_| self.gear != Gear::GivenUp) else {
            return self.plain.advance(law, next, start);
        };
        paths.follow(self.chain.operator(), law, next);
        if self.gear.corrects() {
            self.correct(next);
        }
        normalize(self.chain.classes(), next);
        if self.gear.extrapolates() {
            let plain = next.clone();
            self.extrapolation.extrapolate(law, next);
            map_in_place(next, |state, p| p.max(LEAST_SHARE * plain[state]));
        }
        if self.shadowed {
            self.moved = sum_by(law.len(), |state| (next[state] - law[state]).abs());
        }
        if self.gear.damps() {
            map_in_place(next, |state, p| law[state] + DAMPED * (p - law[state]));
        }
        std::mem::swap(law, next);
        None
    }

    fn start_afresh(&mut self) {
        self.residuals.clear();
        self.extrapolation.forget();
        (self.least, self.since) = (f64::INFINITY, 0);
    }

    fn has_settled(&self, tolerance: f64) -> bool {
        self.moved <= tolerance
    }

    fn look_closer(&mut self) -> bool {
        let first = self.gear.is_first();
        if first {
            self.leave_plain_steps();
            self.residuals.clear();
            self.watch_moves();
        }
        first
    }

    fn keeps_sums(&self) -> bool {
        self.gear.is_first() || self.gear == Gear::GivenUp
    }

    /// The likely paths, the shorter contexts and the chances of sets are found again.
    fn persist(&mut self, law: &[f64], tape: &mut Tape<'_>) -> io::Result<()> {
        let mut gear = self.gear as usize;
        tape.count(&mut gear)?;
        self.gear = *Gear::ALL.get(gear).ok_or_else(impossible)?;
        let (mut has_paths, mut has_contexts) = (self.paths.is_some(), self.contexts.is_some());
        tape.flag(&mut has_paths)?;
        tape.flag(&mut has_contexts)?;
        if has_paths {
            self.find_paths();
        }
        if has_contexts {
            self.find_contexts(law);
        }
        tape.flag(&mut self.sought_contexts)?;
        tape.flag(&mut self.sought_sets)?;
        MetastableSets::persist(&mut self.sets, self.chain.operator(), tape)?;
        tape.flag(&mut self.shadowed)?;
        tape.float(&mut self.moved)?;
        self.extrapolation.persist(law.len(), tape)?;
        tape.list(&mut self.residuals)?;
        tape.float(&mut self.least)?;
        tape.count(&mut self.since)
    }

    fn means(&self) -> Means<'_> {
        if self.gear == Gear::GivenUp {
            return Means::default();
        }
        let corrects = self.gear.corrects();
        let (contexts, sets) = (self.contexts.as_ref(), self.sets.as_ref());
        Means {
            paths: self.paths.as_ref(),
            contexts: contexts.filter(|_| corrects),
            sets: sets.filter(|_| corrects),
            extrapolate: self.gear.extrapolates(),
            damped: self.gear.damps(),
        }
    }
}

/// Products until the tolerance, at the speed of the last few; `None` until there is a speed.
fn products_left(residuals: &[f64], tolerance: f64) -> Option<f64> {
    let now = *residuals.last()?;
    let before = residuals[residuals.len().checked_sub(MEASURED + 1)?];
    let speed = (before / now).ln() / MEASURED as f64;
    let needed = (now / tolerance).ln().max(0.0);
    Some(if speed > 0.0 { needed / speed } else { f64::INFINITY })
}
