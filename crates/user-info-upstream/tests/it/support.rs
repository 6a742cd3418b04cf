//! A log to publish to, a naive checker of what was published, and a server of any stream.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use user_info_core::{Fact, Timestamp, Topic};
use user_info_log::{
    Log, LogConfig, LogUrl, NewRecord, PollLimits, ProducerConfig, Record, Start, TopicLayout, TopicNames,
};
use user_info_upstream::tweets::translator::TranslatorConfig;
use user_info_upstream::tweets::{PublishUsers, TweetsConfig};
use user_info_upstream::{Progress, UpstreamError};

/// For what takes far less on a quiet machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const LAYOUT: TopicLayout = TopicLayout { partitions: 4, replication: 1 };

/// An embedded log with all topics, which goes with the test.
pub(crate) struct TestLog {
    pub(crate) log: Log,
    _dir: TempDir,
}

impl TestLog {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { log: open_embedded(dir.path()), _dir: dir }
    }
}

pub(crate) fn open_embedded(path: &Path) -> Log {
    open(LogUrl::Embedded { path: path.to_path_buf() }, &[])
}

pub(crate) fn open(url: LogUrl, kafka_options: &[(&str, &str)]) -> Log {
    let log = open_as_it_is(url, kafka_options);
    log.create_topics(LAYOUT).unwrap();
    log
}

/// An embedded log without topics.
pub(crate) fn open_empty() -> (Log, TempDir) {
    let dir = TempDir::new().unwrap();
    (open_as_it_is(LogUrl::Embedded { path: dir.path().to_path_buf() }, &[]), dir)
}

fn open_as_it_is(url: LogUrl, kafka_options: &[(&str, &str)]) -> Log {
    let (topic_names, client_id) = (TopicNames::default(), "upstream-test".to_owned());
    let kafka_options = kafka_options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Log::open(&LogConfig { url, topic_names, kafka_options, client_id }).unwrap()
}

pub(crate) fn publish(log: &Log, facts: &[Fact]) {
    publish_records(log, &facts.iter().map(NewRecord::fact).collect::<Vec<_>>());
}

pub(crate) fn publish_records(log: &Log, records: &[NewRecord]) {
    log.producer(&ProducerConfig::default()).unwrap().publish(records).unwrap();
}

/// The account is gone for good, as the users topic says it.
pub(crate) fn forget(log: &Log, user: &str) {
    publish_records(log, &[NewRecord::new(Topic::Users, user, None)]);
}

/// Every record of the five topics, those of a partition in order.
pub(crate) fn read_all(log: &Log) -> Vec<Record> {
    let mut consumer = log.consumer().unwrap();
    let partitions = (0..LAYOUT.partitions).flat_map(|partition| Topic::FACTS.map(|topic| (topic, partition)));
    let mut behind: HashSet<(Topic, i32)> = partitions.collect();
    let starts: Vec<_> = behind
        .iter()
        .map(|&(topic, partition)| Start { topic, partition, offset: start_of(log, topic, partition) })
        .collect();
    consumer.assign(&starts).unwrap();
    let mut records = Vec::new();
    while !behind.is_empty() {
        let polled = consumer.poll(PollLimits { records: 10_000, bytes: 1 << 24 }, Duration::from_millis(100)).unwrap();
        records.extend(polled.records);
        for end in polled.ends {
            behind.remove(&(end.topic, end.partition));
        }
    }
    records
}

fn start_of(log: &Log, topic: Topic, partition: i32) -> i64 {
    log.offsets(topic, partition).unwrap().start
}

pub(crate) fn count_of(log: &Log, topic: Topic) -> i64 {
    (0..LAYOUT.partitions).map(|partition| log.offsets(topic, partition).unwrap().end).sum()
}

/// The tweet and user service on this stream.
pub(crate) fn tweets_config(stream: String, publish_users: PublishUsers) -> TweetsConfig {
    let translator = TranslatorConfig { publish_users, ..TranslatorConfig::default() };
    TweetsConfig { translator, ..TweetsConfig::new(stream) }
}

/// A moment long after every status of the tests.
pub(crate) fn time() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).unwrap()
}

/// What was published about one key, in words: the fact's type, or `null`. Shares nothing with the code under test.
pub(crate) type History = HashMap<(Topic, String), Vec<String>>;

pub(crate) fn histories(records: &[Record]) -> History {
    let mut histories = History::new();
    for record in records {
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        histories.entry((record.topic, key)).or_default().push(word(record));
    }
    histories
}

/// The keys of a topic whose last record is neither a deletion nor a tombstone.
pub(crate) fn alive(records: &[Record], topic: Topic) -> HashSet<String> {
    let histories = histories(records).into_iter().filter(|((of, _), _)| *of == topic);
    let is_alive = |words: &[String]| words.last().is_some_and(|word| !is_deletion(word) && word != "null");
    histories.filter(|(_, words)| is_alive(words)).map(|((_, key), _)| key).collect()
}

pub(crate) fn word(record: &Record) -> String {
    match &record.value {
        None => "null".to_owned(),
        Some(value) => serde_json::from_slice::<Value>(value).unwrap()["type"].as_str().unwrap().to_owned(),
    }
}

/// What contradicts itself: something is taken away that is not there, or a deletion and its tombstone are apart.
pub(crate) fn contradictions(records: &[Record]) -> Vec<String> {
    let mut found = Vec::new();
    for ((topic, key), history) in histories(records) {
        let mut alive = false;
        for (index, word) in history.iter().enumerate() {
            let deleted_before = index > 0 && is_deletion(&history[index - 1]);
            // A user who is gone has no typed fact before the tombstone.
            if word == "null" && !deleted_before && topic != Topic::Users {
                found.push(format!("{topic} {key}: a tombstone without its deletion in {history:?}"));
            }
            if deleted_before && word != "null" {
                found.push(format!("{topic} {key}: a deletion without its tombstone in {history:?}"));
            }
            // The stream may delete tweets that were sent before anybody listened, or that come later.
            if is_deletion(word) && !alive && topic != Topic::Tweets {
                found.push(format!("{topic} {key}: taken away what is not there in {history:?}"));
            }
            alive = !is_deletion(word) && word != "null";
        }
        if is_deletion(history.last().unwrap()) {
            found.push(format!("{topic} {key}: a deletion without its tombstone in {history:?}"));
        }
    }
    found.extend(apart(records));
    found
}

/// Deletions whose next record in the partition is not their tombstone.
fn apart(records: &[Record]) -> Vec<String> {
    let mut last: HashMap<(Topic, i32), &Record> = HashMap::new();
    let mut found = Vec::new();
    for record in records {
        let before = last.insert((record.topic, record.partition), record);
        if let Some(before) = before
            && is_deletion(&word(before))
            && (record.key != before.key || record.value.is_some())
        {
            found.push(format!("{} {}: no tombstone right behind a deletion", before.topic, before.offset));
        }
    }
    found
}

pub(crate) fn is_deletion(word: &str) -> bool {
    ["tweet_deleted", "unfollowed", "unliked", "list_deleted"].contains(&word)
}

/// A service that runs until the test has seen enough.
pub(crate) struct Running {
    pub(crate) progress: Arc<Progress>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), UpstreamError>>,
}

impl Running {
    pub(crate) fn start<F>(run: impl FnOnce(Arc<Progress>, CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), UpstreamError>> + Send + 'static,
    {
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let ended = tokio::spawn(run(Arc::clone(&progress), stop.clone()));
        Self { progress, stop, ended }
    }

    pub(crate) async fn stop(self) -> Result<(), UpstreamError> {
        self.stop.cancel();
        self.ended().await
    }

    pub(crate) async fn ended(self) -> Result<(), UpstreamError> {
        tokio::time::timeout(DEADLINE, self.ended).await.expect("the service ends in time").unwrap()
    }

    pub(crate) async fn published(&self, records: u64) {
        eventually(&format!("{records} records are published"), || self.progress.published() >= records).await;
    }
}

/// Returns as soon as `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// What a server does with one connection, after it has read the request.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Answers with an error status.
    Status(u16),
    /// Sends these chunks of a stream and then ends it properly.
    End(Vec<Vec<u8>>),
    /// Sends these chunks and then breaks the connection in the middle of the body.
    Cut(Vec<Vec<u8>>),
    /// Sends these chunks and then nothing more, for as long as the client stays.
    Silence(Vec<Vec<u8>>),
    /// The same, with a little time between the chunks.
    Slowly(Vec<Vec<u8>>),
}

/// Serves one script after the other, the last of them again and again. Returns the address of the stream.
pub(crate) async fn serve(scripts: Vec<Script>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for connection in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            let script = scripts[connection.min(scripts.len() - 1)].clone();
            // A client that goes away in between is no fault of the server's.
            tokio::spawn(async move { play(socket, script).await.unwrap_or_default() });
        }
    });
    format!("http://{address}/1.1/statuses/sample.json")
}

async fn play(mut socket: TcpStream, script: Script) -> std::io::Result<()> {
    read_header(&mut socket).await?;
    let chunks = match &script {
        Script::Status(status) => {
            let response = format!("HTTP/1.1 {status} Refused\r\ncontent-length: 0\r\n\r\n");
            return socket.write_all(response.as_bytes()).await;
        }
        Script::End(chunks) | Script::Cut(chunks) | Script::Silence(chunks) | Script::Slowly(chunks) => chunks,
    };
    socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    for chunk in chunks {
        let mut bytes = Vec::new();
        write!(bytes, "{:x}\r\n", chunk.len())?;
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        socket.write_all(&bytes).await?;
        socket.flush().await?;
        if matches!(script, Script::Slowly(_)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    match script {
        Script::Status(_) | Script::Cut(_) => Ok(()),
        Script::End(_) => socket.write_all(b"0\r\n\r\n").await,
        Script::Silence(_) | Script::Slowly(_) => socket.read_to_end(&mut Vec::new()).await.map(drop),
    }
}

pub(crate) async fn read_header(socket: &mut TcpStream) -> std::io::Result<()> {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        header.push(socket.read_u8().await?);
    }
    Ok(())
}

/// An address on which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, user_info_testkit::free_port()).into()
}

/// A status as the stream sends it, with what the services read of it.
pub(crate) fn status(tweet: u64, user: u64, screen_name: &str, timestamp_ms: i64) -> Value {
    serde_json::json!({
        "created_at": "Mon Nov 23 08:30:00 +0000 2026",
        "id": tweet,
        "id_str": tweet.to_string(),
        "text": format!("tweet {tweet}"),
        "in_reply_to_status_id": null,
        "timestamp_ms": timestamp_ms.to_string(),
        "user": {
            "id": user,
            "id_str": user.to_string(),
            "name": "Somebody",
            "screen_name": screen_name,
            "created_at": "Wed Feb 29 19:42:02 +0000 2012",
            "description": null,
            "location": null,
            "url": null,
            "profile_image_url_https": null,
        },
    })
}

/// What the compliance stream says about an account: `user_delete`, `user_suspend` and their opposites.
pub(crate) fn account(kind: &str, user: u64, timestamp_ms: i64) -> Value {
    serde_json::json!({kind: {"id": user, "timestamp_ms": timestamp_ms.to_string()}})
}

pub(crate) fn deletion(tweet: u64, user: u64) -> Value {
    serde_json::json!({"delete": {"status": {
        "id": tweet, "id_str": tweet.to_string(), "user_id": user, "user_id_str": user.to_string(),
    }}})
}

/// The message with its separator.
pub(crate) fn line(message: &Value) -> Vec<u8> {
    format!("{message}\r\n").into_bytes()
}
