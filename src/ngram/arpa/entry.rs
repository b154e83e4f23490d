//! The lines of n-grams.

use super::is_separator;
use super::section::Section;
use crate::error::{ArpaFileProblem, excerpt};

/// Hands on the words of a line with their positions, and returns the
/// probability and the back-off weight.
pub(super) fn parse_line<'a>(
    text: &'a str,
    section: Section,
    mut take_word: impl FnMut(usize, &'a str) -> Result<(), ArpaFileProblem>,
) -> Result<(f64, f64), ArpaFileProblem> {
    // The wrong number of fields explains the line better than what follows from it.
    let wrong_count =
        || ArpaFileProblem::FieldCount { length: section.length, found: Fields { rest: text }.count() };
    let counted = |problem| {
        let found = Fields { rest: text }.count();
        if (section.length + 1..=section.length + 2).contains(&found) { problem } else { wrong_count() }
    };
    let mut fields = Fields { rest: text };
    let probability = parse_probability(fields.next().ok_or_else(wrong_count)?).map_err(counted)?;
    for position in 0..section.length {
        take_word(position, fields.next().ok_or_else(wrong_count)?).map_err(counted)?;
    }
    let backoff = match fields.next() {
        Some(field) => parse_backoff(field, section).map_err(counted)?,
        None => 1.0,
    };
    if fields.next().is_some() { Err(wrong_count()) } else { Ok((probability, backoff)) }
}

fn parse_probability(field: &str) -> Result<f64, ArpaFileProblem> {
    let value = parse_logarithm(field, "the logarithm of a probability")?;
    if value > 0.0 { Err(ArpaFileProblem::PositiveProbability { value }) } else { Ok(power_of_ten(value)) }
}

fn parse_backoff(field: &str, section: Section) -> Result<f64, ArpaFileProblem> {
    let value = parse_logarithm(field, "the logarithm of a back-off weight")?;
    if section.length == section.order && value != 0.0 {
        return Err(ArpaFileProblem::NeedlessBackoff { length: section.length, value });
    }
    let weight = power_of_ten(value);
    if weight.is_finite() { Ok(weight) } else { Err(ArpaFileProblem::InfiniteBackoff { value }) }
}

/// A number that may be infinite.
fn parse_logarithm(field: &str, what: &'static str) -> Result<f64, ArpaFileProblem> {
    match field.parse::<f64>() {
        Ok(value) if !value.is_nan() => Ok(value),
        _ => Err(not_a_number(what, field)),
    }
}

fn power_of_ten(exponent: f64) -> f64 {
    10f64.powf(exponent)
}

/// The parts of a line between separators.
struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.bytes().position(|byte| !is_separator(byte))?;
        let rest = &self.rest[start..];
        let end = rest.bytes().position(is_separator).unwrap_or(rest.len());
        self.rest = &rest[end..];
        Some(&rest[..end])
    }
}

pub(super) fn not_a_number(what: &'static str, found: &str) -> ArpaFileProblem {
    ArpaFileProblem::NotANumber { what, found: excerpt(found) }
}
