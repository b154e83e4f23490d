//! What is drawn.

use std::error::Error;
use std::path::Path;

use lmchain::drift::{OnTrack, TextDrift};

use crate::report::Drift;
use crate::subject::Subject;
use crate::support::{Axis, Labels, Plots, Series, say};

type Drawn = Result<(), Box<dyn Error>>;

pub(crate) struct Figures(Plots);

impl Figures {
    pub(crate) fn new(folder: &Path) -> std::io::Result<Self> {
        Ok(Self(Plots::new(folder)?))
    }

    /// How topics are kept to, and how long visits last.
    pub(crate) fn drift(&self, subject: &Subject, drift: &Drift) -> Drawn {
        let names = subject.topics.names();
        let kept = |laws: &[Vec<f64>], topic: usize| by_step(laws.iter().map(|law| law[topic]));
        let curves: Vec<Series> = names
            .iter()
            .enumerate()
            .map(|(topic, name)| series(name, kept(&drift.test.exact[topic], topic)))
            .collect();
        let seldom = |point: &(f64, f64)| point.0 <= 8.0 || point.0 % 8.0 == 0.0;
        let lumped = (0..names.len()).flat_map(|topic| kept(&drift.test.lumped[topic], topic));
        let lumped = lumped.filter(seldom).collect();
        let labels = Labels {
            title: "Still, or again, in the topic that it started in",
            x: "words later",
            y: "probability",
        };
        let dots = [series("as a chain of topics", lumped)];
        drawn(&self.0.curves_and_dots("topic_drift_topics", &labels, Axis::Linear, &curves, &dots)?);

        let visits: Vec<Series> = names
            .iter()
            .zip(&drift.visits)
            .map(|(name, visit)| series(name, by_step(visit.survival.iter().copied())))
            .map(|mut series| {
                series.points.truncate(drift.test.exact[0].len());
                series
            })
            .collect();
        let labels = Labels { title: "Visits to a topic that last longer", x: "words", y: "share of visits" };
        drawn(&self.0.curves("topic_drift_sojourn", &labels, Axis::Linear, &visits)?);
        Ok(())
    }

    /// Distances between windows, with the band.
    pub(crate) fn windows(&self, name: &str, title: &str, drift: &TextDrift) -> Drawn {
        let places = || drift.positions.iter().map(|&position| position as f64);
        let ends = [places().next().unwrap_or(0.0), places().next_back().unwrap_or(0.0)];
        let level = |name: &str, height: f64| series(name, ends.map(|x| (x, height)).to_vec());
        let band = &drift.band;
        let curves = [
            series("between windows", places().zip(drift.distances.iter().copied()).collect()),
            level("anywhere by chance, once in 20 texts", band.threshold),
            level("by chance, upper end", band.upper),
            level("by chance, lower end", band.lower),
        ];
        let changes = drift.changes.iter().map(|change| (change.position as f64, change.distance));
        let dots = [series("change", changes.collect())];
        let labels = Labels { title, x: "word", y: "Jensen-Shannon divergence, bits" };
        drawn(&self.0.curves_and_dots(name, &labels, Axis::Linear, &curves, &dots)?);
        Ok(())
    }

    /// Four curves of one prompt, from the first step on.
    pub(crate) fn track(&self, track: &OnTrack) -> Drawn {
        let first = track.information[0];
        let information: Vec<f64> = track.information.iter().map(|bits| bits / first).collect();
        let mut curves: Vec<Series> = [
            ("a coupled stationary text is another", &track.with_stationary.survival),
            ("information about the prompt, share", &information),
            ("the topic was never left", &track.topic_survival),
            ("distance from the stationary law", &track.distance),
        ]
        .map(|(name, curve)| series(name, by_step(curve.iter().copied())))
        .into();
        if let Some(meeting) = &track.continuations.meeting {
            let meeting = by_step(meeting.survival.iter().copied());
            curves.push(series("two coupled continuations differ, since they parted", meeting));
        }
        curves.iter_mut().for_each(|curve| curve.points.retain(|point| point.0 > 0.0));
        let title = format!("On the track of {:?}", track.prompt);
        let labels = Labels { title: &title, x: "words later", y: "share left" };
        drawn(&self.0.curves("topic_drift_track", &labels, Axis::Logarithmic, &curves)?);
        Ok(())
    }
}

fn drawn(path: &Path) {
    say!("   drawn in {}", path.display());
}

fn series(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.to_owned(), points }
}

/// Values at the steps from 0 on.
fn by_step(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    values.enumerate().map(|(step, value)| (step as f64, value)).collect()
}
