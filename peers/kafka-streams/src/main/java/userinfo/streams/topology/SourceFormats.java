package userinfo.streams.topology;

import java.util.function.Function;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import userinfo.streams.fact.BadRecordException;
import userinfo.streams.fact.Facts;
import userinfo.streams.fact.Relation;
import userinfo.streams.model.Formats;
import userinfo.streams.model.Membership;
import userinfo.streams.model.Profile;

/**
 * How tables read what source topics say, and their stores what was kept of it. A store whose changelog is the source topic
 * itself holds what was processed in this application's short form, but what was restored as the JSON that stands in the
 * topic, because Kafka Streams restores bytes as they are. The two are told apart by the first byte.
 *
 * <p>Whatever cannot be read is a value that names no key, which {@link KeyCheck} refuses. It cannot be an exception: restoring
 * also brings back bad records, over the good fact that was in force before (KAFKA-8037), and reading a store must not fail.
 * They are taken for absent there.
 */
final class SourceFormats {
    /** The short forms begin with a smaller byte, and JSON with a larger one: white space at least. */
    private static final byte SHORT_FORM_MAX = 8;

    private SourceFormats() {}

    static Serde<Profile> profiles() {
        return serde(Formats.profile(), Facts::profile, Profile.UNREADABLE);
    }

    static Serde<Membership> memberships(Relation relation) {
        return serde(Formats.membership(), json -> Facts.membership(relation, json), Membership.UNREADABLE);
    }

    private static <T> Serde<T> serde(Serde<T> shortForm, Function<byte[], T> fact, T unreadable) {
        Deserializer<T> deserializer = (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            if (bytes.length > 0 && bytes[0] >= 0 && bytes[0] <= SHORT_FORM_MAX) {
                return shortForm.deserializer().deserialize(topic, bytes);
            }
            try {
                return fact.apply(bytes);
            } catch (BadRecordException bad) {
                return unreadable;
            }
        };
        return Serdes.serdeFrom(shortForm.serializer(), deserializer);
    }
}
