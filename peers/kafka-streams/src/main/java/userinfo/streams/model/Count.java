package userinfo.streams.model;

/** The five counts of a user, in the order of answers. Stored in this order: never reorder. */
public enum Count {
    /** Tweets. */
    TWEETS("tweet_count"),
    /** Users whom the user follows. */
    FOLLOWING("following_count"),
    /** Users who follow the user. */
    FOLLOWERS("followers_count"),
    /** Tweets that the user likes. */
    LIKES("like_count"),
    /** Lists that the user owns. */
    LISTS("list_count");

    private final String wireName;

    Count(String wireName) {
        this.wireName = wireName;
    }

    /** Its name in answers. */
    public String wireName() {
        return wireName;
    }
}
