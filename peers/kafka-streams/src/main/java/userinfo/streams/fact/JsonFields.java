package userinfo.streams.fact;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;

/**
 * The known fields of one JSON object. Reading it never fails because of a field that its fact does not have; only asking
 * for a field does.
 */
final class JsonFields {
    private static final int VALUE_BYTES_MAX = 1024 * 1024;
    private static final int NESTING_DEPTH_MAX = 127;

    private static final JsonFactory FACTORY = JsonFactory.builder()
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(NESTING_DEPTH_MAX).build())
        .build();

    /** Told apart from texts by identity. */
    private static final String NULL = new String("null");

    private static final String UNUSABLE = new String("neither text nor null, or there twice");

    /** Stands for a text that nobody asks for: tweets are long, and only their number is served. */
    private static final String UNREAD = new String("unread");

    private final String[] values = new String[Field.values().length];

    static JsonFields read(byte[] json) {
        if (json.length > VALUE_BYTES_MAX) {
            throw new BadRecordException("the value has " + json.length + " bytes");
        }
        JsonFields fields = new JsonFields();
        try (JsonParser parser = FACTORY.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new BadRecordException("the value is not a JSON object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                fields.readField(parser);
            }
            if (parser.nextToken() != null) {
                throw new BadRecordException("something follows the JSON object");
            }
        } catch (IOException error) {
            throw new BadRecordException("the value is not JSON: " + error.getMessage());
        }
        return fields;
    }

    private void readField(JsonParser parser) throws IOException {
        Field field = Field.named(parser.currentName());
        JsonToken token = parser.nextToken();
        if (field == null) {
            parser.skipChildren();
            return;
        }
        String value = switch (token) {
            case VALUE_STRING -> field == Field.TEXT ? UNREAD : parser.getText();
            case VALUE_NULL -> NULL;
            default -> {
                parser.skipChildren();
                yield UNUSABLE;
            }
        };
        boolean repeated = values[field.ordinal()] != null;
        values[field.ordinal()] = repeated ? UNUSABLE : value;
    }

    /** The text of a field that must be there. */
    String text(Field field) {
        String value = textOrNull(field);
        if (value == null) {
            throw new BadRecordException(field.wireName() + " is null");
        }
        return value;
    }

    /** The text of a field that must be there but may be null. */
    @SuppressWarnings("StringEquality")
    String textOrNull(Field field) {
        String value = values[field.ordinal()];
        if (value == null || value == UNUSABLE) {
            throw new BadRecordException(field.wireName() + (value == null ? " is missing" : " is " + UNUSABLE));
        }
        return value == NULL ? null : value;
    }
}
