//! When requests are due.

use std::time::Duration;

use user_info_bench::arrivals::{Arrivals, Schedule};

const PER_SECOND: f64 = 1_000.0;
const COUNT: usize = 200_000;

fn times(arrivals: Arrivals, seed: u64) -> Vec<Duration> {
    Schedule::new(arrivals, PER_SECOND, seed).take(COUNT).collect()
}

/// How many are due in each of the first tenths of a second.
fn per_tenth(times: &[Duration]) -> Vec<f64> {
    let mut counts = vec![0.0; COUNT / 100 - 10];
    for time in times {
        if let Some(count) = counts.get_mut((time.as_secs_f64() * 10.0) as usize) {
            *count += 1.0;
        }
    }
    counts
}

/// The variance of counts in proportion to their mean: 0 of a clock, 1 of a Poisson process.
fn dispersion(counts: &[f64]) -> f64 {
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / counts.len() as f64 / mean
}

#[test]
fn constant_arrivals_keep_their_distance_and_do_not_drift() {
    let times = times(Arrivals::Constant, 1);
    for (number, time) in (1_u64..).zip(&times) {
        assert_eq!(*time, Duration::from_millis(number));
    }
    assert!(dispersion(&per_tenth(&times)) < 0.02);
}

#[test]
fn poisson_arrivals_have_the_rate_and_the_spread_of_their_name() {
    let times = times(Arrivals::Poisson, 1);
    assert!(times.is_sorted());
    let rate = COUNT as f64 / times.last().unwrap().as_secs_f64();
    assert!((rate / PER_SECOND - 1.0).abs() < 0.01, "{rate}");
    let dispersion = dispersion(&per_tenth(&times));
    assert!((dispersion - 1.0).abs() < 0.15, "{dispersion}");
}

#[test]
fn equal_seeds_are_due_at_equal_times() {
    assert_eq!(times(Arrivals::Poisson, 7), times(Arrivals::Poisson, 7));
    assert_ne!(times(Arrivals::Poisson, 7), times(Arrivals::Poisson, 8));
}
