//! What requests over HTTP meet while facts come in: the service on RocksDB and then, in the same run, on a Redis server.
//!
//! `cargo bench -p user-info-bench --bench serving`. Clients, service, log and Redis share the cores. Latency counts from the time at which
//! a request should have been sent, 1,000 a second; throughput is what 32 connections get that ask as fast as they are
//! answered. Started without `--bench` it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

mod random;
mod support;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use user_info_bench::client::Client;
use user_info_core::{Fact, Timestamp};
use user_info_log::{Log, NewRecord, ProducerConfig};
use user_info_store::StoreUrl;
use user_info_testkit::{RedisConfig, RedisServer};

use random::Random;
use support::{open_log, serve};
use users::{filled, user};

const FACTS_PER_SECOND: u32 = 1_000;
const REQUESTS_PER_SECOND: u32 = 1_000;
const PACED_CONNECTIONS: u32 = 8;
const BUSY_CONNECTIONS: u32 = 32;

#[derive(Clone, Copy)]
struct Scale {
    users: u64,
    duration: Duration,
}

#[tokio::main]
async fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = if full {
        Scale { users: 1_000_000, duration: Duration::from_secs(20) }
    } else {
        Scale { users: 1_000, duration: Duration::from_millis(500) }
    };
    println!("{} users, {FACTS_PER_SECOND} facts a second", scale.users);
    let directory = tempfile::tempdir().unwrap();
    let rocksdb = measure("RocksDB", StoreUrl::RocksDb { path: directory.path().join("store") }, scale).await;
    let server = RedisServer::start(&RedisConfig::default()).unwrap();
    let redis = measure("Redis", server.url().parse().unwrap(), scale).await;
    println!("throughput on Redis: {:.2} of that on RocksDB", redis / rocksdb);
}

/// Returns the requests answered in a second.
async fn measure(name: &str, store: StoreUrl, scale: Scale) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let log = open_log(directory.path());
    let store = tokio::task::spawn_blocking(move || filled(&store, scale.users)).await.unwrap();
    let (address, stop, serving) = serve(&log, store).await;
    let publishing = Arc::new(AtomicBool::new(true));
    let publisher = publish(log, scale.users, Arc::clone(&publishing));
    let mut latencies = tokio::task::spawn_blocking(move || paced(address, scale)).await.unwrap();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (p50, p95, p99, max) = (at(0.5), at(0.95), at(0.99), at(1.0));
    let throughput = tokio::task::spawn_blocking(move || busy(address, scale)).await.unwrap();
    println!("{name:<8} GET p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  max {max:.2} ms   {throughput:.0} requests/s");
    publishing.store(false, Ordering::Relaxed);
    tokio::task::spawn_blocking(move || publisher.join().unwrap()).await.unwrap();
    stop.cancel();
    serving.await.unwrap();
    throughput
}

/// Follows of random users by random users, in slices of ten.
fn publish(log: Log, users: u64, publishing: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    const SLICE: u32 = 10;
    thread::spawn(move || {
        let mut producer = log.producer(&ProducerConfig::default()).unwrap();
        let (mut random, mut due) = (Random(5), Instant::now());
        while publishing.load(Ordering::Relaxed) {
            let slice: Vec<NewRecord> = (0..SLICE).map(|_| follow(&mut random, users)).collect();
            producer.publish(&slice).unwrap();
            due += Duration::from_secs(1) * SLICE / FACTS_PER_SECOND;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    })
}

fn follow(random: &mut Random, users: u64) -> NewRecord {
    let created_at = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let (follower_id, followee_id) = (user(random.below(users)), user(random.below(users)));
    NewRecord::fact(&Fact::Followed { follower_id, followee_id, created_at })
}

/// From the times at which requests should have been sent to their answers. The clients are threads: the timers of an
/// asynchronous runtime are up to a millisecond late, which is more than what is measured.
fn paced(address: SocketAddr, scale: Scale) -> Vec<Duration> {
    let interval = Duration::from_secs(1) * PACED_CONNECTIONS / REQUESTS_PER_SECOND;
    let count = (scale.duration.as_secs_f64() / interval.as_secs_f64()) as u32;
    let began = Instant::now();
    let connection = |number: u32| {
        let mut client = Client::connect(address).unwrap();
        let (mut random, mut latencies) = (Random(number.into()), Vec::new());
        for request in 0..count {
            let due = began + interval * request + interval * number / PACED_CONNECTIONS;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            assert_eq!(client.get(&format!("/users/{}", random.below(scale.users))).unwrap().0, 200);
            latencies.push(due.elapsed());
        }
        latencies
    };
    thread::scope(|scope| {
        let spawn = |number| scope.spawn(move || connection(number));
        let connections: Vec<_> = (0..PACED_CONNECTIONS).map(spawn).collect();
        connections.into_iter().flat_map(|connection| connection.join().unwrap()).collect()
    })
}

fn busy(address: SocketAddr, scale: Scale) -> f64 {
    let ends = Instant::now() + scale.duration;
    let connection = |number: u32| {
        let mut client = Client::connect(address).unwrap();
        let (mut random, mut answered) = (Random(number.into()), 0_u64);
        while Instant::now() < ends {
            assert_eq!(client.get(&format!("/users/{}", random.below(scale.users))).unwrap().0, 200);
            answered += 1;
        }
        answered
    };
    let answered: u64 = thread::scope(|scope| {
        let spawn = |number| scope.spawn(move || connection(number));
        let connections: Vec<_> = (0..BUSY_CONNECTIONS).map(spawn).collect();
        connections.into_iter().map(|connection| connection.join().unwrap()).sum()
    });
    answered as f64 / scale.duration.as_secs_f64()
}
