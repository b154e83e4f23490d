//! How long a chain stays on the track of a prompt.

use std::fmt;

use super::meeting::{Continuations, MeanTime, MeetingTime};
use crate::drift::sojourn::half_life;
use crate::passage::Interval;

/// Four answers to "how long does it stay on the same track?" after one prompt.
///
/// They disagree, for they ask for different things:
///
/// - **The coupling** asks when *two texts* are the same again, with all their
///   tokens in the window: an agreement in most tokens is none. The probability that a
///   coupled stationary text has not been met is never below the distance at the
///   same step (the coupling inequality), and often far above it, for the best coupling of tokens
///   need not be the best of texts.
/// - **The information** counts in bits what the prompt still tells of the state. It may be
///   large while the distance is moderate, when the prompt rules out rare states, and one
///   bit may be left long after the topic is gone.
/// - **The sojourn** ends when the topic is *first* left, though it may be come back to at once, and
///   says nothing of what goes on inside it. A chain that has mixed stays in a frequent topic still.
/// - **The distance** to the stationary law is the strictest of the forecasts: what
///   remains of it, some event tells. It cannot be told in which respect.
///
/// Before the prompt has left the window (K steps), the first, second and last see the prompt
/// itself, not its influence.
#[derive(Debug, Clone, PartialEq)]
pub struct OnTrack {
    /// The label of the state after the prompt.
    pub prompt: String,
    /// The name of its topic.
    pub topic: String,
    /// When the continuation of the prompt is in the same state as a stationary text that is
    /// coupled with it.
    pub with_stationary: MeetingTime,
    /// Two continuations of the prompt: when they part, and when they meet again. `None` if
    /// they never part within the steps followed.
    pub continuations: Option<Continuations>,
    /// `information[t]`: the bits that the prompt tells of the state `t` steps
    /// later, `KL(law after the prompt | law after any prompt)`; the mean of it over the law of prompts
    /// is their mutual information. It never grows, up to rounding. Infinite while
    /// the law after any prompt cannot be where this one leads.
    pub information: Vec<f64>,
    /// `topic_survival[t]`: the probability of never having left the topic until step `t`.
    pub topic_survival: Vec<f64>,
    /// Mean number of steps until the topic is left, between proven bounds; infinite if it
    /// may never be.
    pub time_to_leave: Interval,
    /// `distance[t]`: the total variation distance of the law after `t` steps from the
    /// stationary law.
    pub distance: Vec<f64>,
}

impl OnTrack {
    /// The first step at which the prompt tells no more than so many bits, if that was
    /// followed so far.
    pub fn information_at_most(&self, bits: f64) -> Option<usize> {
        self.information.iter().position(|&left| left <= bits)
    }

    /// The first step at which the prompt tells no more than a share of what it told at
    /// first; `None` if that was infinite.
    pub fn information_share_at_most(&self, share: f64) -> Option<usize> {
        let first = self.information[0];
        if first.is_finite() { self.information_at_most(share * first) } else { None }
    }

    /// The first step that at most half of the texts reach without having left the topic.
    pub fn topic_half_life(&self) -> Option<usize> {
        half_life(&self.topic_survival)
    }

    /// The first step at which the distance is at most this.
    pub fn distance_at_most(&self, distance: f64) -> Option<usize> {
        self.distance.iter().position(|&left| left <= distance)
    }

    /// The last step that was followed.
    pub fn steps(&self) -> usize {
        self.distance.len() - 1
    }
}

/// A table of the times, in steps.
impl fmt::Display for OnTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beyond = format!("> {}", self.steps());
        let first = |step: Option<usize>| step.map_or(beyond.clone(), |step| step.to_string());
        let mut line = |what: &str, half: String, mean: String| writeln!(f, "{what:<58}{half:>9}{mean:>20}");
        let name = format!("after {:?}, in steps", self.prompt);
        line(&name, "by half".into(), "mean".into())?;
        match &self.continuations {
            None => line("two continuations never part", String::new(), String::new())?,
            Some(pair) => {
                let together = format!("{:.2}", pair.mean_time_together());
                line("two continuations are the same for", first(half_life(&pair.together)), together)?;
                let meeting = &pair.meeting;
                line(
                    "  and once parted, coupled, again after",
                    first(meeting.half_life()),
                    mean(&meeting.mean),
                )?;
            }
        }
        let meeting = &self.with_stationary;
        line(
            "it coincides with a coupled stationary text after",
            first(meeting.half_life()),
            mean(&meeting.mean),
        )?;
        line("the prompt tells at most 1 bit after", first(self.information_at_most(1.0)), String::new())?;
        let share = first(self.information_share_at_most(0.05));
        line("  and at most 5 % of what it told at first after", share, String::new())?;
        let leave = MeanTime::Bounds(self.time_to_leave);
        line(
            &format!("the topic {:?} is left after", self.topic),
            first(self.topic_half_life()),
            mean(&leave),
        )?;
        let mixed = first(self.distance_at_most(0.25));
        let what = "the law is within 1/4 of the stationary one after";
        write!(f, "{what:<58}{mixed:>9}")
    }
}

fn mean(time: &MeanTime) -> String {
    match time {
        MeanTime::Bounds(bounds) => format!("{:.2}", bounds.midpoint()),
        MeanTime::Sampled { mean, standard_error } => format!("{mean:.2} ± {standard_error:.2}"),
        MeanTime::AtLeast(mean) => format!("> {mean:.1}"),
    }
}
