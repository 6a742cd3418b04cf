package userinfo.streams.query;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;

/**
 * One store of the topology, partition by partition. A handle for all partitions would ask one after the other until one
 * knows the key.
 */
final class PartitionedStore<V> {
    private final KafkaStreams streams;
    private final String name;
    private final boolean stale;
    /** Handles find the store anew with each read, so they stay good when tasks move. */
    private final AtomicReferenceArray<ReadOnlyKeyValueStore<String, V>> handles;

    PartitionedStore(KafkaStreams streams, String name, int partitions, boolean stale) {
        this.streams = streams;
        this.name = name;
        this.stale = stale;
        handles = new AtomicReferenceArray<>(partitions);
    }

    int partitions() {
        return handles.length();
    }

    /** What the key's own partition holds. */
    V get(String key) {
        int hash = Utils.murmur2(key.getBytes(StandardCharsets.UTF_8));
        return get(key, Utils.toPositive(hash) % partitions());
    }

    /** What one partition holds. */
    V get(String key, int partition) {
        ReadOnlyKeyValueStore<String, V> handle = handles.get(partition);
        if (handle == null) {
            handle = open(partition);
            handles.set(partition, handle);
        }
        return handle.get(key);
    }

    private ReadOnlyKeyValueStore<String, V> open(int partition) {
        StoreQueryParameters<ReadOnlyKeyValueStore<String, V>> wanted =
            StoreQueryParameters.fromNameAndType(name, QueryableStoreTypes.<String, V>keyValueStore())
                .withPartition(partition);
        return streams.store(stale ? wanted.enableStaleStores() : wanted);
    }
}
