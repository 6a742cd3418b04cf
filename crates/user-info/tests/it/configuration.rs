//! Where options come from: the command line before the environment before the file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use user_info_testkit::{Process, free_port};

use crate::support::program::{Program, run};
use crate::support::waiting::LIMIT;

/// A directory with a configuration file.
struct Configured {
    directory: TempDir,
    file: PathBuf,
}

impl Configured {
    fn with(text: impl FnOnce(&str) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("user-info.toml");
        fs::write(&file, text(directory.path().to_str().unwrap())).unwrap();
        Self { directory, file }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Program::under_test().command(arguments);
        command.current_dir(self.directory.path()).env("USER_INFO_CONFIG", &self.file);
        command
    }
}

/// The public address that a server prints once it is bound.
#[track_caller]
fn address_of(command: &Command) -> String {
    let mut process = Process::spawn(command).unwrap();
    let line = process.wait_for_line("public http://", LIMIT).unwrap();
    process.terminate().unwrap();
    assert!(process.wait(LIMIT).unwrap().success(), "{}", process.tail());
    line.trim_start_matches("public http://").to_owned()
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let [in_file, in_environment, on_command_line] =
        [free_port(), free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let configured = Configured::with(|directory| {
        format!(
            "log = \"embedded:{directory}/log\"\n\n\
             [serve]\nstore = \"memory:\"\nlisten = \"{in_file}\"\nadmin = \"127.0.0.1:0\"\n"
        )
    });
    assert_eq!(address_of(&configured.command(&["serve"])), in_file);

    let mut command = configured.command(&["serve"]);
    command.env("USER_INFO_LISTEN", &in_environment);
    assert_eq!(address_of(&command), in_environment);

    let mut command = configured.command(&["serve", "--listen", &on_command_line]);
    command.env("USER_INFO_LISTEN", &in_environment);
    assert_eq!(address_of(&command), on_command_line);
}

#[test]
fn a_table_holds_for_its_subcommand_alone() {
    let configured = Configured::with(|directory| {
        format!(
            "log = \"embedded:{directory}/log\"\n\n[topics.create]\npartitions = 2\n\n[get]\nserver = \"ftp://x\"\n"
        )
    });
    let created = run(&configured.command(&["topics", "create"])).with_status(0);
    assert!(created.stdout.contains("topic follows: created"), "{created:?}");
    run(&configured.command(&["topics", "check"])).with_status(0);
    run(&configured.command(&["get", "12"])).with_status(2).that_says("ftp://x");
}

#[test]
fn a_file_with_mistakes_is_refused_before_anything_happens() {
    for (text, words) in [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("[serve]\nusers = 5", "users"),
        ("listen = ", "not TOML"),
        ("[serve]\nlisten = \"nowhere\"", "nowhere"),
        ("[serve]\ndrain = [1, 2]\n[serve.deep]\nx = 1", "deep"),
    ] {
        let configured = Configured::with(|_| text.to_owned());
        let command = configured.command(&["serve", "--log", "embedded:log", "--store", "memory:"]);
        run(&command).with_status(2).that_says(words);
        assert!(!configured.directory.path().join("log").exists(), "{text}");
    }
    let configured = Configured::with(|_| String::new());
    let mut command = configured.command(&["topics", "check", "--log", "embedded:log"]);
    command.env("USER_INFO_CONFIG", "/does/not/exist.toml");
    run(&command).with_status(2).that_says("/does/not/exist.toml");
}
