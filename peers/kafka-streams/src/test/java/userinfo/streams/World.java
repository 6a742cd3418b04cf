package userinfo.streams;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Draws facts about some users: the same seed, the same facts. */
final class World {
    private static final String[] STATES = {"active", "active", "active", "active", "suspended", "deactivated"};
    private static final String[] PAIR_TOPICS = {"tweets", "follows", "follows", "likes", "lists"};

    private final Random random;
    private final int users;
    private final int members;
    private final boolean badOverGood;

    /** With few members, pairs come back again and again. Bad records may or may not have keys that good facts have, too. */
    World(long seed, int users, int members, boolean badOverGood) {
        random = new Random(seed);
        this.users = users;
        this.members = members;
        this.badOverGood = badOverGood;
    }

    /** Whom to ask for: all that there are, and some whom there never were. */
    List<String> userIds() {
        List<String> ids = new ArrayList<>();
        for (int user = 0; user < users + 20; user++) {
            ids.add(userId(user));
        }
        return ids;
    }

    /** The next facts. */
    List<Published> draw(int count) {
        List<Published> drawn = new ArrayList<>(count);
        while (drawn.size() < count) {
            double dice = random.nextDouble();
            Published fact = dice < 0.15 ? profile() : pair();
            drawn.add(fact);
            if (dice > 0.95) {
                drawn.add(fact);
            } else if (dice > 0.94) {
                drawn.add(bad(fact));
            }
        }
        return drawn;
    }

    private Published profile() {
        String user = userId(random.nextInt(users));
        if (random.nextInt(12) == 0) {
            return new Published("users", user, null, null);
        }
        ObjectNode value = object("user_changed")
            .put("user_id", user)
            .put("username", "name" + random.nextInt(1000))
            .put("name", "A \"quoted\" ☃ name\n" + random.nextInt(1000))
            .put("state", STATES[random.nextInt(STATES.length)])
            .put("joined_at", "2009-02-13T23:31:30." + (100 + random.nextInt(900)) + "Z")
            .put("bio", maybe("a bio"))
            .put("location", maybe("London"))
            .put("url", maybe("https://example.org/"))
            .put("profile_image_url", maybe("https://example.org/face.png"))
            .put("background_image_url", maybe("https://example.org/sky.png"))
            .put("unknown_to_readers", 12);
        return new Published("users", user, value, null);
    }

    private Published pair() {
        String topic = PAIR_TOPICS[random.nextInt(PAIR_TOPICS.length)];
        String owner = userId(skewed(users));
        String member = topic.equals("follows") ? userId(skewed(users)) : Integer.toString(random.nextInt(members));
        String key = owner + "/" + member;
        int dice = random.nextInt(10);
        if (dice == 0) {
            return new Published(topic, key, null, null);
        }
        return new Published(topic, key, dice < 3 ? removal(topic, owner, member) : addition(topic, owner, member), null);
    }

    private ObjectNode addition(String topic, String owner, String member) {
        ObjectNode value = switch (topic) {
            case "tweets" -> ids("tweeted", "user_id", owner, "tweet_id", member).put("text", "words ".repeat(random.nextInt(20)));
            case "follows" -> ids("followed", "follower_id", owner, "followee_id", member);
            case "likes" -> ids("liked", "user_id", owner, "tweet_id", member);
            default -> ids("list_created", "owner_id", owner, "list_id", member).put("name", "list " + random.nextInt(9));
        };
        return value.put("created_at", "2026-11-23T08:30:00.000Z");
    }

    private static ObjectNode removal(String topic, String owner, String member) {
        return switch (topic) {
            case "tweets" -> ids("tweet_deleted", "user_id", owner, "tweet_id", member);
            case "follows" -> ids("unfollowed", "follower_id", owner, "followee_id", member);
            case "likes" -> ids("unliked", "user_id", owner, "tweet_id", member);
            default -> ids("list_deleted", "owner_id", owner, "list_id", member);
        };
    }

    /** Something like the fact that nobody may apply. */
    private Published bad(Published fact) {
        String key = badOverGood ? fact.key() : fact.key() + "-bad";
        ObjectNode value = fact.value() == null ? object("nonsense") : ((ObjectNode) fact.value()).deepCopy();
        return switch (random.nextInt(4)) {
            case 0 -> new Published(fact.topic(), key, TextNode.valueOf("not an object"), "not an object");
            case 1 -> new Published(fact.topic(), key, value.put("type", "nonsense"), "unknown type");
            case 2 -> new Published(fact.topic(), key + "/", value, "not a key");
            default -> new Published(fact.topic(), key, withOtherIds(value), "other ids");
        };
    }

    private static ObjectNode withOtherIds(ObjectNode value) {
        value.fieldNames().forEachRemaining(name -> {
            if (name.endsWith("_id")) {
                value.put(name, "other");
            }
        });
        return value;
    }

    private String maybe(String text) {
        return random.nextBoolean() ? text : null;
    }

    /** Some users have far more than others. */
    private int skewed(int bound) {
        return (int) (bound * Math.pow(random.nextDouble(), 3));
    }

    private static String userId(int user) {
        return user % 7 == 0 ? "did:plc:\"" + user + "\"" : Integer.toString(1000 + user);
    }

    private static ObjectNode object(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }

    private static ObjectNode ids(String type, String ownerField, String owner, String memberField, String member) {
        return object(type).put(ownerField, owner).put(memberField, member);
    }
}
