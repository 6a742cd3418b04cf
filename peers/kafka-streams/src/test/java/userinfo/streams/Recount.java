package userinfo.streams;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What answers have to be, counted naively from all that was published; shares no code with the peer. */
final class Recount {
    private static final String[] TEXTS = {
        "user_id", "username", "name", "bio", "location", "url", "joined_at", "profile_image_url", "background_image_url"
    };

    private final Map<String, JsonNode> profiles = new HashMap<>();
    private final Map<String, Set<String>> sets = new HashMap<>();

    void apply(List<Published> records) {
        records.stream().filter(record -> record.bad() == null).forEach(this::apply);
    }

    private void apply(Published record) {
        JsonNode value = record.value();
        if (record.topic().equals("users")) {
            if (value == null) {
                profiles.remove(record.key());
            } else {
                profiles.put(record.key(), value);
            }
            return;
        }
        String[] pair = record.key().split("/");
        boolean present = value != null && Set.of("tweeted", "followed", "liked", "list_created").contains(value.get("type").asText());
        change(record.topic(), pair[0], pair[1], present);
        if (record.topic().equals("follows")) {
            change("followers", pair[1], pair[0], present);
        }
    }

    private void change(String set, String owner, String member, boolean present) {
        Set<String> members = sets.computeIfAbsent(set + "/" + owner, it -> new TreeSet<>());
        if (present) {
            members.add(member);
        } else {
            members.remove(member);
        }
    }

    /** The status of the answer about a user. */
    int status(String user) {
        JsonNode profile = profiles.get(user);
        String state = profile == null ? "unknown" : profile.get("state").asText();
        return switch (state) {
            case "active" -> 200;
            case "suspended" -> 403;
            default -> 404;
        };
    }

    /** The answer about a user who is shown. */
    ObjectNode answer(String user) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        for (String text : TEXTS) {
            answer.set(text, profiles.get(user).get(text));
        }
        return answer
            .put("tweet_count", size("tweets", user))
            .put("following_count", size("follows", user))
            .put("followers_count", size("followers", user))
            .put("like_count", size("likes", user))
            .put("list_count", size("lists", user));
    }

    /** Of a user who is kept but not shown. */
    String state(String user) {
        return profiles.containsKey(user) ? profiles.get(user).get("state").asText() : null;
    }

    private int size(String set, String user) {
        return sets.getOrDefault(set + "/" + user, Set.of()).size();
    }
}
