//! What latencies amount to.

use std::time::Duration;

use user_info_bench::latency::Latencies;

#[test]
fn percentiles_are_those_of_what_was_noted() {
    let (mut odd, mut even) = (Latencies::default(), Latencies::default());
    for micros in 1..=10_000 {
        if micros % 2 == 0 { &mut even } else { &mut odd }.record(Duration::from_micros(micros));
    }
    odd.add(&even);
    let found = odd.percentiles();
    assert_eq!(found.count, 10_000);
    let expected = [(found.p50, 5.0), (found.p90, 9.0), (found.p95, 9.5), (found.p99, 9.9), (found.p99_9, 9.99)];
    for (found, expected) in expected.into_iter().chain([(found.p99_99, 9.999), (found.max, 10.0)]) {
        assert!((found / expected - 1.0).abs() < 0.001, "{found} in place of {expected}");
    }
}

#[test]
fn the_curve_rises_to_the_longest() {
    let mut latencies = Latencies::default();
    (1..=1_000).for_each(|millis| latencies.record(Duration::from_millis(millis)));
    let curve = latencies.curve();
    assert!(curve.is_sorted_by(|one, other| one.0 <= other.0 && one.1 <= other.1), "{curve:?}");
    let (share, longest) = *curve.last().unwrap();
    assert_eq!(share, 1.0);
    assert!((longest / 1_000.0 - 1.0).abs() < 0.001, "{longest}");
}

#[test]
fn what_took_longer_than_can_be_told_apart_counts_as_the_longest() {
    let mut latencies = Latencies::default();
    latencies.record(Duration::from_secs(100_000));
    latencies.record(Duration::ZERO);
    assert!((latencies.percentiles().max / 600_000.0 - 1.0).abs() < 0.001);
    assert_eq!(latencies.percentiles().count, 2);
}
