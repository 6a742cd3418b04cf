package userinfo.streams;

import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/** The settings of Kafka Streams. */
final class Settings {
    private static final long MEBIBYTE = 1024 * 1024;

    private Settings() {}

    static Properties of(Options options) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, options.applicationId());
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrapServers());
        settings.put(StreamsConfig.STATE_DIR_CONFIG, options.stateDirectory());
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.streamThreads());
        // The broker beside which this is measured is one node.
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        if (options.tuned()) {
            tune(settings, options);
        }
        if (options.transactionalStores()) {
            // By name, so that this also compiles with Kafka Streams 4.3, which ignores it.
            settings.put("enable.transactional.statestores", true);
            // What was processed is seen at once, as without transactions, not with the next commit.
            settings.put("default.interactive.query.isolation.level", "READ_UNCOMMITTED");
        }
        if (options.recordCacheMebibytes() >= 0) {
            settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, options.recordCacheMebibytes() * MEBIBYTE);
        }
        return settings;
    }

    private static void tune(Properties settings, Options options) {
        // Counts must not drift, so facts must not be applied twice.
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        // Repartitioned counts wait for the commit.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        // Record caches hold back what is counted until the commit, and were slower.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0L);
        // Source topics serve as changelogs: they are compacted.
        settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        // Topics commute with each other, so no topic has to wait for another one's records.
        settings.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, -1L);
        settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDbTuning.class);
        settings.put(RocksDbTuning.BLOCK_CACHE_BYTES_SETTING, options.blockCacheMebibytes() * MEBIBYTE);
        // Static membership: whoever comes back gets its partitions back at once, not after the session timed out.
        settings.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), options.applicationId());
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 * 1024);
    }
}
