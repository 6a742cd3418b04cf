package userinfo.streams.model;

/**
 * Everything that an answer holds.
 *
 * @param profile the profile
 * @param counts the five counts
 */
public record User(Profile profile, Counts counts) {
    /** A user of whom nothing is counted yet. */
    public User(Profile profile) {
        this(profile, Counts.NONE);
    }

    /** The same with one of the counts; none at all is zero. */
    public User with(Count count, Long value) {
        return value == null ? this : new User(profile, counts.with(count, value));
    }
}
