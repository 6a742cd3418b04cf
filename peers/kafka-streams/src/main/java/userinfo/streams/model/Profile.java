package userinfo.streams.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * A profile as its owner last published it.
 *
 * @param state whether the account can be shown
 * @param json the first nine fields of the answer, an object that is not closed: facts are read far less often than they are
 *     answered, so the answer is written when the fact comes in
 * @param userId the id in the fact; null when read back from a store, which holds checked facts alone
 */
public record Profile(State state, byte[] json, String userId) {
    /** What nobody can read. */
    public static final Profile UNREADABLE = new Profile(null, null, null);

    /** Whether there is anything to answer. */
    public boolean isReadable() {
        return state != null;
    }

    /** Whether an account can be shown. Stored by position: never reorder. */
    public enum State {
        /** Shown. */
        ACTIVE,
        /** Hidden by the operator. */
        SUSPENDED,
        /** Hidden by its owner. */
        DEACTIVATED;

        private static final State[] ALL = values();

        private final String wireName = name().toLowerCase(Locale.ROOT);

        /** Its name in facts and answers. */
        public String wireName() {
            return wireName;
        }

        /** The state with this name. */
        public static Optional<State> named(String wireName) {
            return Arrays.stream(ALL).filter(state -> state.wireName.equals(wireName)).findAny();
        }

        static State at(byte position) {
            return ALL[position];
        }
    }
}
