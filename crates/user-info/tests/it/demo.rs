//! The demo: what its last line promises, on both logs, and that Ctrl-C ends it with a result.

use serde_json::Value;
use user_info_testkit::Process;

use crate::support::kafka::shared_broker;
use crate::support::program::Program;
use crate::support::turn;
use crate::support::waiting::LIMIT;

const OPTIONS: [&str; 7] = ["demo", "--users", "300", "--listen", "127.0.0.1:0", "--json", "--rate"];

fn arguments<'a>(rate: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    OPTIONS.into_iter().chain([rate]).chain(more.iter().copied()).collect()
}

/// What the contract says about the last line.
#[track_caller]
fn check(result: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} is no number in {result}"));
    for key in ["events", "users"] {
        assert!(number(&result[key]) > 0.0, "{key}: {result}");
    }
    for latency in ["get_ms", "update_ms"] {
        let of = &result[latency];
        let figures = ["p50", "p95", "p99", "max"].map(|key| number(&of[key]));
        assert!(figures.is_sorted() && figures[0] > 0.0, "{latency}: {result}");
        assert!(number(&of["count"]) > 0.0, "{latency}: {result}");
    }
    assert_eq!((&result["dead_letters"], &result["differences"]), (&0.into(), &0.into()), "{result}");
}

#[test]
fn the_embedded_demo_ends_with_a_result_and_without_a_difference() {
    let ended = Program::under_test().run(arguments("600", &["--duration", "5s"])).with_status(0);
    check(&ended.json());
    assert!(ended.json()["events"].as_u64().unwrap() > 600, "{ended:?}");
}

#[test]
fn the_demo_on_kafka_ends_with_a_result_and_without_a_difference() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let log = format!("kafka://{}", broker.bootstrap());
    let ended = Program::under_test().run(arguments("600", &["--duration", "5s", "--log", &log])).with_status(0);
    check(&ended.json());
}

#[test]
fn ctrl_c_ends_a_demo_with_a_result() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let demo = || -> Process { Program::under_test().start(arguments("300", &["--data", data])) };
    for round in ["a fresh directory", "a directory of an earlier demo"] {
        let mut process = demo();
        // A line of progress that shows users: everything runs.
        process.wait_for_line("events/s", LIMIT).unwrap();
        process.interrupt().unwrap();
        let status = process.wait(LIMIT).unwrap();
        assert_eq!(status.code(), Some(0), "{round}\n{}", process.tail());
        let stdout = process.stdout();
        let result: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!(result["differences"], 0, "{round}: {result}");
    }
}
