//! The load generator against servers that behave and servers that do not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use user_info_bench::BenchError;
use user_info_bench::arrivals::Arrivals;
use user_info_bench::load::{Fault, LoadConfig, LoadReport, Pace, run};
use user_info_bench::users::{Popularity, Population};

use crate::servers::{answer_all, floor, start, with};

const SECOND: Duration = Duration::from_secs(1);

fn config(server: SocketAddr) -> LoadConfig {
    LoadConfig {
        server,
        target: "/users/{}".into(),
        pace: Pace::Open { per_second: 500.0, arrivals: Arrivals::Constant },
        connections: 4,
        threads: 1,
        warm_up: Duration::ZERO,
        duration: SECOND,
        answer_limit: 10 * SECOND,
        population: Population::Numbered(100),
        popularity: Popularity::Uniform,
        unknown_share: 0.0,
        seed: 1,
    }
}

fn measured(config: &LoadConfig) -> LoadReport {
    run(config, &Arc::default()).unwrap()
}

fn faults(report: &LoadReport) -> u64 {
    report.faults.values().sum()
}

#[test]
fn every_request_is_sent_once_and_counted() {
    let asked = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let seen = Arc::clone(&asked);
    let server = start(move |mut stream| {
        answer_all(&mut stream, |request| {
            let target = request.split(' ').nth(1)?.to_owned();
            let status = if target.contains("unknown") { 404 } else { 200 };
            *seen.lock().unwrap().entry(target).or_default() += 1;
            Some(with(status, "{}"))
        });
    });
    let config = LoadConfig { threads: 2, unknown_share: 0.1, ..config(server) };
    let answered = Arc::new(AtomicU64::new(0));
    let report = run(&config, &answered).unwrap();
    let asked = asked.lock().unwrap();
    let unknown: u64 = asked.iter().filter(|(target, _)| target.contains("unknown")).map(|(_, count)| count).sum();
    assert!(asked.keys().all(|target| target.starts_with("/users/")), "{asked:?}");
    // The last of 500 is due when the time is up, on both threads.
    assert_eq!(asked.values().sum::<u64>(), 498);
    assert_eq!(report.statuses, BTreeMap::from([(200, 498 - unknown), (404, unknown)]));
    assert!(unknown > 0 && report.latency.percentiles().count == 498 && report.lateness.percentiles().count == 498);
    assert_eq!((faults(&report), answered.load(Ordering::Relaxed)), (0, 498));
    let figures = report.figures();
    assert_eq!((figures.offered_per_s, figures.achieved_per_s), (Some(500.0), 498.0));
}

#[test]
fn who_would_have_asked_while_the_server_stalls_is_counted_from_then_on() {
    const STALL: Duration = Duration::from_millis(400);
    let stall_at = Instant::now() + Duration::from_millis(300);
    let server = start(move |mut stream| {
        answer_all(&mut stream, |_| {
            let now = Instant::now();
            if now >= stall_at && now < stall_at + STALL {
                thread::sleep(stall_at + STALL - now);
            }
            Some(with(200, "{}"))
        });
    });
    let report = measured(&config(server));
    let figures = report.figures();
    assert_eq!((figures.latency_ms.count, faults(&report)), (499, 0));
    // Of 499 requests 200 were due while nothing was answered, though only four connections could ask; half of these waited for
    // more than half of the stall. A closed loop would have had four slow ones.
    assert!(figures.latency_ms.p90 > 100.0, "{figures:?}");
    assert!(figures.queued >= 100, "{figures:?}");
}

#[test]
fn requests_before_the_warm_up_is_over_are_sent_and_not_counted() {
    let sent = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&sent);
    let server = start(move |mut stream| {
        answer_all(&mut stream, |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            Some(with(200, "{}"))
        });
    });
    let report = measured(&LoadConfig { warm_up: SECOND / 2, duration: SECOND / 2, ..config(server) });
    assert_eq!((report.statuses[&200], sent.load(Ordering::Relaxed)), (250, 499));
}

#[test]
fn what_goes_wrong_is_counted_by_its_kind_and_the_rest_is_asked_all_the_same() {
    let number = AtomicU64::new(0);
    let server = start(move |mut stream| {
        answer_all(&mut stream, |_| match number.fetch_add(1, Ordering::Relaxed) {
            100 => None,
            200 => Some("SSH-2.0\r\n\r\n".into()),
            300 => {
                thread::sleep(SECOND);
                None
            }
            350 => Some("HTTP/1.1 503 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".into()),
            _ => Some(with(200, "{}")),
        });
    });
    let report = measured(&LoadConfig { answer_limit: SECOND / 5, ..config(server) });
    let kinds = [Fault::Broken, Fault::TimedOut, Fault::Malformed];
    assert_eq!(report.faults, kinds.map(|fault| (fault, 1)).into(), "{:?}", report.statuses);
    assert_eq!(report.statuses, BTreeMap::from([(200, 495), (503, 1)]));
}

#[test]
fn a_server_that_is_asked_for_more_than_it_can_do_is_waited_for_once_and_not_for_each() {
    let slow = start(|mut stream| {
        answer_all(&mut stream, |_| {
            thread::sleep(Duration::from_millis(20));
            Some(with(200, "{}"))
        });
    });
    let report = measured(&LoadConfig { answer_limit: SECOND / 5, ..config(slow) });
    // Four connections answer 200 a second at most, 499 are due.
    assert!(report.faults[&Fault::TimedOut] > 100, "{report:?}");
    assert_eq!(report.statuses[&200] + faults(&report), 499);
}

#[test]
fn a_server_that_goes_away_is_asked_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let server = floor(&runtime, &stop);
    let stopping = thread::spawn(move || {
        thread::sleep(SECOND / 2);
        stop.cancel();
    });
    let report = measured(&config(server));
    stopping.join().unwrap();
    assert!(report.statuses[&200] > 100 && report.faults[&Fault::Connect] > 100, "{report:?}");
    assert_eq!(report.statuses[&200] + faults(&report), 499);
}

#[test]
fn as_fast_as_the_server_answers_every_connection_asks_all_the_time() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let server = floor(&runtime, &stop);
    let slow = start(|mut stream| {
        answer_all(&mut stream, |_| {
            thread::sleep(Duration::from_millis(20));
            Some(with(200, "{}"))
        });
    });
    let saturating = |server| LoadConfig { pace: Pace::Saturating, ..config(server) };
    let (fast, slow) = (measured(&saturating(server)), measured(&saturating(slow)));
    // Four connections, 20 ms each at least.
    assert!(slow.statuses[&200] <= 200, "{slow:?}");
    assert!(fast.statuses[&200] > 10 * slow.statuses[&200], "{fast:?}");
    assert_eq!((faults(&fast), faults(&slow), fast.figures().offered_per_s), (0, 0, None));
    stop.cancel();
}

#[test]
fn without_a_server_nothing_is_measured() {
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(&config(deserted), &Arc::default()).unwrap_err();
    assert!(matches!(error, BenchError::Connect { server, .. } if server == deserted), "{error}");
}
