//! Runs one test of this binary as a process of its own, for what happens when a test process panics, is killed, or has other
//! environment variables.
//!
//! Such a test is marked `#[ignore]`, and is started by its name from the test that looks at it from outside.

use std::env;
use std::process::Command;

/// A command that runs the ignored test `name` and shows what it prints.
pub(crate) fn ignored_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command
}
