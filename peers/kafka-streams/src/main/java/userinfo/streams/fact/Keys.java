package userinfo.streams.fact;

import java.nio.charset.StandardCharsets;

/** Ids, and the keys of records: {@code user_id} on the users topic, {@code owner/member} on the others. */
public final class Keys {
    private static final int ID_BYTES_MAX = 64;

    private Keys() {}

    /** Whether the text is an id: 1 to 64 bytes without {@code / { } ,}, whitespace and control characters. */
    public static boolean isId(String text) {
        // A character has at most three bytes for each of its units in UTF-16: most ids need not be encoded.
        boolean fits = text.length() * 3 <= ID_BYTES_MAX || text.getBytes(StandardCharsets.UTF_8).length <= ID_BYTES_MAX;
        return fits && !text.isEmpty() && text.chars().noneMatch(Keys::isForbidden);
    }

    /** Whether the text is two ids with a slash between them. */
    public static boolean isPair(String key) {
        int slash = key.indexOf('/');
        return slash >= 0 && isId(key.substring(0, slash)) && isId(key.substring(slash + 1));
    }

    /** Refuses a key that is no id. */
    public static void requireId(String key) {
        if (!isId(key)) {
            throw new BadRecordException("the key is not an id");
        }
    }

    /** Refuses a key that is no pair. */
    public static void requirePair(String key) {
        if (!isPair(key)) {
            throw new BadRecordException("the key is not owner/member");
        }
    }

    /** Refuses a key that is not the one which the ids in the value make. Those were checked, so the key is good then. */
    public static void requireSame(String key, String impliedKey) {
        if (!key.equals(impliedKey)) {
            throw new BadRecordException("the ids in the value are not those of the key");
        }
    }

    /** The key of a pair. */
    public static String pair(String owner, String member) {
        return owner + '/' + member;
    }

    /** Whose set a pair belongs to. */
    public static String owner(String pair) {
        return pair.substring(0, pair.indexOf('/'));
    }

    /** Who or what is in the set. */
    public static String member(String pair) {
        return pair.substring(pair.indexOf('/') + 1);
    }

    private static boolean isForbidden(int character) {
        return switch (character) {
            case '/', '{', '}', ',', '\u00a0', '\u2007', '\u202f' -> true;
            default -> Character.isWhitespace(character) || Character.isISOControl(character);
        };
    }
}
