//! `redis-cli` as a child process, with a bound on its time: a paused server accepts connections and never answers.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::security::Login;
use crate::process::Process;

/// What the shell and `setpriv` say of a program that is not there.
const NOT_FOUND: i32 = 127;

/// Runs one command and returns the reply, without spaces around it.
pub(super) fn run(port: u16, login: &Login, arguments: &[&str], within: Duration) -> Result<String> {
    let mut command = Command::new("redis-cli");
    // `-e`: a reply that is an error ends it with a status that is one, too.
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-e"]).args(&login.options).args(arguments);
    match &login.password {
        Some(password) => command.env("REDISCLI_AUTH", password),
        None => command.env_remove("REDISCLI_AUTH"),
    };
    let mut cli = Process::spawn(&command)?;
    let status = cli.wait(within)?;
    if status.code() == Some(NOT_FOUND) {
        bail!("cannot run redis-cli: run `make setup-test`");
    }
    if !status.success() {
        let [stdout, stderr] = [cli.stdout(), cli.stderr()];
        bail!("redis-cli {} on port {port} failed: {} {}", arguments.join(" "), stderr.trim(), stdout.trim());
    }
    Ok(cli.stdout().trim().to_owned())
}
