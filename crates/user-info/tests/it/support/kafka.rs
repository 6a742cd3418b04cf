//! Brokers, and what administrators and other programs do to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::runtime::Runtime;
use user_info_core::Topic;
use user_info_log::NewRecord;
use user_info_testkit::{BrokerConfig, KafkaBroker};

use crate::support::waiting::until;
use crate::support::world::World;

/// How long Kafka may take for one step.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// What `topics create` sets. Kafka's old request for changes sets everything else back to its default.
const CONTRACT: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("delete.retention.ms", "604800000"), ("message.timestamp.type", "CreateTime")];

static SHARED: Mutex<Weak<KafkaBroker>> = Mutex::new(Weak::new());

/// The broker of all tests that do it no harm. It ends with the last test that uses it.
pub(crate) fn shared_broker() -> Arc<KafkaBroker> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(broker) = shared.upgrade() {
        return broker;
    }
    let broker = Arc::new(KafkaBroker::start(&BrokerConfig::default()).unwrap());
    *shared = Arc::downgrade(&broker);
    broker
}

/// What an administrator does.
pub(crate) struct Admin {
    client: AdminClient<DefaultClientContext>,
    runtime: Runtime,
}

impl Admin {
    pub(crate) fn of(broker: &KafkaBroker) -> Self {
        let client = ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { client, runtime }
    }

    /// Gives a topic the settings of the contract, but for these.
    pub(crate) fn set(&self, name: &str, changed: &[(&str, &str)]) {
        let mut config = AlterConfig::new(ResourceSpecifier::Topic(name));
        for (setting, value) in CONTRACT.iter().chain(changed) {
            config = config.set(setting, value);
        }
        let results = self.runtime.block_on(self.client.alter_configs(&[config], &options())).unwrap();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        // The controller knows before the brokers do.
        let wanted: BTreeMap<&str, &str> = CONTRACT.iter().chain(changed).copied().collect();
        until("the broker says what was set", || {
            let topic = [ResourceSpecifier::Topic(name)];
            let described = self.runtime.block_on(self.client.describe_configs(&topic, &options())).unwrap();
            let config = described.into_iter().next().unwrap().unwrap();
            let value = |setting: &str| config.get(setting).and_then(|entry| entry.value.as_deref());
            let different = wanted.iter().find(|(setting, wanted)| value(setting) != Some(**wanted));
            different.map_or(Ok(()), |different| Err(format!("not yet {different:?}")))
        });
    }

    pub(crate) fn grow(&self, name: &str, partitions: usize) {
        let grown = [NewPartitions::new(name, partitions)];
        let results = self.runtime.block_on(self.client.create_partitions(&grown, &options())).unwrap();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    /// Deletes a topic and waits until nobody sees it any more.
    pub(crate) fn delete(&self, world: &World, topic: Topic) {
        let name = world.name(topic);
        let results = self.runtime.block_on(self.client.delete_topics(&[name.as_str()], &options())).unwrap();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let log = world.log();
        until("the topic is gone", || match log.describe(topic) {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// Deletes all records of a partition, as soon as the broker knows that the topic's policy allows it.
    pub(crate) fn delete_records(&self, name: &str, partition: i32) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(name, partition, Offset::End).unwrap();
        until("the records are deleted", || {
            let deleted = self.runtime.block_on(self.client.delete_records(&offsets, &options()));
            let deleted = deleted.map_err(|error| error.to_string())?;
            deleted.elements().iter().try_for_each(|it| it.error().map_err(|error| error.to_string()))
        });
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(STEP_LIMIT)).operation_timeout(Some(STEP_LIMIT))
}

/// A transactional producer of another program, which can also give up.
pub(crate) struct Transactions {
    producer: BaseProducer,
}

impl Transactions {
    pub(crate) fn of(broker: &KafkaBroker, id: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker.bootstrap()).set("transactional.id", id);
        config.set("partitioner", "murmur2_random");
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(STEP_LIMIT).unwrap();
        Self { producer }
    }

    /// Begins a transaction and sends all of it; the records are in the log when it returns.
    pub(crate) fn begin(&self, world: &World, records: &[NewRecord]) {
        self.producer.begin_transaction().unwrap();
        for NewRecord { topic, key, value, .. } in records {
            let name = world.name(*topic);
            let record = BaseRecord::<[u8], [u8]>::to(&name).key(key.as_deref().unwrap());
            let record = record.payload(value.as_deref().unwrap());
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.producer.flush(STEP_LIMIT).unwrap();
    }

    pub(crate) fn commit(&self) {
        self.producer.commit_transaction(STEP_LIMIT).unwrap();
    }

    pub(crate) fn abort(&self) {
        self.producer.abort_transaction(STEP_LIMIT).unwrap();
    }
}
