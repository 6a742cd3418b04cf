package userinfo.streams.fact;

import userinfo.streams.model.Count;

/** The topics whose records say that a member belongs to a set of its owner; their key is {@code owner/member}. */
public enum Relation {
    /** Tweets by author. */
    TWEETS("tweeted", "tweet_deleted", Field.USER_ID, Field.TWEET_ID, Field.TEXT, Count.TWEETS),
    /** Who follows whom. */
    FOLLOWS("followed", "unfollowed", Field.FOLLOWER_ID, Field.FOLLOWEE_ID, null, Count.FOLLOWING),
    /** Likes by who gave them. */
    LIKES("liked", "unliked", Field.USER_ID, Field.TWEET_ID, null, Count.LIKES),
    /** Lists by who owns them. */
    LISTS("list_created", "list_deleted", Field.OWNER_ID, Field.LIST_ID, Field.NAME, Count.LISTS);

    final String added;
    final String removed;
    final Field owner;
    final Field member;
    /** What else a fact that adds must have besides its time, or null. */
    final Field content;
    private final Count ownerCount;

    Relation(String added, String removed, Field owner, Field member, Field content, Count ownerCount) {
        this.added = added;
        this.removed = removed;
        this.owner = owner;
        this.member = member;
        this.content = content;
        this.ownerCount = ownerCount;
    }

    /** Which count of the owner is the size of the set. */
    public Count ownerCount() {
        return ownerCount;
    }
}
