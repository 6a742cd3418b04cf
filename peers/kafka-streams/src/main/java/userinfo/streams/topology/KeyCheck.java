package userinfo.streams.topology;

import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;
import userinfo.streams.fact.BadRecords;

/**
 * Skips and counts records that cannot be read, whose key is none of their topic, or whose key is not the one that the ids in
 * the value make.
 *
 * <p>The timestamp extractor is the one place before a table that sees key and value together and can drop a record: Kafka
 * Streams skips those with a negative time. A filter after the table would come too late, as the table has forgotten the good
 * fact by then; a stream before it would cost a changelog topic.
 */
final class KeyCheck<V> implements TimestampExtractor {
    private static final long SKIP = -1;

    private final Predicate<String> isKey;
    private final Function<V, String> impliedKey;
    private final BadRecords badRecords;

    KeyCheck(Predicate<String> isKey, Function<V, String> impliedKey, BadRecords badRecords) {
        this.isKey = isKey;
        this.impliedKey = impliedKey;
        this.badRecords = badRecords;
    }

    @Override
    @SuppressWarnings("unchecked")
    public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
        String key = (String) record.key();
        V value = (V) record.value();
        // Ids in values were checked when they were read, so that a key which equals them needs no check of its own.
        boolean good = key != null && (value == null ? isKey.test(key) : key.equals(impliedKey.apply(value)));
        if (good) {
            return record.timestamp();
        }
        badRecords.add();
        return SKIP;
    }
}
