//! What the examples share: plain-text drawing, figures and a progress bar.

#![allow(dead_code, unused_imports, reason = "no example uses everything")]

mod draw;
mod plot;
mod watch;

pub(crate) use draw::{bars, count, grouped, heading, quote, sparkline, visible};
pub(crate) use plot::{Axis, Cell, HeatMap, Labels, Plots, Series};
pub(crate) use watch::Watch;

/// Prints a line, and ends the example quietly once nobody reads on (`| head`).
pub(crate) fn print_line(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// `println!` that stands a closed pipe.
macro_rules! say {
    ($($line:tt)*) => {{ $crate::support::print_line(format_args!($($line)*)); }};
}
pub(crate) use say;

/// How an example ends: with exit code 2 and one line on the error stream if it
/// cannot do what it was asked.
pub(crate) fn exit_code(name: &str, told: Result<(), Box<dyn std::error::Error>>) -> std::process::ExitCode {
    match told {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
