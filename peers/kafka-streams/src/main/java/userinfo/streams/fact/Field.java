package userinfo.streams.fact;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The fields of facts that are read; all others are ignored. */
enum Field {
    TYPE,
    USER_ID,
    TWEET_ID,
    FOLLOWER_ID,
    FOLLOWEE_ID,
    OWNER_ID,
    LIST_ID,
    CREATED_AT,
    TEXT,
    USERNAME,
    NAME,
    STATE,
    JOINED_AT,
    BIO,
    LOCATION,
    URL,
    PROFILE_IMAGE_URL,
    BACKGROUND_IMAGE_URL;

    private static final Map<String, Field> BY_NAME =
        Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Field::wireName, Function.identity()));

    private final String wireName = name().toLowerCase(java.util.Locale.ROOT);

    /** Its name in JSON, in facts and in answers. */
    String wireName() {
        return wireName;
    }

    /** The field with this name in JSON, or null. */
    static Field named(String wireName) {
        return BY_NAME.get(wireName);
    }
}
