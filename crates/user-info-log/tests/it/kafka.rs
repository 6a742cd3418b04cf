//! Apache Kafka: the contract in the clear and over TLS with a login, and the options of its client.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogError, LogUrl, ProducerConfig, TopicNames};
use user_info_testkit::{BrokerConfig, Credentials, KafkaBroker, Security, free_port};

use crate::subject::{Subject, poll_until, record};

/// Shared by all tests that leave it running: each has topics of its own.
static BROKER: LazyLock<KafkaBroker> = LazyLock::new(|| KafkaBroker::start(&BrokerConfig::default()).unwrap());

static SECURE_BROKER: LazyLock<KafkaBroker> = LazyLock::new(|| {
    let config = BrokerConfig { security: Security::SaslSsl, ..BrokerConfig::default() };
    KafkaBroker::start(&config).unwrap()
});

mod plain {
    crate::contract::contract_tests!(super::subject);
}

mod member {
    crate::contract::reading_tests!(super::member_subject);
}

mod secure {
    crate::contract::contract_tests!(super::secure_subject);
}

/// How to reach the shared broker, with topics of a test's own that do not exist yet.
pub(crate) fn config(test: &str) -> LogConfig {
    config_of(&BROKER, test)
}

pub(crate) fn config_of(broker: &KafkaBroker, test: &str) -> LogConfig {
    LogConfig {
        url: LogUrl::Kafka { bootstrap: broker.bootstrap() },
        topic_names: TopicNames::default().with_prefix(&format!("{test}.")),
        kafka_options: Vec::new(),
        client_id: "log-tests".into(),
    }
}

pub(crate) fn subject(test: &str) -> Subject {
    Subject::open(config(test))
}

fn member_subject(test: &str) -> Subject {
    Subject { in_group: true, ..subject(&format!("member.{test}")) }
}

fn secure_subject(test: &str) -> Subject {
    Subject::open(secure_config(test, "SCRAM-SHA-256", None))
}

fn secure_config(test: &str, mechanism: &str, password: Option<&str>) -> LogConfig {
    let Credentials { ca_path, user, password: right_password } = SECURE_BROKER.credentials().unwrap();
    let options = [
        ("security.protocol", "SASL_SSL"),
        ("ssl.ca.location", ca_path.to_str().unwrap()),
        ("sasl.mechanisms", mechanism),
        ("sasl.username", user),
        ("sasl.password", password.unwrap_or(right_password)),
    ];
    let kafka_options = options.map(|(name, value)| (name.into(), value.into())).to_vec();
    LogConfig { kafka_options, ..config_of(&SECURE_BROKER, test) }
}

#[test]
fn a_login_in_plain_works_too() {
    let log = Log::open(&secure_config("plain_login", "PLAIN", None)).unwrap();
    assert_eq!(log.describe(Topic::Users).unwrap(), None);
}

#[test]
fn a_wrong_password_is_named_as_the_reason() {
    let log = Log::open(&secure_config("wrong_password", "SCRAM-SHA-256", Some("wrong"))).unwrap();
    let error = log.describe(Topic::Users).unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
    assert!(error.to_string().to_lowercase().contains("authentication failed"), "{error}");
}

#[test]
fn options_that_exactness_rests_on_are_refused() {
    for name in [
        "enable.auto.commit",
        "auto.commit.enable",
        "enable.auto.offset.store",
        "auto.offset.reset",
        "enable.partition.eof",
        "isolation.level",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "partition.assignment.strategy",
        "partitioner",
        "enable.idempotence",
        "acks",
        "request.required.acks",
        "transactional.id",
        "bootstrap.servers",
        "metadata.broker.list",
    ] {
        let error = open_with(name, "whatever").unwrap_err();
        assert!(matches!(&error, LogError::InvalidOption { name: named, .. } if named.contains(name)), "{error}");
        assert!(error.to_string().contains("it cannot be set: "), "{error}");
    }
}

#[test]
fn options_that_librdkafka_does_not_know_are_refused_when_the_log_is_opened() {
    for (name, value) in [("no.such.option", "1"), ("socket.timeout.ms", "soon"), ("linger.ms", "soon")] {
        let error = open_with(name, value).unwrap_err();
        assert!(matches!(&error, LogError::InvalidOption { name: named, .. } if named.contains(name)), "{error}");
    }
}

fn open_with(name: &str, value: &str) -> Result<Log, LogError> {
    Log::open(&LogConfig { kafka_options: vec![(name.into(), value.into())], ..unreachable() })
}

/// Nobody listens there.
fn unreachable() -> LogConfig {
    LogConfig {
        url: LogUrl::Kafka { bootstrap: format!("127.0.0.1:{}", free_port()) },
        topic_names: TopicNames::default(),
        kafka_options: Vec::new(),
        client_id: "log-tests".into(),
    }
}

#[test]
fn an_option_wins_over_ours_under_any_of_its_names() {
    // Ours is a delivery time-out of 30 s: a cluster that is away tells which one is in force.
    for name in ["message.timeout.ms", "delivery.timeout.ms"] {
        let log = Log::open(&LogConfig { kafka_options: vec![(name.into(), "1".into())], ..unreachable() }).unwrap();
        let mut producer = log.producer(&ProducerConfig::default()).unwrap();
        let began = Instant::now();
        let error = producer.publish(&[record(Topic::Users, "1", "")]).unwrap_err();
        assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
        assert!(began.elapsed() < Duration::from_secs(30), "{name} made no difference");
    }
}

/// What was logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_clients_own_log_goes_to_tracing() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
    let subscriber = subscriber.with_max_level(tracing::Level::DEBUG).finish();
    tracing::subscriber::with_default(subscriber, || {
        let log = Log::open(&unreachable()).unwrap();
        let mut consumer = log.consumer().unwrap();
        poll_until(&mut consumer, "a report that the cluster is away", |polled| !polled.problems.is_empty());
    });
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = lines.lines().find(|line| line.contains("Connection refused")).unwrap_or_else(|| panic!("{lines}"));
    assert!(
        line.contains("DEBUG librdkafka"),
        "brokers that are away are told of by the consumer, not by its log: {line}"
    );
}
