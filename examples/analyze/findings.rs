//! The fields found, and those left out with the reason.

use std::fmt::Display;
use std::path::Path;

use lmchain::solve::Outcome;
use serde_json::{Value, json};

use crate::fields;

/// Why something is not there.
#[derive(Debug, Clone)]
pub(crate) struct Reason(String);

impl Reason {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The reason with the option it is about.
    pub(crate) fn within(self, option: &str) -> Self {
        Self(format!("{option}: {}", self.0))
    }

    /// The reason with the file it is about.
    pub(crate) fn about(&self, file: &Path) -> String {
        let file = file.display().to_string();
        if self.0.starts_with(&file) { self.0.clone() } else { format!("{file}: {}", self.0) }
    }
}

impl<E: Display> From<E> for Reason {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The fields of the output, in order.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    fields: Vec<(&'static str, Value)>,
    omitted: Vec<(&'static str, Value)>,
}

impl Findings {
    /// Notes a field.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        debug_assert!(fields::is_documented(name), "{name} is not documented");
        self.fields.push((name, value.into()));
    }

    /// Notes a field, or why it is left out.
    pub(crate) fn attempt<T: Into<Value>>(&mut self, name: &'static str, value: Result<T, Reason>) {
        debug_assert!(fields::is_documented(name), "{name} is not documented");
        match value {
            Ok(value) => self.set(name, value),
            Err(Reason(reason)) => self.omitted.push((name, reason.into())),
        }
    }

    /// The JSON object of all fields; `omitted` comes last.
    pub(crate) fn to_json(&self, pretty: bool) -> String {
        let indents = if pretty { ["\n    ", "\n  ", "\n"] } else { [""; 3] };
        let [inner, outer, end] = indents;
        let fields = self.fields.iter().map(|(name, value)| (*name, value.to_string()));
        let omitted = self.omitted.iter().map(|(name, reason)| (*name, reason.to_string()));
        object(fields.chain([("omitted", object(omitted, inner, outer))]), outer, end)
    }
}

/// A JSON object with its members in this order, each after `before`.
fn object(members: impl Iterator<Item = (&'static str, String)>, before: &str, after: &str) -> String {
    let members: Vec<String> = members.map(|(name, json)| format!("{before}\"{name}\":{json}")).collect();
    let after = if members.is_empty() { "" } else { after };
    format!("{{{}{after}}}", members.join(","))
}

/// A number; JSON has no infinities, so these are strings.
pub(crate) fn number(x: f64) -> Value {
    match x {
        f64::INFINITY => json!("inf"),
        f64::NEG_INFINITY => json!("-inf"),
        finite => json!(finite),
    }
}

/// The value of a computation that converged.
pub(crate) fn converged<T>(outcome: lmchain::Result<Outcome<T>>) -> Result<T, Reason> {
    Ok(outcome?.converged()?)
}
