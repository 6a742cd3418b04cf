//! The files that an archive consists of: those given, and those in given directories, in the order of their names.
//!
//! Invariant: only one directory per level is held in memory. Links are followed; those that lead back to where one
//! came from are faults, not loops.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use crate::replay::ReplayError;
use crate::replay::fault::{Fault, LocatedFault, printable};

/// Files and directories that are visited at most: ten years of minutes are 5,300,000. More is a thicket of links.
const ENTRIES_MAX: u64 = 10_000_000;
/// Directories below a given one. Archives by year, month, day and hour have four.
const DEPTH_MAX: usize = 64;

/// Adds up the sizes of all files, so that progress can be told, and refuses what cannot be replayed at all.
pub(super) fn total_bytes(paths: &[PathBuf]) -> Result<u64, ReplayError> {
    for path in paths {
        require_readable(path)?;
    }
    let (mut entries, mut files, mut bytes) = (0, 0_u64, 0_u64);
    for entry in all(paths) {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(ReplayError::TooManyFiles { max: ENTRIES_MAX });
        }
        if let Some(Ok(path)) = file(entry) {
            files += 1;
            bytes = bytes.saturating_add(std::fs::metadata(path).map_or(0, |metadata| metadata.len()));
        }
    }
    if files == 0 { Err(ReplayError::NoFiles) } else { Ok(bytes) }
}

fn require_readable(path: &Path) -> Result<(), ReplayError> {
    let unreadable = |source| ReplayError::Unreadable { path: path.to_path_buf(), source };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return std::fs::read_dir(path).map(drop).map_err(unreadable);
    }
    if !metadata.is_file() {
        return Err(ReplayError::NotAFile { path: path.to_path_buf() });
    }
    std::fs::File::open(path).map(drop).map_err(unreadable)
}

/// The files in order, and what is no file in between.
pub(super) fn walk(paths: &[PathBuf]) -> impl Iterator<Item = Result<PathBuf, LocatedFault>> {
    all(paths).filter_map(file)
}

fn all(paths: &[PathBuf]) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    paths.iter().flat_map(|path| WalkDir::new(path).follow_links(true).max_depth(DEPTH_MAX).sort_by_file_name())
}

fn file(entry: walkdir::Result<DirEntry>) -> Option<Result<PathBuf, LocatedFault>> {
    match entry {
        Ok(entry) if entry.file_type().is_file() => Some(Ok(entry.into_path())),
        Ok(entry) if entry.file_type().is_dir() && entry.depth() < DEPTH_MAX => None,
        Ok(entry) if entry.file_type().is_dir() => {
            Some(Err(fault(entry.path(), Fault::Unopened(format!("more than {DEPTH_MAX} directories deep")))))
        }
        Ok(entry) => Some(Err(fault(entry.path(), Fault::NotAFile("a pipe, a socket or a device")))),
        Err(error) => Some(Err(unopened(&error))),
    }
}

fn unopened(error: &walkdir::Error) -> LocatedFault {
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("a link that leads back to {}", place(ancestor)),
        (None, Some(io)) => io.to_string(),
        (None, None) => error.to_string(),
    };
    fault(error.path().unwrap_or(Path::new("?")), Fault::Unopened(reason))
}

fn fault(path: &Path, fault: Fault) -> LocatedFault {
    LocatedFault { place: place(path), line: None, fault }
}

/// A path as faults name it.
pub(super) fn place(path: &Path) -> Arc<str> {
    printable(&path.to_string_lossy())
}
