//! The measurements as somebody runs them: real servers, real peers, small numbers. What peers answer is held against the log by
//! the audit that each passes before it is measured.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use user_info_testkit::Process;

/// Two minutes on a quiet machine with two cores.
const LIMIT: Duration = Duration::from_secs(900);

struct Finished {
    succeeded: bool,
    output: String,
}

fn measure(arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-info-measure"));
    command.args(arguments);
    let mut process = Process::spawn(&command).unwrap();
    let status = process.wait(LIMIT).unwrap();
    Finished { succeeded: status.success(), output: process.stdout() + &process.stderr() }
}

/// Runs few users for a second, once each.
fn run(results: &Path, scenarios: &[&str], more: &[&str]) -> Finished {
    let results = results.to_str().unwrap();
    let small = ["--users", "200", "--rounds", "1", "--seconds", "1", "--warm-up", "0", "--results", results];
    measure(&[&["run"], scenarios, &small, more].concat())
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn report(results: &Path, out: &Path) -> Finished {
    measure(&["report", "--results", results.to_str().unwrap(), "--out", out.to_str().unwrap()])
}

#[test]
fn every_design_passes_the_audit_is_measured_once_and_stands_in_the_report() {
    let folder = TempDir::new().unwrap();
    let (results, out) = (folder.path().join("results"), folder.path().join("report"));
    let subjects = "ours,ours-redis,shared-tables,shared-tables-default,microservices,cache-aside";
    let measure_all = || run(&results, &["rebuild"], &["--subjects", subjects]);
    let finished = measure_all();
    assert!(finished.succeeded, "{}", finished.output);
    let found = files(&results);
    assert_eq!(found.len(), 6, "{found:?}");
    for file in &found {
        let record = read(file);
        assert_eq!(record["audited_users"].as_u64(), Some(200), "{file:?}: {record}");
        assert_eq!(record["outcome"]["figures"]["records"].as_f64(), Some(1_000.0), "{file:?}: {record}");
    }

    let again = measure_all();
    assert!(again.succeeded && !again.output.contains("publishing"), "it was measured again\n{}", again.output);

    let written = report(&results, &out);
    assert!(written.succeeded, "{}", written.output);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    let tables = fs::read_to_string(out.join("tables.md")).unwrap();
    for subject in subjects.split(',') {
        assert!(page.contains(&format!(">{subject}<")) && tables.contains(&format!("| {subject} |")), "{subject}");
    }
    assert!(page.contains("Execution Time"), "no plan of the query");
}

#[test]
fn every_scenario_measures_ours_and_those_that_suit_it_the_floor() {
    let folder = TempDir::new().unwrap();
    let scenarios = ["read-latency", "update-latency", "ingest-cost", "restart", "catch-up"];
    let finished = run(folder.path(), &scenarios, &["--subjects", "ours,floor"]);
    assert!(finished.succeeded, "{}", finished.output);
    let found = files(folder.path());
    assert_eq!(found.len(), (6 + 2 + 3 + 1 + 1) + 6, "{found:?}");
    for file in found.iter().filter(|file| file.to_str().unwrap().contains("read-latency")) {
        let figures = &read(file)["outcome"]["figures"];
        assert_eq!(figures["errors"].as_f64(), Some(0.0), "{file:?}: {figures}");
        assert!(figures["count"].as_f64() > Some(0.0), "{file:?}: {figures}");
    }
    let figure = |scenario: &str, case: &str, name: &str| {
        let file = folder.path().join("200-users").join(scenario).join(case).join("ours-1.json");
        read(&file)["outcome"]["figures"][name].as_f64().unwrap_or_else(|| panic!("{scenario} has no {name}"))
    };
    for ended in ["stopped", "killed"] {
        let answered = figure("restart", "0rps-0fps", &format!("{ended}_first_answer_s"));
        let caught_up = figure("restart", "0rps-0fps", &format!("{ended}_caught_up_s"));
        assert!(0.0 < answered && answered <= caught_up, "{ended}: {answered}, {caught_up}");
    }
    assert_eq!(figure("catch-up", "1000rps-0fps", "records"), 200.0);
    let rate = figure("ingest-cost", "0rps-1000fps", "facts_per_s");
    assert!(rate > figure("ingest-cost", "0rps-0fps", "facts_per_s"), "{rate}");

    let out = folder.path().join("report");
    let written = report(folder.path(), &out);
    assert!(written.succeeded, "{}", written.output);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(
        page.contains("<svg") && !page.contains("src=") && !page.contains("href=\"http"),
        "it needs something else"
    );
    assert!(files(&out).iter().any(|file| file.extension().is_some_and(|it| it == "svg")));
}

/// Limits that nobody can break and ones that everybody breaks would both say nothing: what is printed is compared with the
/// limit here again.
#[test]
fn the_check_holds_each_figure_against_its_limit() {
    let finished = measure(&["check", "--users", "200", "--seconds", "1", "--warm-up", "0", "--rate", "200"]);
    let lines: Vec<&str> =
        finished.output.lines().filter(|line| line.contains("p95") || line.contains("at most")).collect();
    assert_eq!(lines.len(), 6, "{}", finished.output);
    let is_broken = |line: &&str| {
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(line.contains("BROKEN"), numbers[0] > numbers[1], "{line}");
        numbers[0] > numbers[1]
    };
    let broken = lines.iter().filter(|line| is_broken(line)).count();
    assert_eq!(finished.succeeded, broken == 0, "{}", finished.output);
}

#[test]
fn a_report_of_nothing_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let finished = report(folder.path(), &folder.path().join("report"));
    let expected = "error: nothing was measured yet: run `user-info-measure all` first\n";
    assert_eq!((finished.succeeded, finished.output.as_str()), (false, expected));
}

#[test]
fn an_unknown_scenario_names_those_that_there_are() {
    let finished = measure(&["run", "everything"]);
    assert!(!finished.succeeded && finished.output.contains("read-latency"), "{}", finished.output);
}
