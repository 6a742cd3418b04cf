//! How often: actions by the clock, connections by Twitter's rules.

use std::time::{Duration, Instant};

use user_info_upstream::Pacer;
use user_info_upstream::stream::backoff::{Backoff, Ending};

#[test]
fn no_action_is_lost_to_late_ticks_or_fractions() {
    let started = Instant::now();
    let mut pacer = Pacer::new(3.7, started);
    let mut total = 0;
    for tick in 1..=1_000_u64 {
        // Ticks of 20 ms, every seventh of which comes very late.
        let late = if tick % 7 == 0 { 500 } else { 0 };
        let due = pacer.due(started + Duration::from_millis(20 * tick + late));
        pacer.done(due);
        total += due;
    }
    let due = pacer.due(started + Duration::from_secs(1_000));
    assert_eq!(total + due, 3_700);
}

#[test]
fn what_is_done_is_not_due() {
    let started = Instant::now();
    let mut pacer = Pacer::new(100.0, started);
    let now = started + Duration::from_secs(1);
    assert_eq!(pacer.due(now), 100);
    pacer.done(30);
    assert_eq!(pacer.due(now), 70);
    pacer.done(90);
    assert_eq!(pacer.due(now), 0, "ahead of the clock");
    assert_eq!(pacer.due(started), 0, "the past");
}

#[test]
fn no_rate_means_no_actions() {
    let started = Instant::now();
    for rate in [0.0, -1.0, f64::NAN] {
        assert_eq!(Pacer::new(rate, started).due(started + Duration::from_secs(9)), 0, "{rate}");
    }
}

fn waits(endings: &[Ending]) -> Vec<u64> {
    let mut backoff = Backoff::default();
    endings.iter().map(|&ending| backoff.wait_after(ending).as_millis() as u64).collect()
}

#[test]
fn a_live_connection_that_drops_is_replaced_at_once() {
    assert_eq!(waits(&[Ending::Dropped, Ending::Dropped, Ending::Network]), [0, 0, 250]);
}

#[test]
fn at_once_is_once() {
    assert_eq!(waits(&[Ending::Flapped; 4]), [0, 250, 500, 750]);
    assert_eq!(waits(&[Ending::Dropped, Ending::Flapped, Ending::Flapped]), [0, 250, 500]);
    assert_eq!(waits(&[Ending::Network, Ending::Flapped, Ending::Flapped]), [250, 0, 250]);
    assert_eq!(waits(&[Ending::Flapped, Ending::Flapped, Ending::Dropped, Ending::Network]), [0, 250, 0, 250]);
    assert_eq!(waits(&[Ending::Flapped, Ending::Status, Ending::Flapped, Ending::Flapped]), [0, 5_000, 0, 250]);
}

#[test]
fn network_failures_wait_longer_by_the_same_step() {
    assert_eq!(waits(&[Ending::Network; 4]), [250, 500, 750, 1_000]);
    assert_eq!(waits(&[Ending::Network; 100])[62..66], [15_750, 16_000, 16_000, 16_000]);
}

#[test]
fn error_statuses_wait_twice_as_long_each_time() {
    assert_eq!(
        waits(&[Ending::Status; 9]),
        [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 320_000, 320_000]
    );
    assert_eq!(waits(&[Ending::Status; 100])[99], 320_000);
}

#[test]
fn coming_too_often_waits_from_a_minute_and_twice_as_long_each_time() {
    assert_eq!(waits(&[Ending::RateLimited; 6]), [60_000, 120_000, 240_000, 480_000, 960_000, 960_000]);
    assert_eq!(waits(&[Ending::RateLimited; 100])[99], 960_000);
}

#[test]
fn only_failures_in_a_row_add_up() {
    let endings = [Ending::Status, Ending::Status, Ending::Dropped, Ending::Status, Ending::Network, Ending::Status];
    assert_eq!(waits(&endings), [5_000, 10_000, 0, 5_000, 250, 5_000]);
}

#[test]
fn only_a_connection_that_lasts_lifts_the_penalty_for_coming_too_often() {
    let between = [Ending::Network, Ending::Status, Ending::Flapped];
    for ending in between {
        assert_eq!(waits(&[Ending::RateLimited, ending, Ending::RateLimited])[2], 120_000, "{ending:?}");
    }
    assert_eq!(waits(&[Ending::RateLimited, Ending::Dropped, Ending::RateLimited])[2], 60_000);
}
