//! How many statuses a second go from a stream through client, tweet and user service into a real Kafka.
//!
//!     cargo run --release -p user-info-upstream --example throughput [STATUSES]
//!
//! A server on this machine sends statuses that were written down before, over and over, as fast as they are taken; the
//! broker is on this machine as well. The rate is that of the statuses after the first tenth, until the last one is
//! durable. It ends by itself, after [`LIMIT`] at the latest.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "the figures are the result, and a failure ends it")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;
use user_info_log::{Log, LogConfig, LogUrl, TopicLayout, TopicNames};
use user_info_testkit::{BrokerConfig, KafkaBroker};
use user_info_upstream::Progress;
use user_info_upstream::tweets::translator::TranslatorConfig;
use user_info_upstream::tweets::{self, PublishUsers, TweetsConfig};

/// Statuses for each mode, unless another number is given.
const STATUSES: u64 = 400_000;
/// Different statuses; about 60 MiB.
const RECORDED: u64 = 20_000;
/// Who writes them.
const USERS: u64 = 10_000;
/// One status of so many repeats another one, with its author.
const STATUSES_PER_RETWEET: u64 = 10;
/// One status of so many shows an edited profile.
const STATUSES_PER_EDIT: u64 = 50;
/// What one mode may take at most.
const LIMIT: Duration = Duration::from_secs(120);
/// How often the counters are looked at.
const LOOK: Duration = Duration::from_millis(20);

fn main() {
    let statuses = std::env::args().nth(1).map_or(STATUSES, |count| count.parse().unwrap());
    let recorded: Arc<[u8]> = (0..RECORDED).flat_map(recorded).collect::<Vec<_>>().into();
    println!("{} bytes a status, {statuses} statuses a mode", recorded.len() as u64 / RECORDED);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for mode in [PublishUsers::EveryTime, PublishUsers::WhenChanged] {
        let broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
        runtime.block_on(measure(&broker, mode, &recorded, statuses));
    }
}

async fn measure(broker: &KafkaBroker, mode: PublishUsers, recorded: &Arc<[u8]>, statuses: u64) {
    let log = open(broker);
    let translator = TranslatorConfig { publish_users: mode, ..TranslatorConfig::default() };
    let config = TweetsConfig { translator, ..TweetsConfig::new(serve(Arc::clone(recorded))) };
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let service = tokio::spawn(tweets::run(log, config, Arc::clone(&progress), stop.clone()));
    let began = reach(&progress, statuses / 10).await;
    let ended = reach(&progress, statuses).await;
    stop.cancel();
    service.await.unwrap().unwrap();
    let seconds = (ended.at - began.at).as_secs_f64();
    println!(
        "{mode:?}: {:.0} statuses/s, {:.0} records/s; {progress}",
        (ended.statuses - began.statuses) as f64 / seconds,
        (ended.published - began.published) as f64 / seconds,
    );
}

struct Reached {
    at: Instant,
    statuses: u64,
    published: u64,
}

async fn reach(progress: &Progress, statuses: u64) -> Reached {
    let began = Instant::now();
    while progress.statuses.load(Ordering::Relaxed) < statuses {
        assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {progress}");
        tokio::time::sleep(LOOK).await;
    }
    Reached { at: Instant::now(), statuses: progress.statuses.load(Ordering::Relaxed), published: progress.published() }
}

fn open(broker: &KafkaBroker) -> Log {
    let log = Log::open(&LogConfig {
        url: LogUrl::Kafka { bootstrap: broker.bootstrap() },
        topic_names: TopicNames::default(),
        kafka_options: Vec::new(),
        client_id: "throughput".to_owned(),
    });
    let log = log.unwrap();
    log.create_topics(TopicLayout { partitions: 12, replication: 1 }).unwrap();
    log
}

/// Sends the bytes to every client, over and over. Its threads end with the process or with their client.
fn serve(recorded: Arc<[u8]>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let recorded = Arc::clone(&recorded);
            thread::spawn(move || drop(send(socket, &recorded)));
        }
    });
    format!("http://{address}/1.1/statuses/sample.json")
}

fn send(mut socket: TcpStream, recorded: &[u8]) -> std::io::Result<()> {
    const CHUNK_BYTES: usize = 32 * 1024;
    let _ = socket.read(&mut [0; CHUNK_BYTES])?;
    socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    loop {
        for chunk in recorded.chunks(CHUNK_BYTES) {
            write!(socket, "{:x}\r\n", chunk.len())?;
            socket.write_all(chunk)?;
            socket.write_all(b"\r\n")?;
        }
    }
}

/// A status with its separator, with every key that Twitter's had and as long as they were.
fn recorded(number: u64) -> Vec<u8> {
    let mut status = status(number, number % USERS, number.is_multiple_of(STATUSES_PER_EDIT));
    if number.is_multiple_of(STATUSES_PER_RETWEET) {
        status["retweeted_status"] = self::status(number + RECORDED, (number + 1) % USERS, false);
    }
    format!("{status}\r\n").into_bytes()
}

fn status(number: u64, user: u64, edited: bool) -> serde_json::Value {
    let (tweet, user) = (1_700_000_000_000_000_000 + number, 1_000_000 + user);
    json!({
        "created_at": "Mon Nov 23 08:30:00 +0000 2026", "id": tweet, "id_str": tweet.to_string(),
        "text": format!("good morning, who else saw that moon tonight? 🙂 number {number} ありがとう"),
        "source": "<a href=\"https://client.example\" rel=\"nofollow\">Client</a>", "truncated": false,
        "in_reply_to_status_id": null, "in_reply_to_status_id_str": null, "in_reply_to_user_id": null,
        "in_reply_to_user_id_str": null, "in_reply_to_screen_name": null, "geo": null, "coordinates": null,
        "place": null, "contributors": null, "is_quote_status": false, "quote_count": 0, "reply_count": 0,
        "retweet_count": 0, "favorite_count": 0, "favorited": false, "retweeted": false, "filter_level": "low",
        "entities": {"hashtags": [], "urls": [], "user_mentions": [], "symbols": []},
        "lang": "en", "timestamp_ms": "1795422600000", "user": user_object(user, edited),
    })
}

fn user_object(user: u64, edited: bool) -> serde_json::Value {
    let image = format!("https://images.example/profile_images/{user}/picture_normal.jpg");
    let background = "https://images.example/images/themes/theme1/bg.png";
    json!({
        "id": user, "id_str": user.to_string(), "name": "Somebody with a name", "screen_name": format!("user{user}"),
        "location": "Zürich", "url": "https://home.example/me", "translator_type": "none",
        "description": if edited { "new here" } else { "baker, reader, looking at birds when it does not rain" },
        "protected": false, "verified": false, "followers_count": 123, "friends_count": 45, "listed_count": 6,
        "favourites_count": 789, "statuses_count": 1011, "created_at": "Wed Feb 29 19:42:02 +0000 2012",
        "utc_offset": null, "time_zone": null, "geo_enabled": false, "lang": null, "contributors_enabled": false,
        "is_translator": false, "profile_background_color": "F5F8FA", "profile_background_image_url": background,
        "profile_background_image_url_https": background, "profile_background_tile": false,
        "profile_link_color": "1DA1F2", "profile_sidebar_border_color": "C0DEED",
        "profile_sidebar_fill_color": "DDEEF6", "profile_text_color": "333333", "profile_use_background_image": true,
        "profile_image_url": image, "profile_image_url_https": image,
        "profile_banner_url": format!("https://images.example/profile_banners/{user}/1447451621"),
        "default_profile": true, "default_profile_image": false, "following": null, "follow_request_sent": null,
        "notifications": null, "withheld_in_countries": [],
    })
}
