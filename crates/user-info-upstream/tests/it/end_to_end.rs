//! Simulated stream to log, all services at once: no record is bad, and nothing contradicts itself.

use std::collections::HashMap;

use user_info_core::decode::check_partition;
use user_info_core::{Topic, decode};
use user_info_upstream::all::{self, AllConfig};
use user_info_upstream::simulator::SimulatorConfig;
use user_info_upstream::stream::client::ClientOptions;

use crate::support::{LAYOUT, Running, TestLog, contradictions, histories, is_deletion, read_all};

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_one_publishes_only_good_records() {
    let test = TestLog::new();
    let simulator = SimulatorConfig { users: 300, rate: 1_000.0, seed: 7 };
    let config = AllConfig { stream: None, client: ClientOptions::default(), simulator, action_rate: 700.0 };
    let services = Running::start(|progress, stop| all::run(test.log.clone(), config, progress, stop));
    services.published(15_000).await;
    let progress = services.progress.clone();
    services.stop().await.unwrap();

    let records = read_all(&test.log);
    assert_eq!(progress.published(), records.len() as u64);
    assert_eq!(progress.malformed.load(std::sync::atomic::Ordering::Relaxed), 0);
    let mut by_topic: HashMap<Topic, usize> = HashMap::new();
    for record in &records {
        let key = record.key.as_deref().unwrap();
        decode(record.topic, Some(key), record.value.as_deref()).unwrap();
        check_partition(key, record.partition, LAYOUT.partitions).unwrap();
        *by_topic.entry(record.topic).or_default() += 1;
    }
    assert!(Topic::FACTS.iter().all(|topic| by_topic[topic] > 500), "{by_topic:?}");
    assert_eq!(contradictions(&records), Vec::<String>::new());
    let histories = histories(&records);
    let tweets = histories.iter().filter(|((topic, _), _)| *topic == Topic::Tweets);
    let mut deleted_tweets = 0;
    for ((_, key), history) in tweets {
        let deleted = history.iter().position(|word| is_deletion(word)).unwrap_or(history.len());
        deleted_tweets += usize::from(deleted < history.len());
        assert!(!history[deleted..].contains(&"tweeted".to_owned()), "{key} came back: {history:?}");
    }
    assert!(deleted_tweets > 20, "only {deleted_tweets} tweets were deleted");
}
