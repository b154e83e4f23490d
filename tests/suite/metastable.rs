//! Metastable sets against published cases, closed forms and labelled texts.

mod coarse;
mod published;
mod texts;
