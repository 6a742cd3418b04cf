//! The file that keeps the history over restarts: replaced as a whole, and believed only if it is whole.
//!
//! Its first line says what it is and what the rest hashes to; the rest is JSON.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::Recorded;

/// What the first line begins with. The number is that of the form: a file of another form is begun anew.
const MARK: &str = "user-info history 1 ";

/// More than the largest history takes. A larger file is not ours.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why a history was not read or written. The service goes on without.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("the history in {path} cannot be read, a new one is begun")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not as it was written.
    #[error("the history in {path} is damaged, a new one is begun: {reason}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be written.
    #[error("the history cannot be written to {path}, it stays in memory: name a place with --history")]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads the history; an empty one if there is no file.
pub fn read(path: &Path) -> Result<Recorded, HistoryError> {
    let unreadable = |source| HistoryError::Unreadable { path: path.into(), source };
    let damaged = |reason: String| HistoryError::Damaged { path: path.into(), reason };
    match fs::metadata(path) {
        Ok(found) if found.len() > FILE_BYTES_MAX => return Err(damaged("it is too long".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recorded::default()),
        Err(error) => return Err(unreadable(error)),
    }
    parse(&fs::read(path).map_err(unreadable)?).map_err(damaged)
}

fn parse(bytes: &[u8]) -> Result<Recorded, String> {
    let line = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let (head, body) = (&bytes[..line], &bytes[line + 1..]);
    if head != head_of(body).as_bytes() {
        return Err("its first line does not fit the rest".into());
    }
    let recorded: Recorded = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(recorded.bounded())
}

/// Replaces the file. After a crash there is the old one or the new one.
pub fn write(path: &Path, recorded: &Recorded) -> Result<(), HistoryError> {
    let body = serde_json::to_vec(recorded).expect("figures and texts have a JSON form");
    replace(path, &head_of(&body), &body).map_err(|source| HistoryError::Unwritable { path: path.into(), source })
}

fn replace(path: &Path, head: &str, body: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(format!("{head}\n").as_bytes())?;
    file.write_all(body)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn head_of(body: &[u8]) -> String {
    format!("{MARK}{:016x}", xxh3_64(body))
}
