//! A seed is new for each run, is printed, and can be given back.

use std::time::Duration;

use user_info_testkit::{Process, Seed, soak};

use crate::subprocess::ignored_test;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
#[ignore = "started by other tests as a process of its own"]
fn show_settings() {
    println!("got seed {} and soak {}", Seed::of_this_run(), soak());
}

fn settings(variables: &[(&str, &str)]) -> Process {
    let mut command = ignored_test("randomness::show_settings");
    command.env_remove("USER_INFO_TEST_SEED").env_remove("USER_INFO_SOAK").envs(variables.iter().copied());
    let mut process = Process::spawn(&command).unwrap();
    process.wait(LIMIT).unwrap();
    process
}

/// The part of the first output line with `before` that follows it, up to the next space.
fn word_after(before: &str, process: &mut Process) -> String {
    let line = process.wait_for_line(before, LIMIT).unwrap();
    let (_, rest) = line.split_once(before).unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

#[test]
fn each_run_has_a_seed_of_its_own() {
    let seeds = [word_after("got seed ", &mut settings(&[])), word_after("got seed ", &mut settings(&[]))];
    assert_ne!(seeds[0], seeds[1]);
}

#[test]
fn the_printed_line_replays_the_run() {
    let mut first = settings(&[]);
    let printed = word_after("USER_INFO_TEST_SEED=", &mut first);
    assert_eq!(printed, word_after("got seed ", &mut first));
    let mut replay = settings(&[("USER_INFO_TEST_SEED", &printed)]);
    assert_eq!(printed, word_after("got seed ", &mut replay));
}

#[test]
fn a_seed_that_is_no_number_is_refused() {
    let process = settings(&[("USER_INFO_TEST_SEED", "seven")]);
    let expected = r#"USER_INFO_TEST_SEED="seven" is not a whole number"#;
    assert!(process.stderr().contains(expected), "{}", process.tail());
}

#[test]
fn soak_follows_its_variable() {
    for (value, expected) in [("1", "true"), ("0", "false"), ("", "false")] {
        let soak = word_after("and soak ", &mut settings(&[("USER_INFO_SOAK", value)]));
        assert_eq!(soak, expected, "USER_INFO_SOAK={value:?}");
    }
    assert_eq!(word_after("and soak ", &mut settings(&[])), "false");
}
