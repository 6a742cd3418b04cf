//! Every operation of `/openapi.json` asked for by schemathesis, with what the description allows and what it forbids: no fault
//! of ours, and no status, header or shape that it does not describe.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use user_info_core::AccountState;
use user_info_testkit::Process;

use crate::support::facts::{followed, user, user_in_state};
use crate::support::world::World;

/// Requests to each operation that schemathesis makes up, besides those that it derives from the description.
const EXAMPLES_MAX: &str = "20";

/// It takes a quarter of a minute alone on two cores, and many times as long where others want them.
const PATIENCE: Duration = Duration::from_secs(300);

/// The same requests in every run.
const SEED: &str = "7";

/// The virtual environment was moved after it was made, so that its scripts do not know their Python.
const MAIN: &str = "from schemathesis.cli import schemathesis; schemathesis()";

fn home() -> PathBuf {
    let home = env::var_os("USER_INFO_SCHEMATHESIS_HOME")
        .map_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache/user-info/schemathesis"), PathBuf::from);
    assert!(home.join("requirements.sha256").is_file(), "no schemathesis in {}: run make setup-test", home.display());
    home
}

#[test]
fn the_server_does_what_its_description_says_and_nothing_else() {
    let world = World::embedded();
    // Those of the description's examples, and some whom short made-up ids hit.
    let shown = ["12", "0", "1", "00", "batch"].map(|id| user(id, if id == "12" { "ada" } else { id }));
    world.publish(&shown);
    world.publish(&[followed("0", "12"), user_in_state("10", "ten", AccountState::Suspended)]);
    let server = world.replica("store").started();
    server.until_caught_up();
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openapi/schemathesis.toml");
    let mut command = Command::new(home().join("bin/python"));
    command.args(["-c", MAIN, "--config-file"]).arg(configuration).args(["--no-color", "run"]);
    command.arg(format!("{}/openapi.json", server.url())).args(["--checks", "all", "--continue-on-failure"]);
    command.args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES_MAX, "--seed", SEED]);
    // A stream has no end to wait for.
    command.args(["--exclude-path", "/users/{user_id}/events"]);
    // Ids are bounded in bytes, which a schema cannot say: characters of one byte keep to both.
    command.args(["--generation-codec", "ascii", "--generation-database", "none", "--no-shrink", "--warnings", "off"]);
    command
        .current_dir(world.path(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "*")
        .env_remove("PYTHONPATH");
    let mut schemathesis = Process::spawn(&command).unwrap();
    let status = schemathesis.wait(PATIENCE).unwrap();
    let said = schemathesis.stdout();
    assert!(status.success() && said.contains("No issues found"), "{status}\n{said}\n{}", schemathesis.stderr());
}
