//! A real Apache Kafka: one node that is broker and controller (KRaft), on free ports of 127.0.0.1, in a temporary directory.
//!
//! Every start, stop, kill and pause happens to the real process; ports, data and credentials stay the same over restarts.

mod installation;
mod properties;
mod security;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::port::free_port;
use crate::process::Process;
use crate::scratch::scratch_dir;
use installation::Installation;
use properties::Ports;
pub use security::{Credentials, Security};

/// Any, in Kafka's form of a UUID: each broker is a cluster of its own.
const CLUSTER_ID: &str = "dXNlci1pbmZvLXRlc3RzIQ";

/// Written once every listener answers requests.
const STARTED_LINE: &str = "Kafka Server started";

/// It takes 3 s on a quiet 2-core machine and 5 s after a kill.
const START_LIMIT: Duration = Duration::from_secs(90);

/// It takes less than 1 s on a quiet 2-core machine.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What differs between the brokers of different tests.
#[derive(Clone, Debug, Default)]
pub struct BrokerConfig {
    /// How clients connect.
    pub security: Security,
    /// What Java is told to be good at.
    pub speed: Speed,
    /// Lines of `server.properties`, name and value; they win over the broker's own.
    pub properties: Vec<(String, String)>,
}

/// What a broker's Java is told to be good at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// Starting soon, on little memory: what nearly all tests want.
    #[default]
    Start,
    /// Carrying much: Java's own choices, as in production.
    Throughput,
}

/// A broker of a test, killed when it is dropped. Topics are not created by themselves; a record may have 16 MiB.
#[derive(Debug)]
pub struct KafkaBroker {
    // Declared first, so dropped first: the directory goes when nobody writes to it any more.
    process: Option<Process>,
    installation: Installation,
    speed: Speed,
    dir: TempDir,
    ports: Ports,
    credentials: Option<Credentials>,
}

impl KafkaBroker {
    /// Starts a new, empty broker and waits until it answers.
    ///
    /// # Errors
    /// If Kafka's jars or Java are missing (the message says how to get them), or with the end of the log if it does not start.
    pub fn start(config: &BrokerConfig) -> Result<Self> {
        let installation = Installation::locate()?;
        let dir = scratch_dir()?;
        let ports = Ports { client: free_port(), internal: free_port(), controller: free_port() };
        let credentials = match config.security {
            Security::Plaintext => None,
            Security::SaslSsl => Some(Credentials::generate(dir.path())?),
        };
        properties::write(dir.path(), &ports, credentials.as_ref(), &config.properties)?;
        let speed = config.speed;
        let mut broker = Self { process: None, installation, speed, dir, ports, credentials };
        broker.format()?;
        broker.launch()?;
        Ok(broker)
    }

    /// What clients take as `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.client)
    }

    /// The id of its process; `None` if it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// What clients need to connect with [`Security::SaslSsl`]; nothing otherwise.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
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

    /// Ends it cleanly (SIGTERM) and waits until it is gone. Does nothing if it does not run.
    ///
    /// # Errors
    /// With the end of the log if it does not end; it is killed then.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.terminate()?;
            // A paused process takes no signal but this one.
            process.resume()?;
            process.wait(STOP_LIMIT)?;
        }
        Ok(())
    }

    /// Starts it again on the same ports and data, and waits until it answers; one that still runs is stopped first.
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
        self.running()?.pause()
    }

    /// Lets it go on after [`KafkaBroker::pause`].
    ///
    /// # Errors
    /// If it does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.running()?.resume()
    }

    fn running(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the broker is not running")
    }

    /// Prepares the data directory, which holds the users of SCRAM from the start.
    fn format(&self) -> Result<()> {
        let mut command = self.installation.java(self.dir.path(), Speed::Start, "kafka.tools.StorageTool");
        command.args(["format", "--standalone", "--cluster-id", CLUSTER_ID, "--config", properties::FILE_NAME]);
        if let Some(credentials) = &self.credentials {
            command.arg("--add-scram").arg(credentials.scram_record());
        }
        let mut tool = Process::spawn(&command)?;
        let status = tool.wait(START_LIMIT)?;
        ensure!(status.success(), "cannot format the broker's storage ({status})\n{}", tool.tail());
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.installation.java(self.dir.path(), self.speed, "kafka.Kafka");
        command.arg(properties::FILE_NAME);
        let mut process = Process::spawn(&command)?;
        process.wait_for_line(STARTED_LINE, START_LIMIT).context("Kafka does not start")?;
        self.process = Some(process);
        Ok(())
    }
}
