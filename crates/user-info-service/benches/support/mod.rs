//! What the benchmarks share: a service on a log and a store full of users, and a client that costs little.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_core::{AccountState, Change, Id, Profile, Stamp, StoredProfile, Timestamp};
use user_info_log::{Log, LogConfig, LogUrl, TopicLayout, TopicNames};
use user_info_service::ServiceConfig;
use user_info_service::run::Service;
use user_info_store::{Batch, Decision, Store, StoreOptions, StoreUrl};

pub(crate) fn open_log(directory: &Path) -> Log {
    let url = LogUrl::Embedded { path: directory.join("log") };
    let config =
        LogConfig { url, topic_names: TopicNames::default(), kafka_options: vec![], client_id: "bench".into() };
    let log = Log::open(&config).unwrap();
    log.create_topics(TopicLayout { partitions: 4, replication: 1 }).unwrap();
    log
}

pub(crate) fn filled(url: &StoreUrl, users: u64) -> Store {
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

pub(crate) fn user(number: u64) -> Id {
    Id::new(&number.to_string()).unwrap()
}

pub(crate) async fn serve(log: &Log, store: Store) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
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

/// A connection that is kept, and as much HTTP as our own answers need.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4_096) }
    }

    pub(crate) fn get(&mut self, target: &str) {
        let request = format!("GET {target} HTTP/1.1\r\nhost: bench\r\n\r\n");
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
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
