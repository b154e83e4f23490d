//! What is drawn.

use std::error::Error;

use crate::options::Options;
use crate::report::text_entropies;
use crate::subject::{Model, Subject, stands_out};
use crate::support::{Axis, Labels, Plots, Series, say};

/// Less than this is not drawn, so that what the text has fills the figure.
const LEAST: f64 = 1e-6;

pub(crate) fn draw(subject: &Subject, models: &[Model], options: &Options) -> Result<(), Box<dyn Error>> {
    let plots = Plots::new(&options.plots)?;
    let model = |model: &Model| Series {
        name: format!("model that sees {}", model.context),
        points: visible(model.curve().into_iter()),
    };
    let curves: Vec<Series> = models.iter().map(model).collect();
    let significant = subject.estimates.iter().filter(|at| stands_out(at));
    let text = Series {
        name: "the text, above its shuffles".into(),
        points: visible(significant.map(|at| (at.lag, at.above_floor()))),
    };
    let (x, y) = ("characters between", "bits");
    let title = "What a character tells about a later one";
    let labels = Labels { title, x, y };
    let mut drawn = vec![plots.curves_and_dots_on(
        "memory_log_log",
        &labels,
        [Axis::Logarithmic; 2],
        &curves,
        &[text],
    )?];
    let followed = subject.estimates.iter().filter(|at| stands_out(at) && at.lag <= options.followed);
    let text = Series {
        name: "the text, above its shuffles".into(),
        points: visible(followed.map(|at| (at.lag, at.above_floor()))),
    };
    drawn.push(plots.curves_and_dots_on(
        "memory_semi_log",
        &labels,
        [Axis::Linear, Axis::Logarithmic],
        &curves,
        &[text],
    )?);
    drawn.push(plots.curves_and_dots(
        "memory_conditional",
        &Labels { title: "Uncertainty of a character after others", x: "characters before it", y },
        Axis::Linear,
        &models.iter().rev().map(entropies).collect::<Vec<_>>(),
        &[Series {
            name: "the text, as estimated from its blocks".into(),
            points: numbered(&text_entropies(subject, usize::from(options.context))),
        }],
    )?);
    say!(
        "\n   drawn in {}",
        drawn.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn visible(curve: impl Iterator<Item = (usize, f64)>) -> Vec<(f64, f64)> {
    curve.map(|(lag, bits)| (lag as f64, bits)).take_while(|at| at.1 >= LEAST).collect()
}

fn numbered(values: &[f64]) -> Vec<(f64, f64)> {
    values.iter().enumerate().map(|(m, &bits)| (m as f64, bits)).collect()
}

fn entropies(model: &Model) -> Series {
    Series { name: format!("model that sees {}", model.context), points: numbered(&model.entropies) }
}
