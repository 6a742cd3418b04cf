//! The tweet and user service from a stream to the log.

use serde_json::Value;
use user_info_core::{Decoded, Topic, decode};
use user_info_log::Log;
use user_info_upstream::tweets::{self, PublishUsers};
use user_info_upstream::{UpstreamError, all};

use crate::recorded;
use crate::support::{
    Running, Script, TestLog, contradictions, count_of, deletion, eventually, histories, line, nobody, open_empty,
    read_all, serve, status, tweets_config,
};

async fn start(log: &Log, publish_users: PublishUsers, chunks: Vec<Vec<u8>>) -> Running {
    let stream = serve(vec![Script::Silence(chunks)]).await;
    let config = tweets_config(stream, publish_users);
    Running::start(|progress, stop| tweets::run(log.clone(), config, progress, stop))
}

fn words(log: &Log, topic: Topic, key: &str) -> Vec<String> {
    histories(&read_all(log)).remove(&(topic, key.to_owned())).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_becomes_facts() {
    let test = TestLog::new();
    let chunks = vec![line(&status(7, 12, "jack", 1)), line(&deletion(7, 12)), line(&deletion(8, 13))];
    let service = start(&test.log, PublishUsers::EveryTime, chunks).await;
    service.published(6).await;
    service.stop().await.unwrap();
    assert_eq!(words(&test.log, Topic::Users, "12"), ["user_changed"]);
    assert_eq!(words(&test.log, Topic::Tweets, "12/7"), ["tweeted", "tweet_deleted", "null"]);
    assert_eq!(words(&test.log, Topic::Tweets, "13/8"), ["tweet_deleted", "null"]);
    assert_eq!(contradictions(&read_all(&test.log)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_statuses_become_records_that_decode() {
    let test = TestLog::new();
    let statuses = recorded::statuses();
    let (count, mut chunks) = (statuses.len(), Vec::new());
    for mut message in statuses {
        message.extend_from_slice(b"\r\n");
        chunks.push(message);
    }
    let service = start(&test.log, PublishUsers::EveryTime, chunks).await;
    // Some of the recordings are the same tweet, once more, after which an older profile is left out.
    eventually("all tweets are published", || count_of(&test.log, Topic::Tweets) == count as i64).await;
    service.stop().await.unwrap();
    for record in read_all(&test.log) {
        let decoded = decode(record.topic, record.key.as_deref(), record.value.as_deref());
        assert!(matches!(decoded, Ok(Decoded::Fact(_))), "{decoded:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_remembers_deletions_and_profiles() {
    let test = TestLog::new();
    let service =
        start(&test.log, PublishUsers::WhenChanged, vec![line(&status(6, 12, "jack", 1)), line(&deletion(7, 12))])
            .await;
    service.published(4).await;
    service.stop().await.unwrap();
    let chunks = vec![line(&status(7, 12, "jack", 2)), line(&status(8, 12, "jill", 3))];
    let service = start(&test.log, PublishUsers::WhenChanged, chunks).await;
    eventually("the last tweet is published", || !words(&test.log, Topic::Tweets, "12/8").is_empty()).await;
    service.stop().await.unwrap();
    assert_eq!(words(&test.log, Topic::Tweets, "12/7"), ["tweet_deleted", "null"], "the tweet came back");
    assert_eq!(words(&test.log, Topic::Users, "12").len(), 2, "jack once, jill once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_received_before_the_end_is_published() {
    let test = TestLog::new();
    let chunks: Vec<_> = (0..2_000).map(|tweet| line(&status(tweet, 12, "jack", 1))).collect();
    let service = start(&test.log, PublishUsers::EveryTime, chunks).await;
    service.published(1).await;
    service.stop().await.unwrap();
    let records = read_all(&test.log);
    let of = |topic| records.iter().filter(|record| record.topic == topic).count();
    assert_eq!(of(Topic::Users), of(Topic::Tweets), "a message was published by half");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_address_is_an_error() {
    let test = TestLog::new();
    let config = tweets_config("https://stream.example/".to_owned(), PublishUsers::EveryTime);
    let ended = Running::start(|progress, stop| tweets::run(test.log.clone(), config, progress, stop)).ended().await;
    assert!(matches!(ended, Err(UpstreamError::InvalidStream { .. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_refuses_ends_the_service() {
    let test = TestLog::new();
    let config = tweets_config(serve(vec![Script::Status(403)]).await, PublishUsers::EveryTime);
    let ended = Running::start(|progress, stop| tweets::run(test.log.clone(), config, progress, stop)).ended().await;
    assert!(matches!(ended, Err(UpstreamError::StreamRefused { status: 403, .. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_topics_end_every_service() {
    let (log, _dir) = open_empty();
    let config = all::AllConfig {
        stream: Some(format!("http://{}/", nobody())),
        client: user_info_upstream::stream::client::ClientOptions::default(),
        simulator: user_info_upstream::simulator::SimulatorConfig { users: 1, rate: 1.0, seed: 1 },
        action_rate: 1.0,
    };
    let ended = Running::start(|progress, stop| all::run(log.clone(), config, progress, stop)).ended().await;
    assert!(matches!(ended, Err(UpstreamError::TopicMissing { .. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_hold_what_the_stream_said() {
    let test = TestLog::new();
    let service =
        start(&test.log, PublishUsers::EveryTime, vec![line(&status(7, 12, "jack", 1_795_422_600_123))]).await;
    service.published(2).await;
    service.stop().await.unwrap();
    let mut values: Vec<Value> = read_all(&test.log)
        .iter()
        .map(|record| serde_json::from_slice(record.value.as_ref().unwrap()).unwrap())
        .collect();
    values.sort_by_key(|value| value["type"].to_string());
    let expected = serde_json::json!([
        {"type": "tweeted", "user_id": "12", "tweet_id": "7", "text": "tweet 7", "created_at": "2026-11-23T08:30:00.123Z"},
        {"type": "user_changed", "user_id": "12", "username": "jack", "name": "Somebody", "state": "active",
         "joined_at": "2012-02-29T19:42:02.000Z", "bio": null, "location": null, "url": null,
         "profile_image_url": null, "background_image_url": null},
    ]);
    assert_eq!(Value::from(values), expected);
}
