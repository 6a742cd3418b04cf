//! What of an archive cannot be served, and where it stands.

use std::fmt;
use std::sync::Arc;

use crate::stream::splitter::MAX_MESSAGE_BYTES;

/// Longest name of a place that is shown, in characters; names inside an archive may have any length.
const NAME_CHARACTERS_MAX: usize = 256;

/// Why something is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line that JSON cannot contain.
    #[error("not UTF-8")]
    NotUtf8,
    /// A line of something else.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// A line of JSON that cannot be a message.
    #[error("JSON, but not an object")]
    NotAnObject,
    /// A line that no client would keep.
    #[error("longer than {MAX_MESSAGE_BYTES} bytes")]
    TooLong,
    /// A file or a packed part of it breaks off or is damaged; what comes after this place in it is not served.
    #[error("cannot be read on: {0}")]
    Unreadable(String),
    /// A directory or a link that leads nowhere.
    #[error("cannot be opened: {0}")]
    Unopened(String),
    /// Neither a file nor a directory.
    #[error("{0}, which holds no messages")]
    NotAFile(&'static str),
    /// A packing that is known, but not read.
    #[error("packed as {0}, which is not read here: unpack it first")]
    Unsupported(&'static str),
    /// Archives within archives within archives.
    #[error("packed too often: at most {0} packings of one file are read")]
    TooDeep(usize),
}

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedFault {
    /// The file, and in archives the entry: `dump.tar/00/01.json.bz2`.
    pub place: Arc<str>,
    /// The line in the unpacked text, counted from 1, if it is one line's fault or breaks off behind it.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for LocatedFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.place)?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, ": {}", self.fault)
    }
}

/// A name as it can be shown on a terminal, whatever it is made of.
pub(super) fn printable(name: &str) -> Arc<str> {
    name.escape_debug().take(NAME_CHARACTERS_MAX).collect::<String>().into()
}
