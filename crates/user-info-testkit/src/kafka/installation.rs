//! Where Kafka's jars and Java are, and how Java is run: for a quick start on two cores, or for throughput.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Speed;
use super::properties::LOGGING_FILE_NAME;

/// The version that `tools/fetch-kafka` fetches.
const VERSION: &str = "4.4.0";

const HOME_VARIABLE: &str = "USER_INFO_KAFKA_HOME";

/// The quick compiler alone and the serial collector take 2.8 instead of 4.8 s of CPU to start, and a quarter less memory. A broker
/// that is out of memory must end, not linger.
const START_OPTIONS: &[&str] = &[
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
];

/// The heap that Kafka's own script gives it.
const THROUGHPUT_OPTIONS: &[&str] = &["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError"];

/// A Kafka that is installed on this machine.
#[derive(Debug)]
pub(super) struct Installation {
    java: PathBuf,
    class_path: OsString,
}

impl Installation {
    /// Finds the jars where `tools/fetch-kafka` puts them, and Java in `JAVA_HOME` or on the path.
    pub(super) fn locate() -> Result<Self> {
        let home = match env::var_os(HOME_VARIABLE) {
            Some(home) => PathBuf::from(home),
            None => env::home_dir().context("no home directory")?.join(format!(".cache/user-info/kafka-{VERSION}")),
        };
        let libs = home.join("libs");
        let present = libs.join(format!("kafka_2.13-{VERSION}.jar")).exists();
        ensure!(present, "Kafka {VERSION} is not in {}: run `make setup-test` or `tools/fetch-kafka`", home.display());
        let java =
            env::var_os("JAVA_HOME").map_or_else(|| PathBuf::from("java"), |home| Path::new(&home).join("bin/java"));
        Ok(Self { java, class_path: libs.join("*").into_os_string() })
    }

    /// A Java process that runs `class` in `dir`.
    pub(super) fn java(&self, dir: &Path, speed: Speed, class: &str) -> Command {
        let options = match speed {
            Speed::Start => START_OPTIONS,
            Speed::Throughput => THROUGHPUT_OPTIONS,
        };
        let mut command = Command::new(&self.java);
        command.current_dir(dir).args(options).arg(format!("-Dlog4j2.configurationFile={LOGGING_FILE_NAME}"));
        command.arg("-cp").arg(&self.class_path).arg(class);
        command
    }
}
