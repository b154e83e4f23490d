//! How long a chain stays on the track of a prompt.

use std::fmt;

use super::continuations::Continuations;
use super::mean_time::MeanTime;
use super::meeting::MeetingTime;
use crate::drift::sojourn::half_life;

/// Four answers to "how long does it stay on the same track?" after one prompt.
///
/// They disagree, for they ask for different things:
///
/// - **The coupling** asks when *two texts* are the same again, with all the tokens in
///   the window: agreement in most of them is none. The probability that a coupled
///   stationary text has not been met is never below the distance at the same step (the
///   coupling inequality), and often far above it: the best coupling token by token is not
///   the best coupling of whole texts.
/// - **The information** counts in bits what the prompt still tells of the state. It weighs
///   by how rare things are: a prompt that rules out most of the states tells many bits
///   at first, and may tell one bit long after its topic is gone.
/// - **The sojourn** ends when the topic is left for the first time, though it may be come
///   back to at once. It says nothing of what goes on inside the topic: a chain that has
///   forgotten its prompt is still to be found in a frequent topic, and often stays there.
/// - **The distance** is the largest difference that the prompt makes to the probability
///   of any event at all, whatever it is about. It does not say which event that is.
///
/// Until the prompt has left the window, after K steps, all but the sojourn see the
/// prompt itself and not its influence.
#[derive(Debug, Clone, PartialEq)]
pub struct OnTrack {
    /// The label of the state after the prompt.
    pub prompt: String,
    /// The name of its topic.
    pub topic: String,
    /// When the continuation of the prompt is in the same state as a stationary text that is
    /// coupled with it.
    pub with_stationary: MeetingTime,
    /// Two continuations of the prompt: when they part, and when they meet again.
    pub continuations: Continuations,
    /// `information[t]`: the bits that the prompt tells of the state `t` steps
    /// later, `KL(law after the prompt | law after any prompt)`; the mean of it over the law of prompts
    /// is their mutual information. It never grows, up to rounding. Infinite while
    /// the law after any prompt cannot be where this one leads.
    pub information: Vec<f64>,
    /// `topic_survival[t]`: the probability of never having left the topic until step `t`.
    pub topic_survival: Vec<f64>,
    /// Mean number of steps until the topic is left, between bounds; infinite if it may never be.
    pub time_to_leave: MeanTime,
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

/// A table, its lines named by the answers: of every time, in steps, that by which half of the texts are through or the
/// level named is reached, and the mean where there is one.
impl fmt::Display for OnTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<62}{:>8}{:>18}", format!("after {:?}, in steps", self.prompt), "step", "mean")?;
        for Row { answer, what, step, mean } in self.rows() {
            let step = step.map_or_else(|| format!("> {}", self.steps()), |step| step.to_string());
            write!(f, "\n{answer:<13}{what:<49}{step:>8}")?;
            mean.map_or(Ok(()), |mean| write!(f, "{mean:>18}"))?;
        }
        Ok(())
    }
}

/// A line of the table.
struct Row<'a> {
    answer: &'static str,
    what: String,
    step: Option<usize>,
    mean: Option<&'a MeanTime>,
}

impl OnTrack {
    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        let mut row = |answer, what: &str, step, mean| {
            rows.push(Row { answer, what: what.to_owned(), step, mean });
        };
        let Continuations { together, time_to_part, meeting } = &self.continuations;
        row("coupling", "two continuations part (half of them)", half_life(together), Some(time_to_part));
        if let Some(meeting) = meeting {
            let what = "once parted, and coupled, they meet (half)";
            row("coupling", what, meeting.half_life(), Some(&meeting.mean));
        }
        let meeting = &self.with_stationary;
        let what = "it meets a coupled stationary text (half)";
        row("coupling", what, meeting.half_life(), Some(&meeting.mean));
        row("information", "the prompt tells at most 1 bit", self.information_at_most(1.0), None);
        let what = "the prompt tells at most 5 % of what it told";
        row("information", what, self.information_share_at_most(0.05), None);
        let left = format!("the topic {:?} is left (half)", self.topic);
        row("sojourn", &left, self.topic_half_life(), Some(&self.time_to_leave));
        let what = "the law is within 1/4 of the stationary one";
        row("distance", what, self.distance_at_most(0.25), None);
        rows
    }
}
