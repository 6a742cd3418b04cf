//! The follow, like and list services: they never contradict their own topics, not even after a kill.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use user_info_core::{AccountState, Fact, Id, Profile, Timestamp, Topic};
use user_info_log::{Log, NewRecord, Record};
use user_info_testkit::Process;
use user_info_upstream::follows::{FollowsConfig, Steer};
use user_info_upstream::{GeneratorConfig, Progress, UpstreamError, follows, likes, lists};

use crate::support::{
    DEADLINE, Running, TestLog, contradictions, is_deletion, open_embedded, publish, publish_records, read_all, word,
};

pub(crate) const OWN_TOPICS: [Topic; 3] = [Topic::Follows, Topic::Likes, Topic::Lists];
pub(crate) const USERS: u32 = 40;
const TWEETS: u32 = 200;

pub(crate) fn config(rate: f64) -> GeneratorConfig {
    GeneratorConfig::new(rate, 7)
}

pub(crate) async fn run(
    topic: Topic,
    log: Log,
    config: GeneratorConfig,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> Result<(), UpstreamError> {
    match topic {
        Topic::Follows => {
            let config = FollowsConfig { generator: config, steer: Steer::Ignore };
            follows::run(log, config, progress, stop).await
        }
        Topic::Likes => likes::run(log, config, progress, stop).await,
        Topic::Lists => lists::run(log, config, progress, stop).await,
        Topic::Users | Topic::Tweets | Topic::DeadLetters => panic!("no generator publishes {topic}"),
    }
}

pub(crate) fn start(topic: Topic, log: &Log, rate: f64) -> Running {
    Running::start(|progress, stop| run(topic, log.clone(), config(rate), progress, stop))
}

pub(crate) fn id(prefix: &str, number: u32) -> Id {
    Id::new(&format!("{prefix}{number}")).unwrap()
}

pub(crate) fn user(number: u32, state: AccountState) -> Fact {
    let profile = Profile {
        username: format!("user{number}"),
        name: String::new(),
        state,
        joined_at: Timestamp::from_millis(0).unwrap(),
        bio: None,
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
    };
    Fact::UserChanged { user_id: id("u", number), profile }
}

pub(crate) fn tweeted(number: u32) -> Fact {
    let created_at = Timestamp::from_millis(0).unwrap();
    Fact::Tweeted { user_id: id("u", number % USERS), tweet_id: id("t", number), text: String::new(), created_at }
}

/// Users, of whom every tenth is suspended, and tweets, of which every tenth is deleted.
pub(crate) fn populate(log: &Log) {
    let state = |number: u32| if number.is_multiple_of(10) { AccountState::Suspended } else { AccountState::Active };
    publish(log, &(0..USERS).map(|number| user(number, state(number))).collect::<Vec<_>>());
    publish(log, &(0..TWEETS).map(tweeted).collect::<Vec<_>>());
    let deleted = (0..TWEETS).step_by(10);
    let deletion = |number| Fact::TweetDeleted { user_id: id("u", number % USERS), tweet_id: id("t", number) };
    for fact in deleted.map(deletion) {
        publish_records(log, &[NewRecord::fact(&fact), NewRecord::tombstone(&fact.key())]);
    }
}

/// The records that a generator published.
pub(crate) fn own(log: &Log, topic: Topic) -> Vec<Record> {
    read_all(log).into_iter().filter(|record| record.topic == topic).collect()
}

pub(crate) fn owner_and_member(record: &Record) -> (String, String) {
    let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
    let (owner, member) = key.split_once('/').unwrap();
    (owner.to_owned(), member.to_owned())
}

fn count_words(records: &[Record]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for record in records {
        *counts.entry(word(record)).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_grow_and_shrink_without_contradiction() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = start(topic, &test.log, 4_000.0);
        service.published(2_000).await;
        service.stop().await.unwrap();
        let records = own(&test.log, topic);
        assert_eq!(contradictions(&records), Vec::<String>::new());
        let counts = count_words(&records);
        let removed: usize = counts.iter().filter(|(word, _)| is_deletion(word)).map(|(_, count)| count).sum();
        let added = records.len() - counts["null"] - removed;
        assert_eq!(counts["null"], removed, "{topic}: {counts:?}");
        assert!(removed * 2 < added && added < removed * 8, "{topic}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_and_tweets_that_were_seen_take_part() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = start(topic, &test.log, 4_000.0);
        service.published(2_000).await;
        service.stop().await.unwrap();
        let users: HashSet<_> =
            (0..USERS).filter(|number| number % 10 > 0).map(|number| format!("u{number}")).collect();
        let tweets: HashSet<_> =
            (0..TWEETS).filter(|number| number % 10 > 0).map(|number| format!("t{number}")).collect();
        for (owner, member) in own(&test.log, topic).iter().map(owner_and_member) {
            assert!(users.contains(&owner), "{topic}: {owner} was not seen, or is suspended");
            let known = match topic {
                Topic::Follows => users.contains(&member),
                Topic::Likes => tweets.contains(&member),
                Topic::Users | Topic::Tweets | Topic::Lists | Topic::DeadLetters => true,
            };
            assert!(known, "{topic}: {member} was not seen, or is deleted");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_tweets_that_come_later_take_part_too() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        publish(&test.log, &[user(1, AccountState::Active), tweeted(1)]);
        let service = start(topic, &test.log, 1_000.0);
        service.published(20).await;
        publish(&test.log, &[user(2, AccountState::Active), tweeted(2)]);
        let takes_part = || {
            let records = own(&test.log, topic);
            records
                .iter()
                .map(owner_and_member)
                .any(|(owner, member)| owner == "u2" && (topic != Topic::Likes || member == "t2"))
        };
        crate::support::eventually("the new user takes part", takes_part).await;
        service.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn harmless_oddities_happen() {
    let test = TestLog::new();
    populate(&test.log);
    let service = start(Topic::Follows, &test.log, 4_000.0);
    service.published(2_000).await;
    service.stop().await.unwrap();
    let records = own(&test.log, Topic::Follows);
    let follows: Vec<_> = records.iter().filter(|record| word(record) == "followed").map(owner_and_member).collect();
    assert!(follows.iter().any(|(follower, followee)| follower == followee), "nobody follows themselves");
    let mut alive = HashSet::new();
    let mut repeated = 0;
    for record in &records {
        match word(record).as_str() {
            "followed" => repeated += usize::from(!alive.insert(owner_and_member(record))),
            _ => drop(alive.remove(&owner_and_member(record))),
        }
    }
    assert!(repeated > 0, "nobody follows twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_renamed() {
    let test = TestLog::new();
    populate(&test.log);
    let service = start(Topic::Lists, &test.log, 4_000.0);
    service.published(1_000).await;
    service.stop().await.unwrap();
    let created: Vec<_> = own(&test.log, Topic::Lists)
        .iter()
        .filter(|record| word(record) == "list_created")
        .map(owner_and_member)
        .collect();
    let lists: HashSet<_> = created.iter().collect();
    assert!(lists.len() < created.len(), "no list was renamed");
    let numbers: HashSet<_> = lists.iter().map(|(_, list)| list).collect();
    assert_eq!(numbers.len(), lists.len(), "two users own the same list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_topic_is() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        for _ in 0..3 {
            let service = start(topic, &test.log, 4_000.0);
            service.published(600).await;
            service.stop().await.unwrap();
        }
        let records = own(&test.log, topic);
        assert_eq!(contradictions(&records), Vec::<String>::new());
        assert!(records.len() >= 1_800);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_added_a_later_one_takes_away() {
    for topic in OWN_TOPICS {
        let test = TestLog::new();
        populate(&test.log);
        let service = start(topic, &test.log, 4_000.0);
        service.published(600).await;
        service.stop().await.unwrap();
        let before: HashSet<_> = own(&test.log, topic).iter().map(owner_and_member).collect();
        let service = start(topic, &test.log, 4_000.0);
        service.published(600).await;
        service.stop().await.unwrap();
        // Whoever knows nothing of the first run can only take away what the second one added before.
        let mut added = HashSet::new();
        let mut taken = 0;
        for record in own(&test.log, topic).iter().skip_while(|record| before.contains(&owner_and_member(record))) {
            if is_deletion(&word(record)) {
                taken += usize::from(
                    before.contains(&owner_and_member(record)) && !added.contains(&owner_and_member(record)),
                );
            } else {
                added.insert(owner_and_member(record));
            }
        }
        assert!(taken > 0, "{topic}");
    }
}

const KILLED_LOG: &str = "UPSTREAM_TEST_LOG";
const KILLED_TOPIC: &str = "UPSTREAM_TEST_TOPIC";

/// Not a test of its own: runs a generator until it is killed. Does nothing unless another test asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn run_until_killed() {
    let (Ok(path), Ok(topic)) = (std::env::var(KILLED_LOG), std::env::var(KILLED_TOPIC)) else { return };
    let log = open_embedded(&PathBuf::from(path));
    let service = start(Topic::from_name(&topic).unwrap(), &log, 4_000.0);
    service.published(500).await;
    println!("\npublished enough");
    service.published(u64::MAX).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leads_to_no_contradiction() {
    for topic in OWN_TOPICS {
        let dir = TempDir::new().unwrap();
        populate(&open_embedded(dir.path()));
        for _ in 0..3 {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "generators::run_until_killed", "--nocapture"]);
            command.env(KILLED_LOG, dir.path()).env(KILLED_TOPIC, topic.name());
            let mut service = Process::spawn(&command).unwrap();
            service.wait_for_line("published enough", DEADLINE).unwrap();
            service.kill().unwrap();
        }
        let log = open_embedded(dir.path());
        let service = start(topic, &log, 4_000.0);
        service.published(500).await;
        service.stop().await.unwrap();
        let records = own(&log, topic);
        assert_eq!(contradictions(&records), Vec::<String>::new());
        assert!(records.len() >= 2_000);
    }
}
