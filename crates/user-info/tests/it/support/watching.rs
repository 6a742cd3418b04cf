//! `user-info get --watch --json`, read record by record.

use std::process::Command;

use serde_json::Value;
use user_info_testkit::Process;

use crate::support::program::Program;
use crate::support::waiting::until;

/// One who watches a user.
pub(crate) struct Watch {
    process: Process,
    read: usize,
}

impl Watch {
    pub(crate) fn start(user: &str, server: &str) -> Self {
        Self::of(&Program::under_test().command(["get", user, "--server", server, "--watch", "--json"]))
    }

    /// What this command prints.
    pub(crate) fn of(command: &Command) -> Self {
        Self { process: Process::spawn(command).unwrap(), read: 0 }
    }

    /// The next record that it prints.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        let line = until("the next record is printed", || {
            let printed = self.process.stdout();
            let line = printed.split_inclusive('\n').nth(self.read).filter(|line| line.ends_with('\n'));
            line.map(str::to_owned).ok_or_else(|| self.process.tail())
        });
        self.read += 1;
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
