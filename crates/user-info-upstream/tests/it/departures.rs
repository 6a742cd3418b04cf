//! Accounts that are gone for good take all that was theirs with them, whenever a service was killed; and deletions that a
//! kill cut off are completed.

use std::collections::HashSet;
use std::time::Duration;

use user_info_core::{AccountState, Fact, Topic};
use user_info_log::Log;
use user_info_upstream::tweets::translator::TranslatorConfig;
use user_info_upstream::tweets::{self, Role, TweetsConfig};

use crate::generators::{self, OWN_TOPICS, id, owner_and_member, populate, user};
use crate::support::{
    Running, Script, TestLog, account, alive, contradictions, eventually, forget, histories, line, publish, read_all,
    serve, status,
};

/// What the topic holds of a user, as owner or, of follows, as member.
fn left(log: &Log, topic: Topic, user: &str) -> Vec<String> {
    let is_of = |key: &String| {
        let (owner, member) = key.split_once('/').unwrap();
        owner == user || (topic == Topic::Follows && member == user)
    };
    alive(&read_all(log), topic).into_iter().filter(is_of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn generators_take_away_what_was_theirs_and_add_nothing() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = generators::start(topic, &test.log, 2_000.0);
        service.published(1_000).await;
        assert!(!left(&test.log, topic, "u1").is_empty(), "{topic}: the busiest user has something");
        forget(&test.log, "u1");
        eventually("nothing of the user is left", || left(&test.log, topic, "u1").is_empty()).await;
        let published = service.progress.published();
        service.published(published + 1_000).await;
        service.stop().await.unwrap();
        assert_eq!(left(&test.log, topic, "u1"), Vec::<String>::new(), "{topic}");
        assert_eq!(contradictions(&read_all(&test.log)), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generators_take_away_at_the_next_start_what_a_kill_left() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = generators::start(topic, &test.log, 2_000.0);
        service.published(1_000).await;
        service.stop().await.unwrap();
        forget(&test.log, "u1");
        publish(&test.log, &[user(2, AccountState::Deactivated)]);
        let before: HashSet<_> = alive(&read_all(&test.log), topic);
        let service = generators::start(topic, &test.log, 0.0);
        eventually("nothing of the user is left", || left(&test.log, topic, "u1").is_empty()).await;
        service.stop().await.unwrap();
        let after = alive(&read_all(&test.log), topic);
        let lost: HashSet<_> = before.difference(&after).cloned().collect();
        let of_the_user = |key: &String| key.starts_with("u1/") || (topic == Topic::Follows && key.ends_with("/u1"));
        assert!(lost.iter().all(of_the_user), "{topic}: a deactivated account and others keep theirs: {lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_were_cut_off_are_completed() {
    let test = TestLog::new();
    let cut_off = [
        Fact::Unfollowed { follower_id: id("u", 1), followee_id: id("u", 2) },
        Fact::Unliked { user_id: id("u", 1), tweet_id: id("t", 2) },
        Fact::ListDeleted { owner_id: id("u", 1), list_id: id("l", 2) },
        Fact::TweetDeleted { user_id: id("u", 1), tweet_id: id("t", 3) },
    ];
    publish(&test.log, &cut_off);
    let mut services: Vec<_> = OWN_TOPICS.map(|topic| generators::start(topic, &test.log, 0.0)).into();
    services.push(start(&test.log, TranslatorConfig::default(), Vec::new()).await);
    for fact in cut_off {
        let of_fact = (fact.topic(), fact.key().to_string());
        let words = || histories(&read_all(&test.log)).remove(&of_fact).unwrap();
        eventually("the tombstone is there", || words().last().is_some_and(|word| word == "null")).await;
        assert_eq!(words().len(), 2);
    }
    for service in services {
        service.stop().await.unwrap();
    }
}

async fn start(log: &Log, translator: TranslatorConfig, chunks: Vec<Vec<u8>>) -> Running {
    let stream = serve(vec![Script::Silence(chunks)]).await;
    let config = TweetsConfig { translator, ..TweetsConfig::new(stream) };
    Running::start(|progress, stop| tweets::run(log.clone(), config, progress, stop))
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_takes_its_tweets_along() {
    let test = TestLog::new();
    let mut chunks: Vec<_> = (0..50).map(|tweet| line(&status(tweet, 12 + tweet % 2, "jack", 1))).collect();
    chunks.push(line(&account("user_delete", 12, 2)));
    let translator = TranslatorConfig { grace: AT_ONCE, ..TranslatorConfig::default() };
    let service = start(&test.log, translator, chunks).await;
    let tweets = || alive(&read_all(&test.log), Topic::Tweets);
    eventually("the tweets are gone", || tweets().len() == 25 && tweets().iter().all(|key| key.starts_with("13/")))
        .await;
    service.stop().await.unwrap();
    let records = read_all(&test.log);
    assert_eq!(alive(&records, Topic::Users), HashSet::from(["13".to_owned()]));
    let words = histories(&records).remove(&(Topic::Users, "12".to_owned())).unwrap();
    assert_eq!(words.last().map(String::as_str), Some("null"));
    assert_eq!(contradictions(&records), Vec::<String>::new());
    let service = start(&test.log, translator, vec![line(&status(100, 12, "jack", 3)), line(&status(101, 14, "j", 3))]);
    let service = service.await;
    eventually("the service goes on", || tweets().contains("14/101")).await;
    service.stop().await.unwrap();
    assert!(!tweets().contains("12/100"), "nothing more is published of the account");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_everything_stays() {
    let test = TestLog::new();
    let chunks = vec![line(&status(1, 12, "jack", 1)), line(&account("user_delete", 12, 2))];
    let service = start(&test.log, TranslatorConfig::default(), chunks).await;
    service.published(3).await;
    service.stop().await.unwrap();
    let records = read_all(&test.log);
    assert_eq!(alive(&records, Topic::Tweets).len(), 1);
    let state = records.iter().rfind(|record| record.topic == Topic::Users).and_then(|record| record.value.clone());
    let state: serde_json::Value = serde_json::from_slice(&state.unwrap()).unwrap();
    assert_eq!((state["state"].as_str(), state["username"].as_str()), (Some("deactivated"), Some("jack")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tweet_service_alone_learns_it_from_the_users_topic() {
    let test = TestLog::new();
    populate(&test.log);
    let of_user = |user: &str| left(&test.log, Topic::Tweets, user).len();
    let translator = TranslatorConfig { role: Role::Tweets, ..TranslatorConfig::default() };
    forget(&test.log, "u1");
    let service = start(&test.log, translator, Vec::new()).await;
    eventually("what was so before the start", || of_user("u1") == 0).await;
    forget(&test.log, "u2");
    eventually("what happens while it runs", || of_user("u2") == 0).await;
    service.stop().await.unwrap();
    assert!(of_user("u3") > 0, "others keep theirs");
    let own: Vec<_> = read_all(&test.log).into_iter().filter(|record| record.topic == Topic::Users).collect();
    assert!(own.iter().all(|record| record.key.as_deref() != Some(b"12")), "it publishes no users");
    assert!(read_all(&test.log).iter().filter(|record| record.topic == Topic::Tweets).all(|record| {
        let (owner, _) = owner_and_member(record);
        owner.starts_with('u')
    }));
}
