package userinfo.streams.topology;

import java.util.Properties;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;
import userinfo.streams.Topics;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.fact.Keys;
import userinfo.streams.fact.Relation;
import userinfo.streams.model.Count;
import userinfo.streams.model.Formats;
import userinfo.streams.model.Membership;
import userinfo.streams.model.Profile;
import userinfo.streams.model.User;

/**
 * The job in the words of the DSL: a table for each topic, counted by owner and joined with the users.
 *
 * <p>A table is a set already, because the topics are keyed by pair: a fact that is there twice is an update of the same row,
 * which subtracts what it adds. Typed deletions are rows that a filter takes out; the tombstone that follows removes them.
 *
 * <p>Keys of pairs spread an owner's facts over all partitions, so grouping by owner goes through a repartition topic, and a
 * count becomes visible with the commit of the transaction that wrote to it.
 */
public final class DslTopology {
    /** One ready record for each user. */
    public static final String USER_STORE = "user-info";

    private static final Serde<String> TEXT = Serdes.String();

    private final StreamsBuilder builder = new StreamsBuilder();
    private final Topics topics;
    private final BadRecords badRecords;

    private DslTopology(Topics topics, BadRecords badRecords) {
        this.topics = topics;
        this.badRecords = badRecords;
    }

    /** Builds it; the settings say whether source topics serve as changelogs. */
    public static Topology build(Topics topics, BadRecords badRecords, Properties settings) {
        DslTopology dsl = new DslTopology(topics, badRecords);
        dsl.describe();
        return dsl.builder.build(settings);
    }

    private void describe() {
        KTable<String, Membership> follows = members(Relation.FOLLOWS);
        KTable<String, Long> tweets = counted(members(Relation.TWEETS), Keys::owner, Count.TWEETS);
        KTable<String, Long> following = counted(follows, Keys::owner, Count.FOLLOWING);
        KTable<String, Long> followers = counted(follows, Keys::member, Count.FOLLOWERS);
        KTable<String, Long> likes = counted(members(Relation.LIKES), Keys::owner, Count.LIKES);
        KTable<String, Long> lists = counted(members(Relation.LISTS), Keys::owner, Count.LISTS);

        users()
            .mapValues(profile -> profile.isReadable() ? new User(profile) : null)
            .leftJoin(tweets, (user, count) -> user.with(Count.TWEETS, count))
            .leftJoin(following, (user, count) -> user.with(Count.FOLLOWING, count))
            .leftJoin(followers, (user, count) -> user.with(Count.FOLLOWERS, count))
            .leftJoin(likes, (user, count) -> user.with(Count.LIKES, count))
            .leftJoin(lists, (user, count) -> user.with(Count.LISTS, count), stored(USER_STORE, Formats.user()));
    }

    private KTable<String, Profile> users() {
        KeyCheck<Profile> check = new KeyCheck<>(Keys::isId, Profile::userId, badRecords);
        return builder.table(
            topics.users(),
            Consumed.with(TEXT, SourceFormats.profiles()).withTimestampExtractor(check),
            stored("users", SourceFormats.profiles()));
    }

    private KTable<String, Membership> members(Relation relation) {
        KeyCheck<Membership> check = new KeyCheck<>(Keys::isPair, Membership::key, badRecords);
        KTable<String, Membership> facts = builder.table(
            topics.of(relation),
            Consumed.with(TEXT, SourceFormats.memberships(relation)).withTimestampExtractor(check),
            stored("members-" + word(relation), SourceFormats.memberships(relation)));
        return facts.filter((pair, membership) -> membership.present());
    }

    private static KTable<String, Long> counted(KTable<String, Membership> members, Function<String, String> user, Count count) {
        return members
            .groupBy(
                (pair, membership) -> KeyValue.pair(user.apply(pair), membership),
                Grouped.with("by-user-" + word(count), TEXT, Formats.membership()))
            .count(stored("counted-" + word(count), Serdes.Long()));
    }

    private static <V> Materialized<String, V, KeyValueStore<Bytes, byte[]>> stored(String name, Serde<V> format) {
        return Materialized.<String, V, KeyValueStore<Bytes, byte[]>>as(name).withKeySerde(TEXT).withValueSerde(format);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(java.util.Locale.ROOT);
    }
}
