package userinfo.streams.query;

import org.apache.kafka.streams.KafkaStreams;
import userinfo.streams.model.Counts;
import userinfo.streams.model.Profile;
import userinfo.streams.model.Profile.State;
import userinfo.streams.model.User;
import userinfo.streams.topology.ProcessorTopology;

/** Users as a profile and the sum of what all partitions count. */
public final class ProcessorView implements UserView {
    private final PartitionedStore<Profile> profiles;
    private final PartitionedStore<Counts> counts;

    /** Profiles are partitioned like their topic, counts like that of the four other topics which has most partitions. */
    public ProcessorView(KafkaStreams streams, int userPartitions, int pairPartitions, boolean stale) {
        profiles = new PartitionedStore<>(streams, ProcessorTopology.PROFILES_STORE, userPartitions, stale);
        counts = new PartitionedStore<>(streams, ProcessorTopology.COUNTS_STORE, pairPartitions, stale);
    }

    @Override
    public User find(String userId) {
        Profile profile = profiles.get(userId);
        if (profile == null) {
            return null;
        }
        // Whoever is not shown needs no counts.
        return new User(profile, profile.state() == State.ACTIVE ? sum(userId) : Counts.NONE);
    }

    private Counts sum(String userId) {
        Counts sum = Counts.NONE;
        for (int partition = 0; partition < counts.partitions(); partition++) {
            Counts part = counts.get(userId, partition);
            sum = part == null ? sum : sum.plus(part);
        }
        return sum;
    }
}
