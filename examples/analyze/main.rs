//! Everything that the crate can say about a file, as one JSON object.
//!
//! The file is a model table, a transition matrix or a text; see `--help` for
//! what is read and for every field that is written.
//!
//! ```text
//! cargo run --release --example analyze -- model.json --pretty
//! cargo run --release --example analyze -- book.txt --tokens words --lower-case --context 1
//! cargo run --release --example analyze -- book.txt --sets 3 --against-order 2 --pretty
//! cargo run --release --example analyze -- book.txt --bad 'xx' --safe 'e ' --pretty
//! ```

mod backwards;
mod bounds;
mod classes;
mod exposure;
mod fields;
mod findings;
mod greedy;
mod information;
mod input;
mod limits;
mod long_run;
mod memory;
mod mixing;
mod options;
mod reversal;
mod subject;
mod topics;
mod uncertainty;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use findings::{Findings, Reason};
use options::Options;

/// The input cannot be read, or is no chain.
const BAD_INPUT: u8 = 2;

/// The output could not be written.
const BAD_OUTPUT: u8 = 1;

fn main() -> ExitCode {
    let options = Options::parse();
    match analyze(&options) {
        Ok(findings) => print(&findings.to_json(options.pretty)),
        Err(reason) => fail(BAD_INPUT, &reason.about(&options.file)),
    }
}

/// Reads the file and puts every question to its chain.
fn analyze(options: &Options) -> Result<Findings, Reason> {
    let subject = input::read(options)?;
    let case = backwards::read(&subject, options)?;
    topics::check(&subject, options)?;
    let limits = &options.limits;
    let mut findings = Findings::default();
    subject.describe(options, &mut findings);
    classes::describe(&subject, limits, &mut findings);
    let law = long_run::describe(&subject, options, &mut findings);
    let law = law.as_ref().map_err(Clone::clone);
    mixing::describe(&subject, &law, options, &mut findings);
    bounds::describe(&subject, &law, options, &mut findings);
    information::describe(&subject, &law, options, &mut findings);
    memory::describe(&subject, &law, options, &mut findings);
    reversal::describe(&subject, &law, limits, &mut findings);
    greedy::describe(&subject, limits, &mut findings);
    topics::describe(&subject, &law, options, &mut findings);
    exposure::describe(&subject, &law, options, &mut findings)?;
    uncertainty::describe(&subject, &law, options, &mut findings);
    if let Some(case) = &case {
        backwards::describe(&subject, case, &law, options, &mut findings);
    }
    Ok(findings)
}

/// Writes the whole output at once; that nobody reads on is no fault.
fn print(json: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{json}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            fail(BAD_OUTPUT, &format!("the output could not be written: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Says what is wrong, in one line whatever it quotes.
fn fail(code: u8, message: &str) -> ExitCode {
    let line = message.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
    // Where standard error is closed as well, the exit code must do.
    let _ = writeln!(std::io::stderr(), "analyze: {line}");
    ExitCode::from(code)
}
