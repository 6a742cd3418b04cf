//! One Redis server as a process.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::cli;
use super::configuration::{self, RedisConfig};
use super::security::{Login, RedisSecurity};
use crate::certificates::AUTHORITY;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::scratch_dir;

/// Written once everything on disk is loaded.
const STARTED_LINE: &str = "Ready to accept connections";

/// It takes less than 0.1 s on a quiet 2-core machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// It takes less than 0.1 s, but a server with a replica that lags behind waits for it, 10 s by default.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// One command takes milliseconds; only a paused or sleeping server needs longer.
const CLI_LIMIT: Duration = Duration::from_secs(30);

/// A Redis server of a test, killed when it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    // Declared first, so dropped first: the directory goes when nobody writes to it any more.
    process: Option<Process>,
    paused: bool,
    dir: TempDir,
    port: u16,
    security: RedisSecurity,
    login: Login,
}

impl RedisServer {
    /// Starts a new, empty server and waits until it answers.
    ///
    /// # Errors
    /// If `redis-server` is missing, or with the end of the log if it does not start, for instance because of an option.
    pub fn start(config: &RedisConfig) -> Result<Self> {
        let dir = scratch_dir()?;
        let port = free_port();
        config.security.prepare(dir.path())?;
        config.write(dir.path(), port)?;
        let security = config.security.clone();
        let login = security.login(dir.path());
        let mut server = Self { process: None, paused: false, dir, port, security, login };
        server.launch()?;
        Ok(server)
    }

    /// The port of 127.0.0.1 it listens on, the same for its whole life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL, `redis://127.0.0.1:port`, or `rediss://` with [`RedisSecurity::Tls`]; without user and password.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.security == RedisSecurity::Tls { "rediss" } else { "redis" };
        format!("{scheme}://{}", self.address())
    }

    /// The certificate authority in PEM form, with [`RedisSecurity::Tls`]; the server's certificate is for `127.0.0.1` and
    /// `localhost`.
    #[must_use]
    pub fn ca_path(&self) -> Option<PathBuf> {
        (self.security == RedisSecurity::Tls).then(|| self.dir.path().join(AUTHORITY))
    }

    /// The reply to a command, as `redis-cli` writes it to a file: bare, one element a line, nil as nothing, and without spaces
    /// around it. Options of `redis-cli` may stand before the command. It gives up after 30 seconds.
    ///
    /// # Errors
    /// With the reply if it is an error, and if the server does not answer.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        self.cli_within(arguments, CLI_LIMIT)
    }

    /// The same, with another limit.
    pub(super) fn cli_within(&self, arguments: &[&str], within: Duration) -> Result<String> {
        cli::run(self.port, &self.login, arguments, within)
    }

    /// Ends it at once (SIGKILL), as a crash would. Does nothing if it does not run.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Ends it cleanly (SIGTERM), also while it is paused, and waits until it is gone. Does nothing if it does not run.
    ///
    /// # Errors
    /// With the end of the log if it does not end; it is killed then.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        // Somebody may have sent it SHUTDOWN.
        if process.is_running()? {
            process.terminate()?;
            // A paused process takes no signal but this one.
            process.resume()?;
            process.wait(STOP_LIMIT)?;
        }
        Ok(())
    }

    /// Starts it again on the same port, with the same options, and with the data that they made it keep; waits until it answers.
    /// One that still runs is stopped first.
    ///
    /// # Errors
    /// With the end of the log if it does not stop or start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    /// Freezes it (SIGSTOP): connections stay open and nothing answers.
    ///
    /// # Errors
    /// If it does not run.
    pub fn pause(&mut self) -> Result<()> {
        self.process()?.pause()?;
        self.paused = true;
        Ok(())
    }

    /// Lets it go on after [`RedisServer::pause`].
    ///
    /// # Errors
    /// If it does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.process()?.resume()?;
        self.paused = false;
        Ok(())
    }

    /// The id of its process; `None` if it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Whether its process is there; a paused one is.
    ///
    /// # Errors
    /// If the operating system cannot tell.
    pub fn is_running(&mut self) -> Result<bool> {
        self.process.as_mut().map_or(Ok(false), Process::is_running)
    }

    /// Whether it is expected to answer: nobody killed, stopped or paused it through this handle.
    pub(super) fn is_live(&self) -> bool {
        self.process.is_some() && !self.paused
    }

    fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the Redis server is not running")
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = Command::new("redis-server");
        command.current_dir(self.dir.path()).arg(configuration::FILE_NAME);
        let mut process = Process::spawn(&command)?;
        let started = process.wait_for_line(STARTED_LINE, START_LIMIT);
        started.context("Redis does not start; if redis-server is missing, run `make setup-test`")?;
        self.process = Some(process);
        self.paused = false;
        Ok(())
    }
}
