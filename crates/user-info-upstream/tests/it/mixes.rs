//! What the generators may be told: how often they do what, how much they may remember, whom to steer where.

use std::collections::HashMap;

use serde_json::json;
use user_info_core::Topic;
use user_info_log::Log;
use user_info_upstream::follows::{self, FollowsConfig, Steer};
use user_info_upstream::stream::client::ClientOptions;
use user_info_upstream::{GeneratorConfig, Mix, UpstreamError};

use crate::generators::{self, OWN_TOPICS, own, populate};
use crate::support::{
    Running, Script, TestLog, alive, contradictions, count_of, eventually, is_deletion, line, read_all, serve, status,
    word,
};

fn start(topic: Topic, log: &Log, config: GeneratorConfig) -> Running {
    Running::start(|progress, stop| generators::run(topic, log.clone(), config, progress, stop))
}

fn with_mix(removals: f64, repetitions: f64) -> GeneratorConfig {
    GeneratorConfig { mix: Mix { removals, repetitions: Some(repetitions) }, ..generators::config(4_000.0) }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_removals_nothing_is_taken_away() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = start(topic, &test.log, with_mix(0.0, 0.0));
        service.published(500).await;
        service.stop().await.unwrap();
        let records = own(&test.log, topic);
        assert_eq!(alive(&records, topic).len(), records.len(), "{topic}: every record adds something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repetitions_say_again_what_is_so() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = start(topic, &test.log, with_mix(0.0, 0.5));
        service.published(1_000).await;
        service.stop().await.unwrap();
        let records = own(&test.log, topic);
        let share = 1.0 - alive(&records, topic).len() as f64 / records.len() as f64;
        assert!((0.4..0.6).contains(&share), "{topic}: {share}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_that_are_none_are_refused() {
    let test = TestLog::new();
    for (removals, repetitions) in [(-0.1, 0.0), (1.1, 0.0), (0.6, 0.6), (f64::NAN, 0.0)] {
        let ended = start(Topic::Likes, &test.log, with_mix(removals, repetitions)).ended().await;
        assert!(matches!(ended, Err(UpstreamError::InvalidConfig { .. })), "{removals} {repetitions}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_facts_are_alive_than_allowed() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let config = GeneratorConfig { facts_max: 50, ..with_mix(0.1, 0.0) };
        let service = start(topic, &test.log, config.clone());
        service.published(1_000).await;
        service.stop().await.unwrap();
        let records = own(&test.log, topic);
        let mut now_alive = 0_i32;
        for record in &records {
            let word = word(record);
            let difference = if is_deletion(&word) { -1 } else { i32::from(word != "null") };
            now_alive += difference;
        }
        assert!(now_alive <= 50, "{topic}: {now_alive}");
        assert_eq!(contradictions(&records), Vec::<String>::new());
        let ended = start(topic, &test.log, GeneratorConfig { facts_max: 10, ..config }).ended().await;
        let too_many = matches!(ended, Err(UpstreamError::TooManyFacts { facts_max: 10, .. }));
        assert!(too_many, "{topic}: {ended:?}");
    }
}

/// Twenty users of whom each is to follow so many others and to be followed by as many, and one of whom nothing is known.
async fn stream_of(degree: u64) -> String {
    let counted = |user: u64| {
        let mut message = status(user, user, "jack", 1);
        message["user"]["followers_count"] = json!(degree);
        message["user"]["friends_count"] = json!(degree);
        line(&message)
    };
    let mut chunks: Vec<_> = (1..=20).map(counted).collect();
    let mut unknown = status(99, 99, "jack", 1);
    unknown["user"]["followers_count"] = json!(-1);
    unknown["user"]["friends_count"] = json!(-1);
    chunks.push(line(&unknown));
    serve(vec![Script::Silence(chunks)]).await
}

fn steered(log: &Log, stream: String) -> Running {
    let generator = generators::config(4_000.0);
    let config = FollowsConfig { generator, steer: Steer::FollowCounts { stream, client: ClientOptions::default() } };
    Running::start(|progress, stop| follows::run(log.clone(), config, progress, stop))
}

/// How many each follows and is followed by.
fn degrees(log: &Log) -> HashMap<String, (u64, u64)> {
    let mut degrees: HashMap<String, (u64, u64)> = HashMap::new();
    for key in alive(&read_all(log), Topic::Follows) {
        let (follower, followee) = key.split_once('/').unwrap();
        degrees.entry(follower.to_owned()).or_default().0 += 1;
        degrees.entry(followee.to_owned()).or_default().1 += 1;
    }
    degrees
}

#[tokio::test(flavor = "multi_thread")]
async fn steered_users_come_to_what_the_stream_says() {
    let test = TestLog::new();
    let tweets = crate::support::tweets_config(stream_of(0).await, user_info_upstream::tweets::PublishUsers::EveryTime);
    let users =
        Running::start(|progress, stop| user_info_upstream::tweets::run(test.log.clone(), tweets, progress, stop));
    eventually("all users are known", || count_of(&test.log, Topic::Users) == 21).await;
    users.stop().await.unwrap();

    let service = steered(&test.log, stream_of(5).await);
    let follows = |degree: usize| (degree * 20 - 4)..=(degree * 20);
    let count = || alive(&read_all(&test.log), Topic::Follows).len();
    eventually("they follow as many as they are to", || follows(5).contains(&count())).await;
    service.stop().await.unwrap();
    let reached = degrees(&test.log);
    assert!(reached.values().all(|&(friends, followers)| friends <= 5 && followers <= 5), "{reached:?}");
    assert!(!reached.contains_key("99"), "nothing is known of this one");

    let service = steered(&test.log, stream_of(2).await);
    let beyond = || degrees(&test.log).values().filter(|&&(friends, followers)| friends > 2 || followers > 2).count();
    eventually("they lose what is beyond", || beyond() == 0).await;
    service.stop().await.unwrap();
    assert_eq!(contradictions(&read_all(&test.log)), Vec::<String>::new());
}
