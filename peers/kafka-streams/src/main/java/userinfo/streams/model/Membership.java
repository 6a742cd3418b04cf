package userinfo.streams.model;

/**
 * Whether a member belongs to a set.
 *
 * @param present whether it does
 * @param key the record key that the ids in the fact would have; null when read back from a store, which holds checked
 *     facts alone
 */
public record Membership(boolean present, String key) {
    /** What nobody can read. */
    public static final Membership UNREADABLE = new Membership(false, null);
}
