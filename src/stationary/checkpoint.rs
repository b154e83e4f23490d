//! An iteration kept in a file, to be taken up again.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use flate2::Crc;

use super::tape::Tape;
use crate::error::{CheckpointProblem, Error, Result};
use crate::files::replace_file;
use crate::operator::{TransitionOperator, map_in_place};

/// How a checkpoint begins: "lmcstate", read as a little-endian number.
const MAGIC: u64 = u64::from_le_bytes(*b"lmcstate");

/// The version of the format that is written and read.
const VERSION: u64 = 5;

/// Where an iteration is kept, and after how many products each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckpointSettings {
    pub(super) path: PathBuf,
    pub(super) every: usize,
}

/// The checkpoint of one iteration on one chain.
pub(super) struct Checkpoint<'a> {
    settings: &'a CheckpointSettings,
    /// What the iteration that is taken up must have in common with this one.
    identity: Vec<(CheckpointProblem, u64)>,
    /// Iterations done when it was last written or read.
    last: usize,
}

impl<'a> Checkpoint<'a> {
    /// For a chain, known by its sizes and by one product, and for settings on
    /// which the numbers depend. One product.
    pub(super) fn new<O: TransitionOperator>(
        settings: &'a CheckpointSettings,
        operator: &O,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Self {
        let chain = [operator.states() as u64, operator.stored_entries() as u64, fingerprint(operator)];
        let chain = chain.map(|value| (CheckpointProblem::OtherChain, value));
        let others = values.into_iter().map(|(setting, v)| (CheckpointProblem::OtherSetting { setting }, v));
        Self { settings, identity: chain.into_iter().chain(others).collect(), last: 0 }
    }

    /// Whether it is time to write one.
    pub(super) fn is_due(&self, iterations: usize) -> bool {
        iterations != self.last && iterations.is_multiple_of(self.settings.every)
    }

    /// Reads what `persist` wrote, which gives the number of iterations, if the file exists.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Checkpoint`].
    pub(super) fn resume(&mut self, persist: impl FnOnce(&mut Tape<'_>) -> io::Result<usize>) -> Result<()> {
        let mut file = match File::open(&self.settings.path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(self.failed(source)),
        };
        let mut tape = Tape::from(&mut file);
        let (magic, version): (u64, u64) = self.passed(|| {
            let mut words = [0; 2];
            tape.word(&mut words[0])?;
            tape.word(&mut words[1])?;
            Ok(words.into())
        })?;
        if magic != MAGIC {
            return Err(self.problem(CheckpointProblem::NotACheckpoint));
        }
        if version != VERSION {
            return Err(self.problem(CheckpointProblem::Version { found: version, known: VERSION }));
        }
        for (problem, value) in &self.identity {
            let mut found = 0;
            self.passed(|| tape.word(&mut found))?;
            if found != *value {
                return Err(self.problem(problem.clone()));
            }
        }
        self.last = self.passed(|| {
            let iterations = persist(&mut tape)?;
            tape.checksum()?;
            Ok(iterations)
        })?;
        Ok(())
    }

    /// Writes what `persist` passes, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what was there before stays.
    pub(super) fn save(&mut self, persist: impl FnOnce(&mut Tape<'_>) -> io::Result<usize>) -> Result<()> {
        let mut iterations = 0;
        replace_file(&self.settings.path, |file| {
            let mut file = BufWriter::with_capacity(1 << 20, file);
            let write = || {
                let mut tape = Tape::to(&mut file);
                let begin = [MAGIC, VERSION].into_iter();
                for mut word in begin.chain(self.identity.iter().map(|(_, value)| *value)) {
                    tape.word(&mut word)?;
                }
                iterations = persist(&mut tape)?;
                tape.checksum()?;
                file.flush()
            };
            write().map_err(|source| self.failed(source))
        })?;
        self.last = iterations;
        Ok(())
    }

    /// What reading gives, where a file that ends or contradicts itself is a damaged one.
    fn passed<T>(&self, read: impl FnOnce() -> io::Result<T>) -> Result<T> {
        read().map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                self.problem(CheckpointProblem::Damaged)
            }
            _ => self.failed(source),
        })
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { path: self.settings.path.clone(), source }
    }

    fn problem(&self, problem: CheckpointProblem) -> Error {
        Error::Checkpoint { path: self.settings.path.clone(), problem }
    }
}

/// A checksum of the bits of one product with positive numbers that differ from
/// state to state: other transitions give other bits.
fn fingerprint<O: TransitionOperator>(operator: &O) -> u64 {
    /// The golden ratio in 64 bits: its multiples are spread evenly.
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut weights = vec![0.0; operator.states()];
    map_in_place(&mut weights, |state, _| {
        1.0 + (SPREAD.wrapping_mul(state as u64 + 1) >> 11) as f64 * 2f64.powi(-53)
    });
    let mut pushed = vec![0.0; operator.states()];
    operator.push_forward(&weights, &mut pushed);
    let mut crc = Crc::new();
    pushed.iter().for_each(|p| crc.update(&p.to_le_bytes()));
    u64::from(crc.sum())
}
