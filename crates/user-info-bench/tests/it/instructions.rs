//! What one GET and one applied fact take, in instructions: a number that no busy machine blurs. Counted by callgrind of the
//! example `instructions`, as the difference of two runs, so that starting does not count.
//!
//! When a change is meant to cost something, or saves something, put the new number here with it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// How far a count may lie from what is stated here, in hundredths. Compilers and C libraries differ by less from one Debian to
/// the next; what matters is more.
const TOLERANCE_PERCENT: u64 = 10;

/// Instructions of one GET, from the request's bytes to the answer's.
const GET: u64 = 50_900;

/// The same of an answer that is ready.
const GET_READY: u64 = 23_300;

/// Instructions of one new follow, from its JSON to the memtable.
const APPLY: u64 = 45_200;

/// Cargo builds examples with the tests, beside them.
fn example() -> PathBuf {
    let tests = env::current_exe().unwrap();
    let example = tests.ancestors().nth(2).unwrap().join("examples/instructions");
    assert!(example.exists(), "{} is missing: build with `cargo test --no-run`", example.display());
    example
}

/// All instructions of a run.
fn counted(what: &str, count: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(example())
        .args([what, &count.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("valgrind cannot be run ({error}): tools/setup test installs it"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("callgrind counted nothing: {said}"))
}

/// Instructions of one, from runs of so many and of twice as many.
fn each(what: &str, count: u64) -> u64 {
    (counted(what, 2 * count) - counted(what, count)) / count
}

#[track_caller]
fn check(what: &str, found: u64, stated: u64) {
    let far = found.abs_diff(stated) * 100 / stated;
    assert!(
        far <= TOLERANCE_PERCENT,
        "one {what} takes {found} instructions, {far} % off the {stated} that are stated"
    );
}

#[test]
fn one_get_takes_what_is_stated() {
    check("get", each("get", 2_000), GET);
}

#[test]
fn one_get_of_an_answer_that_is_ready_takes_what_is_stated() {
    check("get-ready", each("get-ready", 2_000), GET_READY);
}

#[test]
fn one_applied_fact_takes_what_is_stated() {
    check("apply", each("apply", 5_000), APPLY);
}
