package userinfo.streams.topology;

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
 * How tables hold what source topics say. A store whose changelog is the source topic itself holds what was processed in this
 * application's short form, but what was restored as the JSON that stands in the topic, because Kafka Streams restores bytes
 * as they are. The two are told apart by the first byte.
 *
 * <p>Restoring also brings back bad records, over the good fact that was in force before (KAFKA-8037). They are taken for
 * absent then: what they displaced is gone.
 */
final class SourceFormats {
    /** The short forms begin with a smaller byte, and JSON with a larger one: white space at least. */
    private static final byte SHORT_FORM_MAX = 8;

    private SourceFormats() {}

    /** Profiles from the topic: bad records are exceptions. */
    static Serde<Profile> profiles() {
        return serde(Formats.profile(), Facts::profile);
    }

    /** Memberships from the topic: bad records are exceptions. */
    static Serde<Membership> memberships(Relation relation) {
        return serde(Formats.membership(), bytes -> Facts.membership(relation, bytes));
    }

    /** Profiles in a store that is restored from the topic. */
    static Serde<Profile> storedProfiles() {
        return storedSerde(Formats.profile(), Facts::profile);
    }

    /** Memberships in a store that is restored from the topic. */
    static Serde<Membership> storedMemberships(Relation relation) {
        return storedSerde(Formats.membership(), bytes -> Facts.membership(relation, bytes));
    }

    private interface Reading<T> {
        T read(byte[] json);
    }

    private static <T> Serde<T> serde(Serde<T> shortForm, Reading<T> reading) {
        return Serdes.serdeFrom(shortForm.serializer(), (topic, bytes) -> bytes == null ? null : reading.read(bytes));
    }

    private static <T> Serde<T> storedSerde(Serde<T> shortForm, Reading<T> reading) {
        Deserializer<T> deserializer = (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            if (bytes.length > 0 && bytes[0] >= 0 && bytes[0] <= SHORT_FORM_MAX) {
                return shortForm.deserializer().deserialize(topic, bytes);
            }
            try {
                return reading.read(bytes);
            } catch (BadRecordException bad) {
                return null;
            }
        };
        return Serdes.serdeFrom(shortForm.serializer(), deserializer);
    }
}
