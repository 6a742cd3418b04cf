package userinfo.streams.fact;

import java.nio.charset.StandardCharsets;
import userinfo.streams.model.Membership;
import userinfo.streams.model.Profile;
import userinfo.streams.model.Profile.State;
import userinfo.streams.model.ProfileJson;

/**
 * Reading the values of records. Everything that departs from the contract is a {@link BadRecordException}, because a guess
 * would change counts. Whether the ids are those of the record's key is checked by who has the key.
 */
public final class Facts {
    private static final int TEXT_BYTES_MAX = 16 * 1024;
    private static final int USERNAME_BYTES_MAX = 256;

    private Facts() {}

    /** Reads a value of the users topic. */
    public static Profile profile(byte[] json) {
        JsonFields fields = JsonFields.read(json);
        requireType(fields, "user_changed");
        String userId = id(fields, Field.USER_ID);
        ProfileJson answer = new ProfileJson()
            .add(Field.USER_ID.wireName(), userId)
            .add(Field.USERNAME.wireName(), username(fields))
            .add(Field.NAME.wireName(), bounded(Field.NAME, fields.text(Field.NAME)))
            .add(Field.BIO.wireName(), optional(fields, Field.BIO))
            .add(Field.LOCATION.wireName(), optional(fields, Field.LOCATION))
            .add(Field.URL.wireName(), optional(fields, Field.URL))
            .add(Field.JOINED_AT.wireName(), Times.normalized(fields.text(Field.JOINED_AT)))
            .add(Field.PROFILE_IMAGE_URL.wireName(), optional(fields, Field.PROFILE_IMAGE_URL))
            .add(Field.BACKGROUND_IMAGE_URL.wireName(), optional(fields, Field.BACKGROUND_IMAGE_URL));
        return new Profile(state(fields), answer.bytes(), userId);
    }

    /** Reads a value of one of the other topics. */
    public static Membership membership(Relation relation, byte[] json) {
        JsonFields fields = JsonFields.read(json);
        String type = fields.text(Field.TYPE);
        boolean present = type.equals(relation.added);
        if (!present && !type.equals(relation.removed)) {
            throw new BadRecordException("unknown type " + type);
        }
        if (present) {
            Times.normalized(fields.text(Field.CREATED_AT));
            if (relation.content != null) {
                bounded(relation.content, fields.text(relation.content));
            }
        }
        return new Membership(present, Keys.pair(id(fields, relation.owner), id(fields, relation.member)));
    }

    private static void requireType(JsonFields fields, String type) {
        String found = fields.text(Field.TYPE);
        if (!found.equals(type)) {
            throw new BadRecordException("unknown type " + found);
        }
    }

    private static String id(JsonFields fields, Field field) {
        String text = fields.text(field);
        if (!Keys.isId(text)) {
            throw new BadRecordException(field.wireName() + " is not an id");
        }
        return text;
    }

    private static String username(JsonFields fields) {
        String text = fields.text(Field.USERNAME);
        boolean fits = !text.isEmpty() && text.getBytes(StandardCharsets.UTF_8).length <= USERNAME_BYTES_MAX;
        if (!fits || text.chars().anyMatch(it -> Character.isWhitespace(it) || Character.isISOControl(it))) {
            throw new BadRecordException("not a username");
        }
        return text;
    }

    private static State state(JsonFields fields) {
        String text = fields.text(Field.STATE);
        return State.named(text).orElseThrow(() -> new BadRecordException("unknown state " + text));
    }

    private static String optional(JsonFields fields, Field field) {
        String text = fields.textOrNull(field);
        return text == null ? null : bounded(field, text);
    }

    private static String bounded(Field field, String text) {
        boolean fits = text.length() * 3 <= TEXT_BYTES_MAX || text.getBytes(StandardCharsets.UTF_8).length <= TEXT_BYTES_MAX;
        if (!fits) {
            throw new BadRecordException(field.wireName() + " is longer than " + TEXT_BYTES_MAX + " bytes");
        }
        return text;
    }
}
