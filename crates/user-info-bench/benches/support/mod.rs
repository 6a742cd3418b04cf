//! What the benchmarks share: a service on a log and a store full of users.

use std::net::SocketAddr;
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
