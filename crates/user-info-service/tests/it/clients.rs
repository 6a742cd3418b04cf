//! Clients in Python that nobody here wrote, each call of theirs one line of what came back.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use user_info_testkit::Process;

/// How long a client may take for a few calls, its start on a busy machine included.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a script of the folder `clients` with an address, calls and variables of its environment.
#[track_caller]
pub(crate) fn ask(script: &str, address: &str, calls: &Value, variables: &[(&str, &Path)]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(script);
    let mut command = Command::new(home().join("bin/python"));
    command.arg(script).arg(address).arg(calls.to_string()).envs(variables.iter().copied());
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*").env_remove("PYTHONPATH");
    let mut process = Process::spawn(&command).unwrap();
    let status = process.wait(LIMIT).unwrap();
    assert!(status.success(), "{status}: {}", process.tail());
    process.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn home() -> PathBuf {
    let home = env::var_os("USER_INFO_STREAM_CLIENTS_HOME").map_or_else(
        || Path::new(&env::var_os("HOME").unwrap()).join(".cache/user-info/stream-clients"),
        PathBuf::from,
    );
    assert!(home.join("requirements.sha256").is_file(), "no clients in {}: run make setup-test", home.display());
    home
}
