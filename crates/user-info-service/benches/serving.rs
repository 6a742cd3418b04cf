//! What requests over HTTP meet while facts come in: the service on RocksDB and then, in the same run, on a Redis server.
//!
//! `cargo bench -p user-info-service`. Clients, service, log and Redis share the cores. Latency counts from the time at which
//! a request should have been sent, 1,000 a second; throughput is what 32 connections get that ask as fast as they are
//! answered. Started without `--bench` it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_core::{AccountState, Change, Fact, Id, Profile, Stamp, StoredProfile, Timestamp};
use user_info_log::{Log, LogConfig, LogUrl, NewRecord, ProducerConfig, TopicLayout, TopicNames};
use user_info_service::ServiceConfig;
use user_info_service::run::Service;
use user_info_store::{Batch, Decision, Store, StoreOptions, StoreUrl};
use user_info_testkit::{RedisConfig, RedisServer};

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

fn open_log(directory: &Path) -> Log {
    let url = LogUrl::Embedded { path: directory.join("log") };
    let config =
        LogConfig { url, topic_names: TopicNames::default(), kafka_options: vec![], client_id: "bench".into() };
    let log = Log::open(&config).unwrap();
    log.create_topics(TopicLayout { partitions: 4, replication: 1 }).unwrap();
    log
}

fn filled(url: &StoreUrl, users: u64) -> Store {
    const BATCH: u64 = 5_000;
    let store = Store::open(url, &StoreOptions::default()).unwrap();
    for first in (0..users).step_by(BATCH as usize) {
        let numbers = first..users.min(first + BATCH);
        let decision = |number| Decision { offset: number as i64, change: profile(number) };
        store.apply(&Batch { changes: numbers.map(decision).collect(), ..Batch::default() }).unwrap();
    }
    store
}

fn profile(number: u64) -> Change {
    let image = format!("https://images.example/profile_images/{number}/normal.jpg");
    let profile = Profile {
        username: format!("user_{number}"),
        name: format!("User Number {number}"),
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(1_300_000_000_000).unwrap(),
        bio: Some("Opinions are my own. Coffee, mountains, distributed systems and a cat called Offset.".into()),
        location: Some("Zurich, Switzerland".into()),
        url: Some(format!("https://example.com/{number}")),
        background_image_url: Some(image.replace("profile_images", "profile_banners")),
        profile_image_url: Some(image),
    };
    let stamp = Stamp { timestamp_ms: 0, offset: 0 };
    Change::Profile { user: user(number), profile: Box::new(StoredProfile { profile, stamp }) }
}

fn user(number: u64) -> Id {
    Id::new(&number.to_string()).unwrap()
}

async fn serve(log: &Log, store: Store) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let service = Service::start(ServiceConfig::default(), log, store).unwrap();
    let (public, admin) = (listener().await, listener().await);
    let (address, stop) = (public.local_addr().unwrap(), CancellationToken::new());
    let view = Arc::clone(&service.engine.view);
    let ended = stop.clone();
    let serving = tokio::spawn(async move { service.serve(public, admin, ended).await.unwrap() });
    while !view.load().complete {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (address, stop, serving)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
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
        let mut client = Client::connect(address);
        let (mut random, mut latencies) = (Random(number.into()), Vec::new());
        for request in 0..count {
            let due = began + interval * request + interval * number / PACED_CONNECTIONS;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            client.get(random.below(scale.users));
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
        let mut client = Client::connect(address);
        let (mut random, mut answered) = (Random(number.into()), 0_u64);
        while Instant::now() < ends {
            client.get(random.below(scale.users));
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

/// A connection that is kept, and as much HTTP as our own answers need.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4_096) }
    }

    fn get(&mut self, number: u64) {
        let request = format!("GET /users/{number} HTTP/1.1\r\nhost: bench\r\n\r\n");
        self.stream.write_all(request.as_bytes()).unwrap();
        self.buffer.clear();
        let mut piece = [0; 4_096];
        while !is_whole(&self.buffer) {
            let count = self.stream.read(&mut piece).unwrap();
            assert!(count > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&piece[..count]);
        }
        assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer));
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.expect("our answers say how long they are")
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
