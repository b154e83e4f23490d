//! What can be wrong with a file that holds the table of a chain.

/// Why a file does not hold a table that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableFileProblem {
    /// It does not begin as tables do.
    #[error("is no table of a chain; write one with TableFile::write")]
    NotATable,
    /// The header contradicts its own checksum.
    #[error("the header is damaged; write the table again")]
    DamagedHeader,
    /// The format is of a version that is not known.
    #[error("is of version {found} of the format, version {known} is read; write the table again")]
    Version {
        /// The version found.
        found: u32,
        /// The version that is read.
        known: u32,
    },
    /// The entries are of another precision.
    #[error("holds entries of {found} bytes, not of {expected}; open it with the other precision")]
    Precision {
        /// Bytes of an entry asked for.
        expected: u32,
        /// Bytes of an entry in the file.
        found: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error("has {found} bytes, not the {expected} that its header announces; write the table again")]
    Length {
        /// Bytes that the header announces; `u128::MAX` if that overflows.
        expected: u128,
        /// Bytes that there are.
        found: u64,
    },
    /// The entries contradict their checksum.
    #[error(
        "the entries are damaged: their checksum is {found:08x}, not {expected:08x}; write the table again"
    )]
    Damaged {
        /// The checksum in the header.
        expected: u32,
        /// The checksum of what is there.
        found: u32,
    },
}
