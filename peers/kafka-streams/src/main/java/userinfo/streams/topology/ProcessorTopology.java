package userinfo.streams.topology;

import java.util.Locale;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import userinfo.streams.Topics;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.fact.Relation;
import userinfo.streams.model.Counts;
import userinfo.streams.model.Formats;
import userinfo.streams.model.Membership;

/**
 * The job written by hand, without any repartition topic.
 *
 * <p>The topics are partitioned by pair, so the facts about one user lie in all partitions. Repartitioning them by owner would
 * write every fact to the broker once more (follows twice), read it again, and delay every count until the transaction that
 * wrote it is committed. Instead each task keeps, for the pairs of its own partitions, what they contribute to the counts of
 * both users; they are exact there, because a pair has one partition. A query adds up the contributions of all partitions: a
 * read of one small record for each, which is far cheaper than what it saves as long as there are not hundreds of partitions.
 * (Several instances would have to ask each other for their sums; repartitioned, they would have to forward half of the
 * requests.)
 *
 * <p>What the stores of members hold are the source topics, which are compacted, so these can serve as changelogs. That is left
 * to exactly-once processing: with at-least-once, members would be restored up to the committed positions but counts beyond
 * them, and what is read again after a crash would be counted again.
 */
public final class ProcessorTopology {
    /** Contributions of one partition to the counts of each user. */
    public static final String COUNTS_STORE = "counts";
    /** The profile of each user. */
    public static final String PROFILES_STORE = "profiles";

    private final Topology topology = new Topology();
    private final Topics topics;
    private final BadRecords badRecords;
    private final boolean sourcesAreChangelogs;

    private ProcessorTopology(Topics topics, BadRecords badRecords, boolean sourcesAreChangelogs) {
        this.topics = topics;
        this.badRecords = badRecords;
        this.sourcesAreChangelogs = sourcesAreChangelogs;
    }

    /** Builds it; with a record cache, counts that change often are logged once for each commit. */
    public static Topology build(
        Topics topics, BadRecords badRecords, boolean sourcesAreChangelogs, boolean withRecordCache) {
        ProcessorTopology processors = new ProcessorTopology(topics, badRecords, sourcesAreChangelogs);
        processors.describe(withRecordCache);
        return processors.topology;
    }

    private void describe(boolean withRecordCache) {
        StoreBuilder<KeyValueStore<String, Counts>> counts = Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(COUNTS_STORE), Serdes.String(), Formats.counts());
        topology.addStateStore(withRecordCache ? counts.withCachingEnabled() : counts);
        for (Relation relation : Relation.values()) {
            addRelation(relation);
        }
        addProfiles();
    }

    private void addRelation(Relation relation) {
        String topic = topics.of(relation);
        String word = relation.name().toLowerCase(Locale.ROOT);
        String source = "read-" + word;
        String processor = "count-" + word;
        String storeName = "members-" + word;
        StoreBuilder<KeyValueStore<String, Membership>> members = Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(storeName), Serdes.String(), SourceFormats.memberships(relation));
        ProcessorSupplier<byte[], byte[], Void, Void> counting =
            () -> new MembersProcessor(relation, storeName, badRecords);
        if (sourcesAreChangelogs) {
            topology.addReadOnlyStateStore(
                members, source, new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic, processor, counting);
        } else {
            topology.addSource(source, new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic);
            topology.addProcessor(processor, counting, source);
            topology.addStateStore(members, processor);
        }
        topology.connectProcessorAndStateStores(processor, COUNTS_STORE);
    }

    private void addProfiles() {
        topology.addSource("read-users", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topics.users());
        topology.addProcessor("keep-profiles", () -> new ProfilesProcessor(badRecords), "read-users");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(PROFILES_STORE), Serdes.String(), Formats.profile()),
            "keep-profiles");
    }
}
