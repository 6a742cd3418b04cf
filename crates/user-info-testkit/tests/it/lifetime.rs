//! What a test starts ends with the test, whatever happens to the test; and not before.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use user_info_testkit::{Process, eventually};

use crate::subprocess::ignored_test;

const LIMIT: Duration = Duration::from_secs(60);

fn sleeper() -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", "trap 'exit 15' TERM; echo last words; while :; do sleep 0.02; done"]);
    let mut process = Process::spawn(&command).unwrap();
    process.wait_for_line("last words", LIMIT).unwrap();
    process
}

fn exists(id: u32) -> bool {
    Path::new("/proc").join(id.to_string()).exists()
}

/// The temporary directories that belong to the test process `id`.
fn scratch_dirs(id: u32) -> Vec<PathBuf> {
    let prefix = format!("user-info-test-{id}-");
    let entries = fs::read_dir(env::temp_dir()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix)).collect()
}

#[test]
fn dropping_kills() {
    let process = sleeper();
    let id = process.id();
    assert!(exists(id));
    drop(process);
    assert!(!exists(id));
}

/// Prints what its parent looks for, and waits until it is killed.
#[test]
#[ignore = "started by other tests as a process of its own"]
fn hold_a_process_until_killed() {
    let process = sleeper();
    println!("child={}", process.id());
    std::io::stdout().flush().unwrap();
    eventually(LIMIT, "somebody kills this process", || false);
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn start_and_drop_a_process() {
    drop(sleeper());
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn panic_with_a_process() {
    let process = sleeper();
    println!("child={}", process.id());
    panic!("on purpose");
}

fn child_of(test: &mut Process) -> u32 {
    let line = test.wait_for_line("child=", LIMIT).unwrap();
    line.split_once("child=").unwrap().1.parse().unwrap()
}

#[test]
fn a_killed_test_process_takes_its_children_along_and_its_files_go_later() {
    let mut test = Process::spawn(&ignored_test("lifetime::hold_a_process_until_killed")).unwrap();
    let child = child_of(&mut test);
    assert!(exists(child) && !scratch_dirs(test.id()).is_empty());
    test.kill().unwrap();
    eventually(LIMIT, "the kernel kills the child", || !exists(child));

    let mut next = Process::spawn(&ignored_test("lifetime::start_and_drop_a_process")).unwrap();
    assert!(next.wait(LIMIT).unwrap().success(), "{}", next.tail());
    assert_eq!(scratch_dirs(test.id()), Vec::<PathBuf>::new());
    assert_eq!(scratch_dirs(next.id()), Vec::<PathBuf>::new());
}

#[test]
fn a_panic_kills_and_shows_the_end_of_the_output() {
    let mut test = Process::spawn(&ignored_test("lifetime::panic_with_a_process")).unwrap();
    let child = child_of(&mut test);
    assert_eq!(test.wait(LIMIT).unwrap().code(), Some(101));
    assert!(!exists(child));
    assert!(test.stderr().contains("last words"), "{}", test.tail());
    assert_eq!(scratch_dirs(test.id()), Vec::<PathBuf>::new());
}

#[test]
fn a_process_outlives_the_thread_that_started_it() {
    let mut process = thread::spawn(sleeper).join().unwrap();
    process.terminate().unwrap();
    assert_eq!(process.wait(LIMIT).unwrap().code(), Some(15), "it was killed when the thread ended");
}
