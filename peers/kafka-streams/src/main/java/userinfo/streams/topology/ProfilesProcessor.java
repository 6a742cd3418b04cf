package userinfo.streams.topology;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import userinfo.streams.fact.BadRecordException;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.fact.Facts;
import userinfo.streams.fact.Keys;
import userinfo.streams.model.Profile;

/** Keeps the newest profile of each user; a null value forgets it. */
final class ProfilesProcessor implements Processor<byte[], byte[], Void, Void> {
    private final BadRecords badRecords;
    private KeyValueStore<String, Profile> profiles;

    ProfilesProcessor(BadRecords badRecords) {
        this.badRecords = badRecords;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        profiles = context.getStateStore(ProcessorTopology.PROFILES_STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        String user = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
        try {
            profiles.put(user, profile(user, record.value()));
        } catch (BadRecordException bad) {
            badRecords.add();
        }
    }

    private static Profile profile(String user, byte[] value) {
        if (value == null) {
            Keys.requireId(user);
            return null;
        }
        Profile profile = Facts.profile(value);
        Keys.requireSame(user, profile.userId());
        return profile;
    }
}
