package userinfo.streams.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Set;
import userinfo.streams.fact.Keys;

/** What a request asks for. A request that makes no sense is an {@link IllegalArgumentException} that says why. */
sealed interface Request {
    /** At most this many users can be asked for at once. */
    int IDS_MAX = 100;

    /** One user. */
    record One(String userId) implements Request {}

    /** Several users, each once, in the order asked for. */
    record Many(Set<String> userIds) implements Request {}

    /** Whether everything that was published is processed. */
    record Ready() implements Request {}

    /** How far processing is. */
    record Status() implements Request {}

    /** Nothing that there is. */
    record Unknown() implements Request {}

    static Request read(String uri) {
        int question = uri.indexOf('?');
        String path = question < 0 ? uri : uri.substring(0, question);
        if (path.startsWith("/users/")) {
            return new One(id(decoded(path.substring("/users/".length()))));
        }
        return switch (path) {
            case "/users" -> many(question < 0 ? "" : uri.substring(question + 1));
            case "/ready" -> new Ready();
            case "/status" -> new Status();
            default -> new Unknown();
        };
    }

    private static Request many(String query) {
        if (!query.startsWith("ids=") || query.indexOf('&') >= 0) {
            throw new IllegalArgumentException("Say which users: ids=a,b (at most " + IDS_MAX + ").");
        }
        Set<String> ids = new LinkedHashSet<>();
        for (String id : decoded(query.substring("ids=".length())).split(",", -1)) {
            ids.add(id(id));
        }
        if (ids.size() > IDS_MAX) {
            throw new IllegalArgumentException("ids: at most " + IDS_MAX + " different ids in one request.");
        }
        return new Many(ids);
    }

    private static String id(String text) {
        if (!Keys.isId(text)) {
            throw new IllegalArgumentException(
                "An id has 1 to 64 bytes, none of / { } , and no whitespace or control characters.");
        }
        return text;
    }

    /** A plus sign stands for itself outside of forms. */
    private static String decoded(String text) {
        return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
