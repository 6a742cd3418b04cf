//! Two instances of a service with the same transactional id on a real Kafka: the second one takes over.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Log, LogError, LogUrl};
use user_info_testkit::{BrokerConfig, KafkaBroker};
use user_info_upstream::tweets::{self, PublishUsers, TweetsConfig};
use user_info_upstream::{GeneratorConfig, Progress, UpstreamError};

use crate::generators;
use crate::support::{Running, Script, contradictions, line, open, read_all, serve, status, tweets_config};

async fn run(
    topic: Topic,
    log: Log,
    stream: String,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> Result<(), UpstreamError> {
    let transactional_id = Some(format!("the {topic} service"));
    if topic == Topic::Tweets {
        let config = TweetsConfig { transactional_id, ..tweets_config(stream, PublishUsers::WhenChanged) };
        return tweets::run(log, config, progress, stop).await;
    }
    let config = GeneratorConfig { transactional_id, ..generators::config(500.0) };
    generators::run(topic, log, config, progress, stop).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_fences_the_first_one_of_every_service() {
    let broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let log = open(LogUrl::Kafka { bootstrap: broker.bootstrap() }, &[]);
    generators::populate(&log);
    let chunks = (0..20_000).map(|tweet| line(&status(tweet, tweet % 50, "jack", 0))).collect();
    let stream = serve(vec![Script::Slowly(chunks)]).await;
    for topic in [Topic::Tweets, Topic::Follows, Topic::Likes, Topic::Lists] {
        let start = || Running::start(|progress, stop| run(topic, log.clone(), stream.clone(), progress, stop));
        let first = start();
        first.published(100).await;
        let second = start();
        second.published(100).await;
        let ended = first.ended().await;
        assert!(matches!(ended, Err(UpstreamError::Log(LogError::Fenced { .. }))), "{topic}: {ended:?}");
        let reason = ended.unwrap_err().to_string();
        assert!(reason.contains(&format!("the {topic} service")), "{reason}");
        second.stop().await.unwrap();
    }
    assert_eq!(contradictions(&read_all(&log)), Vec::<String>::new());
}
