//! Options of librdkafka: ours, each with its reason, and the user's, which come last and win.

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;

use super::context::Context;
use crate::error::LogError;

/// The largest record that is sent, and that is asked for: room for a document of 10 MB. The topic's own limit
/// (`max.message.bytes`, 1 MiB by default) is usually lower.
const MESSAGE_BYTES_MAX: &str = "16777216";

/// What a consumer may hold that was fetched but not polled, so that memory stays bounded during catch-up: several
/// times the largest batch that anybody polls. One fetch (`fetch.max.bytes`) may come on top.
const FETCHED_KIBIBYTES_MAX: &str = "65536";

/// What one fetch may bring: enough for full speed, bounded because it comes on top of what is held already.
const FETCH_BYTES_MAX: &str = "33554432";

/// After this a connection that went silent is replaced (60 s by default), so that a reader is stuck for less than half a
/// minute. The largest fetch must come through in this time: 1.6 MiB/s do.
const SILENCE_MS: &str = "20000";

/// For how long a record is tried before publishing fails: longer than a broker takes to restart or a leader to change.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// After this the broker aborts a transaction whose producer is gone; until then nobody reads past its first record.
const TRANSACTION_TIMEOUT_MS: &str = "30000";

/// How long a topic that was just created may look missing.
const TOPIC_PROPAGATION_MS: &str = "5000";

/// After this the partitions of a member that was killed go to the others (45 s by default): soon, and longer than a broker
/// that is restarted takes to answer again, so that a restart alone moves nothing.
const SESSION_TIMEOUT_MS: &str = "10000";

/// Members hear with the answer to a heartbeat that another one came or went (3 s by default), and a partition that moves
/// takes two rounds of that.
const HEARTBEAT_INTERVAL_MS: &str = "1000";

/// A member that is not polled for so long is taken for hung, and its partitions go to the others. Longer than writing the
/// largest batch takes, and than a shared store takes to be restarted and read its data: while it is away, the others
/// could not go on either.
const POLL_INTERVAL_MAX_MS: &str = "300000";

/// Of every client. Defaults that are changed: a cluster that comes back is noticed within a second (10 s), new leaders
/// and lost topics within 10 s (5 minutes).
const COMMON: &[(&str, &str)] = &[
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("topic.metadata.propagation.max.ms", TOPIC_PROPAGATION_MS),
    ("message.max.bytes", MESSAGE_BYTES_MAX),
    ("allow.auto.create.topics", "false"),
    ("socket.keepalive.enable", "true"),
];

const CONSUMER: &[(&str, &str)] = &[
    // librdkafka wants a name of a group. Nobody joins this one, and nothing is committed to any.
    ("group.id", "user-info"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    ("socket.timeout.ms", SILENCE_MS),
    // The default sleeps for up to a second whenever the queue was full, which costs two thirds of the throughput.
    ("fetch.queue.backoff.ms", "2"),
    ("fetch.error.backoff.ms", "50"),
    ("queued.max.messages.kbytes", FETCHED_KIBIBYTES_MAX),
    ("fetch.max.bytes", FETCH_BYTES_MAX),
];

/// Besides those of every consumer.
const GROUP_CONSUMER: &[(&str, &str)] = &[
    ("group.protocol", "classic"),
    // A member that comes or goes interrupts only the partitions that move.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", SESSION_TIMEOUT_MS),
    ("heartbeat.interval.ms", HEARTBEAT_INTERVAL_MS),
    ("max.poll.interval.ms", POLL_INTERVAL_MAX_MS),
];

const PRODUCER: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("partitioner", "murmur2_random"),
    // A publisher waits for its slice, so nothing is won by waiting for more. Batches form while requests are under way:
    // measured, slices of 1, 500 and 5,000 records were all published faster than with 0.1, 1 or 5 ms.
    ("linger.ms", "0"),
    ("compression.codec", "lz4"),
];

/// Options that are not the user's to choose, under all their names, and why.
const RESERVED: &[(&[&str], &str)] = &[
    (
        &["enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store"],
        "positions are stored with the data, never in Kafka",
    ),
    (&["auto.offset.reset"], "a position that the log does not have must be reported, not moved"),
    (&["enable.partition.eof"], "to be caught up means that the ends of partitions were reported"),
    (&["isolation.level"], "records of aborted transactions must not be read"),
    (&["group.id"], "a group is named where it is joined"),
    (
        &["group.instance.id"],
        "a member that ends must leave its group at once, which a member with such an id does not",
    ),
    (
        &["group.protocol", "group.remote.assignor", "partition.assignment.strategy"],
        "all members of a group must share partitions in the same way",
    ),
    (&["partitioner"], "the partition of a key is part of the contract between the services"),
    (
        &["enable.idempotence", "acks", "request.required.acks"],
        "a retry must neither repeat nor reorder records, nor lose them with a broker",
    ),
    (&["transactional.id"], "it belongs to one producer, which is given it by name (--transactional-id)"),
    (&["bootstrap.servers", "metadata.broker.list"], "the brokers are named by the log's URL"),
];

/// What all clients of one log have in common.
#[derive(Clone, Debug)]
pub(super) struct ClientSettings {
    bootstrap: String,
    client_id: String,
    options: Vec<(String, String)>,
}

impl ClientSettings {
    pub(super) fn new(bootstrap: &str, client_id: &str, options: &[(String, String)]) -> Result<Self, LogError> {
        options.iter().try_for_each(|(name, _)| check_option(name))?;
        Ok(Self { bootstrap: bootstrap.into(), client_id: client_id.into(), options: options.to_vec() })
    }

    pub(super) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.config(&[], &[])
    }

    pub(super) fn consumer(&self) -> ClientConfig {
        self.config(CONSUMER, &[])
    }

    pub(super) fn group_consumer(&self, group: &str) -> ClientConfig {
        self.config(CONSUMER, &[&[("group.id", group)], GROUP_CONSUMER].concat())
    }

    pub(super) fn producer(&self, transactional_id: Option<&str>) -> ClientConfig {
        match transactional_id {
            // The transaction's time-out limits those of its records and requests, too.
            Some(id) => {
                self.config(PRODUCER, &[("transactional.id", id), ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)])
            }
            None => {
                self.config(PRODUCER, &[("message.timeout.ms", DELIVERY_TIMEOUT_MS), ("socket.timeout.ms", SILENCE_MS)])
            }
        }
    }

    fn config(&self, of_kind: &[(&str, &str)], of_client: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", &self.client_id);
        for (name, value) in COMMON.iter().chain(of_kind).chain(of_client) {
            config.set(*name, *value);
        }
        for (name, value) in &self.options {
            config.set(our_name(name), value);
        }
        config
    }
}

/// The name that we use for an option which has several, so that the user's value takes the place of ours: the client's
/// configuration has no order.
fn our_name(name: &str) -> &str {
    match name {
        "compression.type" => "compression.codec",
        "delivery.timeout.ms" => "message.timeout.ms",
        "queue.buffering.max.ms" => "linger.ms",
        name => name,
    }
}

fn check_option(name: &str) -> Result<(), LogError> {
    match RESERVED.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, reason)) => Err(LogError::InvalidOption {
            name: format!("Kafka option {name}"),
            reason: format!("it cannot be set: {reason}"),
        }),
        None => Ok(()),
    }
}

/// Creates a client, which starts its threads and does not wait for a connection.
pub(super) fn create<T: FromClientConfigAndContext<Context>>(config: &ClientConfig) -> Result<T, LogError> {
    config.create_with_context(Context).map_err(|error| {
        if let KafkaError::ClientConfig(_, reason, name, value) = error {
            return LogError::InvalidOption { name: format!("Kafka option {name}={value}"), reason };
        }
        LogError::InvalidOption { name: "Kafka options".into(), reason: error.to_string() }
    })
}
