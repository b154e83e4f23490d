//! Metastable sets against published cases, closed forms and labelled texts.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod common;

#[path = "metastable/coarse.rs"]
mod coarse;
#[path = "metastable/published.rs"]
mod published;
#[path = "metastable/texts.rs"]
mod texts;
