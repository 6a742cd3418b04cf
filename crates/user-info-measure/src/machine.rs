//! What was measured on, and what of: figures of other machines and versions do not compare.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine and the versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// The commit, with a plus sign if files were changed since.
    pub(crate) revision: String,
    /// Of Java, PostgreSQL and Redis, as they say themselves.
    pub(crate) versions: Vec<String>,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kibibytes = after(&memory, "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse().ok());
        Self {
            processor: after(&processors, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: kibibytes.map_or(0, |kibibytes: u64| kibibytes / (1024 * 1024)),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            revision: revision(),
            versions: versions(),
        }
    }
}

fn after<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn revision() -> String {
    let git = |arguments: &[&str]| said("git", arguments).unwrap_or_default();
    let changed = if git(&["status", "--porcelain", "--untracked-files=no"]).is_empty() { "" } else { "+" };
    let commit = git(&["rev-parse", "--short", "HEAD"]);
    if commit.is_empty() { "unknown".into() } else { commit + changed }
}

fn versions() -> Vec<String> {
    let asked: [(&str, &[&str]); 3] =
        [("java", &["-version"]), ("psql", &["--version"]), ("redis-server", &["--version"])];
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let said = asked.iter().filter_map(|(program, arguments)| said(program, arguments)).map(first_line);
    said.chain(["Apache Kafka 4.4.0".to_owned()]).collect()
}

/// What a program writes; Java says its version on standard error.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}
