//! The server's configuration file: quick, nothing on disk, and only on 127.0.0.1.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::security::RedisSecurity;

/// In the server's directory, which is also where it runs.
pub(super) const FILE_NAME: &str = "redis.conf";

/// Everything that does not depend on port and security.
const OPTIONS: &[(&str, &str)] = &[
    ("bind", "127.0.0.1"),
    // Protection from clients elsewhere; there are none.
    ("protected-mode", "no"),
    // A test that wants its data kept says so.
    ("save", ""),
    ("appendonly", "no"),
    // Tests make the server slow or blind with DEBUG.
    ("enable-debug-command", "local"),
    // Five seconds in which more replicas could ask for the same copy.
    ("repl-diskless-sync-delay", "0"),
];

/// What differs between the servers of different tests. By default, nothing is kept on disk and anybody may connect.
#[derive(Clone, Debug, Default)]
pub struct RedisConfig {
    /// Lines of `redis.conf`, name and value as they stand there; an empty value is written as `""`. They win over the test kit's
    /// own, of which `port`, `tls-port`, `dir` and `logfile` must stay.
    pub options: Vec<(String, String)>,
    /// How clients connect.
    pub security: RedisSecurity,
}

impl RedisConfig {
    /// Writes the file for a server on `port` into `dir`.
    pub(super) fn write(&self, dir: &Path, port: u16) -> Result<()> {
        let own = OPTIONS.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let mut text = String::new();
        // Of two lines with the same name, Redis takes the later one.
        for (name, value) in own.chain(self.security.options(port)).chain(self.options.iter().cloned()) {
            let value = if value.is_empty() { r#""""# } else { &value };
            writeln!(text, "{name} {value}")?;
        }
        fs::write(dir.join(FILE_NAME), text)?;
        Ok(())
    }
}
