package userinfo.streams;

import java.util.List;
import userinfo.streams.fact.Relation;

/**
 * The names of the five topics of facts.
 *
 * @param users profiles
 * @param tweets tweets by author
 * @param follows who follows whom
 * @param likes likes by who gave them
 * @param lists lists by who owns them
 */
public record Topics(String users, String tweets, String follows, String likes, String lists) {
    /** The topic of a relation. */
    public String of(Relation relation) {
        return switch (relation) {
            case TWEETS -> tweets;
            case FOLLOWS -> follows;
            case LIKES -> likes;
            case LISTS -> lists;
        };
    }

    /** All of them. */
    public List<String> all() {
        return List.of(users, tweets, follows, likes, lists);
    }
}
