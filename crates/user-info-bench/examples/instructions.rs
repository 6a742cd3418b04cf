//! Does one thing a stated number of times on one thread, so that the instructions of each can be counted from outside:
//!
//! ```text
//! valgrind --tool=callgrind target/ci/examples/instructions get 2000
//! ```
//!
//! `get` answers requests for one user over HTTP/1.1, from RocksDB, without a socket: both ends of the connection are memory.
//! `get-ready` does the same with answers that are ready after each user was asked for once.
//! `apply` decodes facts and applies them to RocksDB in batches. The difference of two counts is free of what starting takes.

#![expect(clippy::unwrap_used, reason = "an example stops at the first error")]

#[path = "../benches/users/mod.rs"]
mod users;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use user_info_bench::response;
use user_info_core::decode::decode;
use user_info_core::{Fact, Stamp, Timestamp, Topic};
use user_info_service::cors::Cors;
use user_info_service::events::{EventCounts, EventLimits, Events};
use user_info_service::hot::HotAnswers;
use user_info_service::load::{Load, LoadLimits};
use user_info_service::metrics::Metrics;
use user_info_service::public::Public;
use user_info_service::rate_limit::RateLimiter;
use user_info_service::twitter::v2::MissingUser;
use user_info_service::view::{PartitionView, Phase, TopicView, View};
use user_info_store::{Batch, Decision, Position, Store, StoreUrl};

use users::{filled, user};

const USERS: u64 = 1_000;
const PARTITIONS: i32 = 12;
const BATCH: usize = 500;

/// Neither end waits for the other before a request or an answer is whole.
const DUPLEX_BYTES: usize = 64 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, count] = &arguments[..] else { panic!("usage: instructions get|get-ready|apply COUNT") };
    let count: u64 = count.parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&StoreUrl::RocksDb { path: directory.path().join("store") }, USERS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    match what.as_str() {
        "get" => runtime.block_on(get(store, count, 0)),
        "get-ready" => runtime.block_on(get(store, count, 64 << 20)),
        "apply" => apply(&store, count),
        other => panic!("neither get, get-ready nor apply: {other}"),
    }
}

fn decided(topic: Topic, key: &str, json: &[u8], offset: i64) -> Decision {
    let decoded = decode(topic, Some(key.as_bytes()), Some(json)).unwrap();
    Decision { offset, change: decoded.into_change(Stamp { timestamp_ms: 1_700_000_000_000, offset }) }
}

/// Facts of follows, each new, in batches of [`BATCH`].
fn apply(store: &Store, count: u64) {
    let created_at = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let fact = |number: u64| {
        let (follower, followee) = (number % USERS, (number / USERS + number * 7) % USERS);
        let fact = Fact::Followed { follower_id: user(follower), followee_id: user(followee), created_at };
        (format!("{follower}/{followee}"), fact.to_json())
    };
    let facts: Vec<(String, Vec<u8>)> = (0..count).map(fact).collect();
    for batch in facts.chunks(BATCH) {
        let changes =
            (0..).zip(batch).map(|(offset, (key, json))| decided(Topic::Follows, key, json, offset)).collect();
        store.apply(&Batch { changes, ..Batch::default() }).unwrap();
    }
}

async fn get(store: Store, count: u64, hot_bytes_max: u64) {
    let public = Arc::new(public(store, hot_bytes_max));
    let (mut client, server) = duplex(DUPLEX_BYTES);
    let service = service_fn(move |request| {
        let public = Arc::clone(&public);
        async move { Ok::<_, std::convert::Infallible>(public.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await) }
    });
    let connection = http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(server), service);
    let asking = async move {
        for number in 0..count {
            ask(&mut client, number * 7 % USERS).await;
        }
    };
    let (_, served) = tokio::join!(asking, connection);
    served.unwrap();
}

async fn ask(client: &mut DuplexStream, user: u64) {
    let request = format!("GET /users/{user} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::with_capacity(4_096);
    loop {
        client.read_buf(&mut received).await.unwrap();
        if let Some(answer) = response::parse(&received).unwrap() {
            assert_eq!(answer.status, 200);
            return;
        }
    }
}

/// What requests read, with topics of [`PARTITIONS`] partitions that were read to their end.
fn public(store: Store, hot_bytes_max: u64) -> Public {
    let metrics = Arc::new(Metrics::default());
    let view = Arc::new(arc_swap::ArcSwap::from_pointee(View::new(topics(), true)));
    let limits = EventLimits::default();
    let events = Events {
        store: store.clone(),
        view: Arc::clone(&view),
        changes: Arc::default(),
        limits,
        places: Arc::new(Semaphore::new(limits.streams_max)),
        counts: EventCounts::default(),
        closing: CancellationToken::new(),
    };
    Public {
        store,
        view,
        hot: (hot_bytes_max > 0).then(|| Arc::new(HotAnswers::new(hot_bytes_max, metrics.hot.clone()))),
        events,
        load: Load::new(LoadLimits::default(), metrics.load.clone()),
        metrics,
        cors: Cors::Off,
        pages: None,
        limiter: Arc::new(RateLimiter::new(None)),
        v2_missing_user: MissingUser::Ok,
        stopping: Arc::default(),
    }
}

fn topics() -> Vec<TopicView> {
    let partition = |topic, partition| PartitionView {
        position: Position {
            topic,
            partition,
            next_offset: 1_000_000,
            topic_id: "an id".into(),
            partitions: PARTITIONS,
            reading_since_ms: 1,
            caught_up_at_ms: Some(1),
            last_timestamp_ms: Some(1),
        },
        end: Some(1_000_000),
        at_end: true,
        owned: true,
    };
    let topic = |topic| TopicView {
        topic,
        phase: Phase::Running,
        partitions: (0..PARTITIONS).map(|number| partition(topic, number)).collect(),
    };
    Topic::FACTS.into_iter().map(topic).collect()
}
