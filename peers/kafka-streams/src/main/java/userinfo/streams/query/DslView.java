package userinfo.streams.query;

import org.apache.kafka.streams.KafkaStreams;
import userinfo.streams.model.User;
import userinfo.streams.topology.DslTopology;

/** Users as the joins left them: one read. */
public final class DslView implements UserView {
    private final PartitionedStore<User> users;

    /** Joined users are partitioned like their topic. */
    public DslView(KafkaStreams streams, int userPartitions, boolean stale) {
        users = new PartitionedStore<>(streams, DslTopology.USER_STORE, userPartitions, stale);
    }

    @Override
    public User find(String userId) {
        return users.get(userId);
    }
}
