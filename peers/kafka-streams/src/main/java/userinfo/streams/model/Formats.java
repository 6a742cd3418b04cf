package userinfo.streams.model;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** How stores, changelogs and repartition topics hold what is known. */
public final class Formats {
    private static final byte[] PRESENT = {1};
    private static final byte[] ABSENT = {0};

    private Formats() {}

    /** Five numbers of seven bits a byte: most counts are small. */
    public static Serde<Counts> counts() {
        return Serdes.serdeFrom(
            (topic, counts) -> counts == null ? null : write(counts),
            (topic, bytes) -> bytes == null ? null : Counts.read(ByteBuffer.wrap(bytes)));
    }

    /** One byte of state, then the JSON. */
    public static Serde<Profile> profile() {
        return Serdes.serdeFrom(
            (topic, profile) -> profile == null ? null : write(profile, 0).array(),
            (topic, bytes) -> bytes == null ? null : readProfile(ByteBuffer.wrap(bytes)));
    }

    /** The counts, then the profile. */
    public static Serde<User> user() {
        return Serdes.serdeFrom(
            (topic, user) -> user == null ? null : write(user), (topic, bytes) -> bytes == null ? null : readUser(bytes));
    }

    /** One byte. The key says the rest. */
    public static Serde<Membership> membership() {
        return Serdes.serdeFrom(
            (topic, membership) -> membership == null ? null : membership.present() ? PRESENT : ABSENT,
            (topic, bytes) -> bytes == null ? null : new Membership(bytes[0] == PRESENT[0], null));
    }

    private static byte[] write(Counts counts) {
        ByteBuffer bytes = ByteBuffer.allocate(Counts.BYTES_MAX);
        counts.write(bytes);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private static byte[] write(User user) {
        byte[] counts = write(user.counts());
        return write(user.profile(), counts.length).put(0, counts).array();
    }

    private static ByteBuffer write(Profile profile, int room) {
        byte[] json = profile.json();
        return ByteBuffer.allocate(room + 1 + json.length).position(room).put((byte) profile.state().ordinal()).put(json);
    }

    private static User readUser(byte[] bytes) {
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        Counts counts = Counts.read(rest);
        return new User(readProfile(rest), counts);
    }

    private static Profile readProfile(ByteBuffer bytes) {
        Profile.State state = Profile.State.at(bytes.get());
        byte[] json = new byte[bytes.remaining()];
        bytes.get(json);
        return new Profile(state, json, null);
    }
}
