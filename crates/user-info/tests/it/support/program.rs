//! The program under test as a command, run to its end or kept running, with none of the caller's own settings.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use user_info_testkit::Process;

use crate::support::waiting::LIMIT;

/// An executable of user-info.
#[derive(Clone, Debug)]
pub(crate) struct Program(PathBuf);

impl Program {
    /// The one that this test was built with.
    pub(crate) fn under_test() -> Self {
        Self::at(Path::new(env!("CARGO_BIN_EXE_user-info")))
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The command with these arguments, in an environment without options of the program.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.0);
        command.args(arguments);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("USER_INFO_")) {
            command.env_remove(name);
        }
        command
    }

    /// Starts it.
    pub(crate) fn start(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Process {
        Process::spawn(&self.command(arguments)).unwrap()
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Ended {
        run(&self.command(arguments))
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &Command) -> Ended {
    let mut process = Process::spawn(command).unwrap();
    let status = process.wait(LIMIT).unwrap();
    let command = format!("{command:?}");
    let status = status.code().unwrap_or_else(|| panic!("{command} ended by {status}\n{}", process.tail()));
    Ended { command, status, stdout: process.stdout(), stderr: process.stderr() }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ended {
    command: String,
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Requires an exit status.
    #[track_caller]
    pub(crate) fn with_status(self, status: i32) -> Self {
        let Self { command, stdout, stderr, .. } = &self;
        let found = self.status;
        assert_eq!(found, status, "exit status of {command}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Requires words on stderr, where the reason of a failure stands.
    #[track_caller]
    pub(crate) fn that_says(self, words: &str) -> Self {
        let Self { command, stderr, .. } = &self;
        assert!(stderr.contains(words), "{command} does not say {words:?} but\n{stderr}");
        self
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{} ends with {line:?}: {error}", self.command))
    }
}

/// The memory that a process has, in bytes.
pub(crate) fn resident_bytes(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}
