package userinfo.streams.topology;

import java.util.Locale;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
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
 * <p>The stores of members have no changelog topic of their own: what they hold are the source topics, which are compacted and
 * serve as such.
 */
public final class ProcessorTopology {
    /** Contributions of one partition to the counts of each user. */
    public static final String COUNTS_STORE = "counts";
    /** The profile of each user. */
    public static final String PROFILES_STORE = "profiles";

    private ProcessorTopology() {}

    /** Builds it; with a record cache, counts that change often are logged once for each commit. */
    public static Topology build(Topics topics, BadRecords badRecords, boolean withRecordCache) {
        Topology topology = new Topology();
        StoreBuilder<KeyValueStore<String, Counts>> counts = Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(COUNTS_STORE), Serdes.String(), Formats.counts());
        topology.addStateStore(withRecordCache ? counts.withCachingEnabled() : counts);
        for (Relation relation : Relation.values()) {
            addRelation(topology, topics.of(relation), relation, badRecords);
        }
        addProfiles(topology, topics.users(), badRecords);
        return topology;
    }

    private static void addRelation(Topology topology, String topic, Relation relation, BadRecords badRecords) {
        String word = relation.name().toLowerCase(Locale.ROOT);
        String processor = "count-" + word;
        String storeName = "members-" + word;
        StoreBuilder<KeyValueStore<String, Membership>> members = Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(storeName), Serdes.String(), SourceFormats.storedMemberships(relation));
        topology.addReadOnlyStateStore(
            members,
            "read-" + word,
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer(),
            topic,
            processor,
            () -> new MembersProcessor(relation, storeName, badRecords));
        topology.connectProcessorAndStateStores(processor, COUNTS_STORE);
    }

    private static void addProfiles(Topology topology, String topic, BadRecords badRecords) {
        topology.addSource("read-users", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic);
        topology.addProcessor("keep-profiles", () -> new ProfilesProcessor(badRecords), "read-users");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(PROFILES_STORE), Serdes.String(), Formats.profile()),
            "keep-profiles");
    }
}
