//! The services on a real Kafka: through an outage of the broker, and with transactions.

use std::sync::atomic::Ordering;

use user_info_core::{Topic, decode};
use user_info_log::{Log, LogUrl};
use user_info_testkit::{BrokerConfig, KafkaBroker};
use user_info_upstream::all::{self, AllConfig};
use user_info_upstream::simulator::SimulatorConfig;
use user_info_upstream::stream::client::ClientOptions;
use user_info_upstream::tweets::{self, PublishUsers};

use crate::support::{
    Running, Script, contradictions, eventually, histories, is_deletion, line, open, read_all, serve, status,
    tweets_config,
};

/// Deliveries fail sooner than a broker restarts.
fn open_kafka(broker: &KafkaBroker) -> Log {
    open(LogUrl::Kafka { bootstrap: broker.bootstrap() }, &[("message.timeout.ms", "1000")])
}

fn start_all(log: &Log) -> Running {
    let simulator = SimulatorConfig { users: 300, rate: 500.0, seed: 7 };
    let config = AllConfig { stream: None, client: ClientOptions::default(), simulator, action_rate: 500.0 };
    Running::start(|progress, stop| all::run(log.clone(), config, progress, stop))
}

#[tokio::test(flavor = "multi_thread")]
async fn services_survive_an_outage_of_the_broker() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let log = open_kafka(&broker);
    let services = start_all(&log);
    services.published(5_000).await;
    broker.kill().unwrap();
    let interruptions = || services.progress.interruptions.load(Ordering::Relaxed);
    eventually("all four services are interrupted", || interruptions() >= 4).await;
    broker.restart().unwrap();
    let before = services.progress.published();
    services.published(before + 5_000).await;
    services.stop().await.unwrap();
    let records = read_all(&log);
    for record in &records {
        decode(record.topic, record.key.as_deref(), record.value.as_deref()).unwrap();
    }
    // The services may not know of facts whose delivery failed, but they read what is there before they go on: what they
    // take away is there. That a deletion's tombstone was lost with its delivery does no harm.
    let taken_away: Vec<_> =
        contradictions(&records).into_iter().filter(|found| found.contains("taken away")).collect();
    assert_eq!(taken_away, Vec::<String>::new());
    for ((topic, key), history) in histories(&records).iter().filter(|((topic, _), _)| *topic == Topic::Tweets) {
        let deleted = history.iter().position(|word| is_deletion(word)).unwrap_or(history.len());
        assert!(!history[deleted..].contains(&"tweeted".to_owned()), "{topic} {key} came back: {history:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tweet_is_lost_with_a_failed_delivery() {
    const TWEETS: u64 = 6_000;
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let log = open_kafka(&broker);
    let chunks = (0..TWEETS).map(|tweet| line(&status(tweet, 12, "jack", 0))).collect();
    let stream = serve(vec![Script::Slowly(chunks)]).await;
    let config = tweets_config(stream, PublishUsers::WhenChanged);
    let service = Running::start(|progress, stop| tweets::run(log.clone(), config, progress, stop));
    service.published(500).await;
    broker.kill().unwrap();
    eventually("a delivery fails", || service.progress.interruptions.load(Ordering::Relaxed) > 0).await;
    broker.restart().unwrap();
    let profiles = 1;
    service.published(TWEETS + profiles).await;
    service.stop().await.unwrap();
    let histories = histories(&read_all(&log));
    assert_eq!(histories.keys().filter(|(topic, _)| *topic == Topic::Tweets).count() as u64, TWEETS);
    assert_eq!(histories[&(Topic::Users, "12".to_owned())], ["user_changed"], "the profile was read back");
}
