package userinfo.streams.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Writes the beginning of an answer: an object that is left open, so that counts can follow. */
public final class ProfileJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    private final JsonGenerator generator;

    /** Begins the object. */
    public ProfileJson() {
        try {
            generator = FACTORY.createGenerator(bytes).disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
            generator.writeStartObject();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Adds a field; its text may be null. */
    public ProfileJson add(String name, String text) {
        try {
            generator.writeStringField(name, text);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return this;
    }

    /** What was written. */
    public byte[] bytes() {
        try {
            generator.close();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return bytes.toByteArray();
    }
}
