//! The peer that is written in Java, in `peers/kafka-streams`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Room for the state stores' caches is outside of it.
const JAVA_OPTIONS: [&str; 3] = ["-Xms512m", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../peers/kafka-streams")
}

/// Compiles it with Maven. Does nothing if it is up to date.
pub(crate) fn build() -> Result<()> {
    let mut maven = Command::new("mvn");
    maven.current_dir(folder()).args(["-q", "-B", "-DskipTests", "package", "dependency:copy-dependencies"]);
    let status = maven.status().context("cannot run mvn: run `make setup-test`")?;
    ensure!(status.success(), "Maven could not build the peer in {}", folder().display());
    Ok(())
}

/// How it is started, but for where the topics are.
pub(super) fn command(topology: &str, is_tuned: bool) -> Command {
    let target = folder().join("target");
    let mut command = Command::new("java");
    command.args(JAVA_OPTIONS).arg("-cp");
    command.arg(format!("{}:{}", target.join("classes").display(), target.join("libs/*").display()));
    command.args(["userinfo.streams.Main", "--topology", topology, "--http-port", "0"]);
    command.args(["--application-id", &format!("streams-{topology}-{is_tuned}")]);
    command.arg(if is_tuned { "--tuned" } else { "--defaults" });
    command
}
