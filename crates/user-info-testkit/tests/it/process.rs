//! A process shows its output and its end, and takes signals.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use user_info_testkit::{Process, eventually};

use crate::subprocess::ignored_test;

const LIMIT: Duration = Duration::from_secs(60);

/// Long enough to be noticed by any limit above; the process is killed when its handle is dropped.
const FOR_EVER: &str = "while :; do sleep 0.02; done";

fn shell(script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::spawn(&command).unwrap()
}

/// The letters of the states of the process's threads, see proc_pid_stat(5): T is stopped.
fn states(process: &Process) -> String {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let stats = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
    stats.map(|stat| stat.rsplit(") ").next().unwrap()[..1].to_owned()).collect()
}

#[test]
fn lines_of_both_streams_are_found() {
    let mut process = shell(&format!("echo one; echo two on 8080; echo three >&2; {FOR_EVER}"));
    assert_eq!(process.wait_for_line("two on", LIMIT).unwrap(), "two on 8080");
    assert_eq!(process.wait_for_line("three", LIMIT).unwrap(), "three");
    assert_eq!(process.wait_for_line("one", LIMIT).unwrap(), "one", "a line already passed counts");
    assert_eq!((process.stdout().as_str(), process.stderr().as_str()), ("one\ntwo on 8080\n", "three\n"));
}

#[test]
fn a_line_counts_when_it_is_complete() {
    let mut process = shell(&format!("printf 'listening on 80'; sleep 0.1; echo 80; {FOR_EVER}"));
    assert_eq!(process.wait_for_line("listening", LIMIT).unwrap(), "listening on 8080");
}

#[test]
fn a_missing_line_is_an_error_with_the_output() {
    let mut ended = shell("echo the reason >&2; exit 4");
    let error = ended.wait_for_line("ready", LIMIT).unwrap_err().to_string();
    assert!(error.contains("exit status: 4") && error.contains("the reason"), "{error}");

    let mut silent = shell(&format!("echo not yet; {FOR_EVER}"));
    silent.wait_for_line("not yet", LIMIT).unwrap();
    let error = silent.wait_for_line("ready", Duration::from_millis(20)).unwrap_err().to_string();
    assert!(error.contains(r#"no line with "ready" within 20ms"#) && error.contains("not yet"), "{error}");
}

#[test]
fn the_exit_status_is_waited_for() {
    assert_eq!(shell("sleep 0.05; exit 3").wait(LIMIT).unwrap().code(), Some(3));

    let mut process = shell(FOR_EVER);
    let error = process.wait(Duration::from_millis(20)).unwrap_err().to_string();
    assert!(error.contains("still runs after 20ms"), "{error}");
    assert!(process.is_running().unwrap());
}

#[test]
fn a_program_that_does_not_exist_ends_with_127() {
    let mut process = Process::spawn(&Command::new("no-such-program")).unwrap();
    assert_eq!(process.wait(LIMIT).unwrap().code(), Some(127));
    assert!(process.tail().contains("no-such-program"), "{}", process.tail());
}

#[test]
fn signals_arrive() {
    let script = format!("trap 'exit 15' TERM; trap 'exit 2' INT; echo up; {FOR_EVER}");
    type Send = fn(&mut Process) -> anyhow::Result<()>;
    for (send, code) in [(Process::terminate as Send, 15), (Process::interrupt, 2)] {
        let mut process = shell(&script);
        process.wait_for_line("up", LIMIT).unwrap();
        send(&mut process).unwrap();
        assert_eq!(process.wait(LIMIT).unwrap().code(), Some(code));
        assert!(send(&mut process).unwrap_err().to_string().contains("has already ended"));
    }
}

#[test]
fn a_handler_of_sigterm_is_seen_once_it_is_there() {
    let process = shell(FOR_EVER);
    eventually(LIMIT, "the shell runs", || states(&process) == "S");
    assert!(!process.handles_sigterm().unwrap());
    let process = shell(&format!("trap 'exit 15' TERM; {FOR_EVER}"));
    eventually(LIMIT, "the trap is set", || process.handles_sigterm().unwrap());
    let mut process = shell("true");
    process.wait(LIMIT).unwrap();
    assert!(process.handles_sigterm().is_err());
}

#[test]
fn kill_ends_at_once_and_again_does_no_harm() {
    let mut process = shell(&format!("trap '' TERM; {FOR_EVER}"));
    assert_eq!(process.kill().unwrap().signal(), Some(9));
    assert_eq!(process.kill().unwrap().signal(), Some(9));
    assert!(!process.is_running().unwrap());
}

#[test]
#[ignore = "started by another test as a process of its own"]
fn keep_many_threads_busy() {
    (0..16).for_each(|_| drop(thread::spawn(|| while std::hint::black_box(true) {})));
    println!("busy");
    eventually(LIMIT, "somebody kills this process", || false);
}

#[test]
fn a_paused_process_stands_still_at_once_and_goes_on_when_resumed() {
    let mut process = Process::spawn(&ignored_test("process::keep_many_threads_busy")).unwrap();
    process.wait_for_line("busy", LIMIT).unwrap();
    for _ in 0..5 {
        process.pause().unwrap();
        let states = states(&process);
        assert!(states.len() > 16 && states.chars().all(|state| state == 'T'), "{states}");
        process.pause().unwrap();
        process.resume().unwrap();
    }
    eventually(LIMIT, "the process goes on", || !states(&process).contains('T'));
}

#[test]
fn directory_and_variables_are_passed_on_and_standard_input_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"cat; echo "$PWD $GREETING ${HOME-none}""#]);
    command.current_dir(dir.path()).env("GREETING", "hello world").env_remove("HOME");
    let mut process = Process::spawn(&command).unwrap();
    process.wait(LIMIT).unwrap();
    assert_eq!(process.stdout(), format!("{} hello world none\n", dir.path().canonicalize().unwrap().display()));
}
