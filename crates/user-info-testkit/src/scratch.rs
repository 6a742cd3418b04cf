//! Temporary directories that do not pile up.
//!
//! A directory carries the id of the process that made it. It goes with its handle; if the process died first, the next process
//! that needs one removes it.

use std::path::Path;
use std::sync::Once;
use std::{env, fs, process};

use anyhow::{Context, Result};
use tempfile::TempDir;

const PREFIX: &str = "user-info-test-";

/// A new empty directory, removed when the handle is dropped.
pub(crate) fn scratch_dir() -> Result<TempDir> {
    static SWEEP: Once = Once::new();
    SWEEP.call_once(remove_abandoned);
    let prefix = format!("{PREFIX}{}-", process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir().context("cannot make a temporary directory")
}

fn remove_abandoned() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_str().and_then(owner).is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another test process may be removing it too, and that is as good.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The id of the process that made the directory of this name, if it is one of ours.
fn owner(name: &str) -> Option<&str> {
    let (id, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    id.bytes().all(|byte| byte.is_ascii_digit()).then_some(id)
}
