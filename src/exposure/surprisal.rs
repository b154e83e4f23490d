//! Whether a text is a model's own.

use rayon::prelude::*;

use super::SurprisalMonitor;
use super::monitor::LawMoments;
use crate::error::{Error, Result};
use crate::model::LanguageModel;
use crate::prob::Law;
use crate::solve::{Observer, Silent, report};
use crate::text::Token;

/// Laws asked for in one batch, at most, and probabilities in it.
const BATCH: usize = 1 << 12;
const BATCH_ENTRIES: usize = 1 << 22;

/// Tests a text for being drawn from a model, by its [`SurprisalMonitor`], from
/// every token on: no reference is needed.
///
/// The alarm is raised at the first token at which the evidence reaches `1 / f`. On text
/// that the model wrote that happens, ever, with probability at most `f`, by Ville's
/// inequality. Other text that surprises the model just as much as its own does is
/// not told from it.
///
/// # Example
///
/// ```
/// use lmchain::exposure::SurprisalTest;
/// use lmchain::model::TableModel;
///
/// let model = TableModel::from_rows(1, &[[0.5, 0.5], [0.5, 0.5]])?;
/// let coin = TableModel::from_rows(1, &[[0.9, 0.1], [0.9, 0.1]])?;
/// let ones = vec![1; 100];
/// // To a fair coin no token is a surprise; to a biased one a hundred 1s are.
/// assert_eq!(SurprisalTest::new().measure(&model, &ones)?.alarm(), None);
/// assert!(SurprisalTest::new().measure(&coin, &ones)?.alarm().is_some());
/// # Ok::<(), lmchain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurprisalTest {
    false_alarms: f64,
}

impl Default for SurprisalTest {
    fn default() -> Self {
        Self::new()
    }
}

/// Surprisal less entropy along a text.
#[derive(Debug, Clone, PartialEq)]
pub struct SurprisalPath {
    deviation: Vec<f64>,
    variance: Vec<f64>,
    z: Vec<f64>,
    evidence: Vec<f64>,
    threshold: f64,
    alarm: Option<usize>,
}

impl SurprisalTest {
    /// At most one false alarm in a hundred texts.
    pub fn new() -> Self {
        Self { false_alarms: 0.01 }
    }

    /// The largest probability `f` of ever raising the alarm on the model's own text.
    pub fn false_alarms(mut self, probability: f64) -> Self {
        self.false_alarms = probability;
        self
    }

    /// Reads a text that is cut at both ends; the first K tokens are only context.
    /// One law of the model a token.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`] for false alarms outside (0, 1);
    /// [`Error::TextTooShort`]; [`Error::TokenOutOfRange`]; as [`Law::new`] for what is
    /// no law; and as [`LanguageModel::next_token_laws`].
    pub fn measure<M: LanguageModel + ?Sized>(&self, model: &M, tokens: &[Token]) -> Result<SurprisalPath> {
        self.measure_watched(model, tokens, &mut Silent)
    }

    /// As [`measure`](Self::measure), watched: progress is counted in tokens.
    ///
    /// # Errors
    ///
    /// As `measure`, and [`Error::Cancelled`].
    pub fn measure_watched<M: LanguageModel + ?Sized>(
        &self,
        model: &M,
        tokens: &[Token],
        observer: &mut dyn Observer,
    ) -> Result<SurprisalPath> {
        if !(self.false_alarms > 0.0 && self.false_alarms < 1.0) {
            let (value, requirement) = (self.false_alarms, "between 0 and 1");
            return Err(Error::InvalidSetting { name: "false_alarms", value, requirement });
        }
        let (v, k) = (model.vocabulary_size(), model.context_length());
        if tokens.len() <= k {
            return Err(Error::TextTooShort { needed: k + 1 });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= v) {
            return Err(Error::TokenOutOfRange { token, vocabulary_size: v });
        }
        let mut path = SurprisalPath::new(-self.false_alarms.log2(), tokens.len() - k);
        let mut monitor = SurprisalMonitor::new();
        let windows: Vec<&[Token]> = tokens.windows(k + 1).collect();
        for batch in windows.chunks(BATCH.min(BATCH_ENTRIES / v).max(1)) {
            for (moments, probability) in read(model, batch)? {
                monitor.add(&moments, probability);
                path.push(&monitor);
            }
            report(observer, "reading the text", monitor.tokens() as u64, Some(windows.len() as u64))?;
        }
        Ok(path)
    }
}

/// What the model says of the last token of each window.
fn read<M: LanguageModel + ?Sized>(model: &M, windows: &[&[Token]]) -> Result<Vec<(LawMoments, f64)>> {
    let (v, k) = (model.vocabulary_size(), model.context_length());
    let contexts: Vec<Token> = windows.iter().flat_map(|window| window[..k].iter().copied()).collect();
    let mut laws = vec![0.0; windows.len() * v];
    model.next_token_laws(&contexts, &mut laws)?;
    let moments = laws.par_chunks_exact(v).zip(windows).map(|(law, window)| {
        Law::check(law)?;
        Ok((LawMoments::of(law), law[window[k] as usize]))
    });
    moments.collect::<Vec<Result<_>>>().into_iter().collect()
}

impl SurprisalPath {
    fn new(threshold: f64, tokens: usize) -> Self {
        let room = || Vec::with_capacity(tokens);
        Self { deviation: room(), variance: room(), z: room(), evidence: room(), threshold, alarm: None }
    }

    fn push(&mut self, monitor: &SurprisalMonitor) {
        self.deviation.push(monitor.deviation());
        self.variance.push(monitor.variance());
        self.z.push(monitor.z());
        self.evidence.push(monitor.evidence());
        if self.alarm.is_none() && monitor.evidence() >= self.threshold {
            self.alarm = Some(monitor.tokens());
        }
    }

    /// Sum of surprisal less entropy after each token, in bits.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// Sum of the variances after each token, in bits squared.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// The deviation in standard deviations after each token; about standard normal
    /// late in a text of the model's own.
    pub fn z(&self) -> &[f64] {
        &self.z
    }

    /// The evidence after each token that the text is not the model's own, in bits.
    pub fn evidence(&self) -> &[f64] {
        &self.evidence
    }

    /// The evidence at which the alarm is raised, in bits: `-log2` of the false alarms.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// How many tokens had been read when the alarm was raised.
    pub fn alarm(&self) -> Option<usize> {
        self.alarm
    }
}
