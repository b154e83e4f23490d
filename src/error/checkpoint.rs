//! What can be wrong with a checkpoint.

/// Why a computation cannot go on from a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointProblem {
    /// The file does not begin as checkpoints do.
    #[error("is no checkpoint; name another file, or remove it")]
    NotACheckpoint,
    /// The format is of a version that is not known.
    #[error("is of version {found} of the format, version {known} is read; remove it to start afresh")]
    Version {
        /// The version found.
        found: u64,
        /// The version that is read.
        known: u64,
    },
    /// The file is cut short, or contradicts its checksum or itself.
    #[error("is damaged; remove it to start afresh")]
    Damaged,
    /// It was written for another chain.
    #[error("was written for another chain; name another file, or remove it to start afresh")]
    OtherChain,
    /// It was written with another value of a setting.
    #[error("was written with another {setting}; set that as it was, or remove the file to start afresh")]
    OtherSetting {
        /// Name of the setting.
        setting: &'static str,
    },
}
