//! What holds of the library from outside: one program, so that what its parts
//! have in common is compiled once.

#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod acceleration;
mod analyze;
mod arpa;
mod arpa_fuzz;
mod arrow;
mod bad_input;
mod benchmark_chains;
mod blocks;
mod checkpoints;
mod classes;
mod common;
mod decomposable;
mod determinism;
mod drift;
mod elicitation;
mod estimators;
mod exposure;
mod facts;
mod histories;
mod kenlm_chains;
mod kenlm_queries;
mod lmplz;
mod loops;
mod memory;
mod metastable;
mod mixing_depth;
mod on_track;
mod passage;
mod passage_bounds;
mod patterns;
mod products;
mod properties;
mod reference_cases;
mod sensitivity;
mod single_precision;
mod smoothed_chains;
mod spectrum;
mod streamed;
#[path = "../../benches/support/mod.rs"]
mod support;
mod text_facts;
mod topics;
mod transition_paths;
mod walks;
mod work;
