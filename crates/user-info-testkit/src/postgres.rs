//! A real PostgreSQL: one server as a process, on a free port of 127.0.0.1, in a temporary directory.
//!
//! PostgreSQL refuses to run as root; a test that does gives it to the user that Debian's package makes for it.

mod installation;

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::port::free_port;
use crate::process::Process;
use crate::scratch::scratch_dir;
use installation::Installation;

/// Written once it takes connections.
const STARTED_LINE: &str = "database system is ready to accept connections";

/// It takes 0.1 s on a quiet 2-core machine, and longer after a kill in the middle of much writing.
const START_LIMIT: Duration = Duration::from_secs(120);

/// It takes 1 s on a quiet 2-core machine: a new cluster is 40 MB.
const INITDB_LIMIT: Duration = Duration::from_secs(120);

/// A last checkpoint is written.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// In the temporary directory.
const DATA: &str = "data";

/// What differs between the servers of different tests. By default, PostgreSQL's own settings.
#[derive(Clone, Debug, Default)]
pub struct PostgresConfig {
    /// Lines of `postgresql.conf`, name and value as they stand there; they win over the test kit's own.
    pub settings: Vec<(String, String)>,
}

/// A PostgreSQL server of a test, killed when it is dropped. Its superuser is `postgres`, and everybody on this machine is let in.
#[derive(Debug)]
pub struct PostgresServer {
    // Declared first, so dropped first: the directory goes when nobody writes to it any more.
    process: Option<Process>,
    installation: Installation,
    dir: TempDir,
    port: u16,
}

impl PostgresServer {
    /// Starts a new server with an empty database `postgres` and waits until it answers.
    ///
    /// # Errors
    /// If PostgreSQL is missing, or with the end of the log if it does not start, for instance because of a setting.
    pub fn start(config: &PostgresConfig) -> Result<Self> {
        let installation = Installation::locate()?;
        let dir = scratch_dir()?;
        installation.give_away(dir.path())?;
        let mut server = Self { process: None, installation, dir, port: free_port() };
        server.make_cluster()?;
        server.configure(config)?;
        server.launch()?;
        Ok(server)
    }

    /// The port of 127.0.0.1 it listens on, the same for its whole life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How clients connect, in the words of libpq: `host=127.0.0.1 port=… user=postgres dbname=postgres`.
    #[must_use]
    pub fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// The id of its first process, whose children the others are; `None` if it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// What `psql` prints of a statement's result: bare, a row on each line, columns apart by `|`.
    ///
    /// # Errors
    /// With PostgreSQL's words if the statement fails or takes longer than `within`.
    pub fn sql(&self, statement: &str, within: Duration) -> Result<String> {
        let mut command = self.installation.command("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        command.args(["--dbname", &self.connection(), "--command", statement]);
        let mut psql = Process::spawn(&command)?;
        if !psql.wait(within)?.success() {
            bail!("psql failed: {}", psql.stderr().trim());
        }
        Ok(psql.stdout().trim().to_owned())
    }

    /// Ends it at once (SIGKILL), as a crash would; its own children notice and end by themselves. Does nothing if it does not
    /// run.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Ends it cleanly and at once: clients are cut off (SIGINT, its "fast shutdown"). Does nothing if it does not run.
    ///
    /// # Errors
    /// With the end of the log if it does not end; it is killed then.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.interrupt()?;
            process.wait(STOP_LIMIT)?;
        }
        Ok(())
    }

    /// Starts it again on the same port and data, and waits until it answers. One that still runs is stopped first.
    ///
    /// # Errors
    /// With the end of the log if it does not stop or start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    fn make_cluster(&self) -> Result<()> {
        let mut command = self.installation.command("initdb");
        command.current_dir(self.dir.path()).args(["--pgdata", DATA, "--username", "postgres", "--auth", "trust"]);
        command.args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]);
        let mut initdb = Process::spawn(&command)?;
        if !initdb.wait(INITDB_LIMIT)?.success() {
            bail!("initdb failed\n{}", initdb.tail());
        }
        Ok(())
    }

    /// Of two lines with the same name, PostgreSQL takes the later one.
    fn configure(&self, config: &PostgresConfig) -> Result<()> {
        let file = self.dir.path().join(DATA).join("postgresql.conf");
        let mut text = fs::read_to_string(&file)?;
        writeln!(text, "\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''", self.port)?;
        for (name, value) in &config.settings {
            writeln!(text, "{name} = '{value}'")?;
        }
        fs::write(file, text)?;
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.installation.command("postgres");
        command.current_dir(self.dir.path()).args(["-D", DATA]);
        let mut process = Process::spawn(&command)?;
        process.wait_for_line(STARTED_LINE, START_LIMIT).context("PostgreSQL does not start")?;
        self.process = Some(process);
        Ok(())
    }
}
