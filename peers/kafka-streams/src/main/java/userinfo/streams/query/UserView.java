package userinfo.streams.query;

import userinfo.streams.model.User;

/** Reads users from the stores of the topology. May be asked by any thread. */
public interface UserView {
    /**
     * The user with this id, or null while no profile is known.
     *
     * @throws org.apache.kafka.streams.errors.InvalidStateStoreException if the partition cannot be read at the moment
     */
    User find(String userId);
}
