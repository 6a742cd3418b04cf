package userinfo.streams.http;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.List;
import userinfo.streams.model.Count;
import userinfo.streams.model.Counts;
import userinfo.streams.model.User;

/** The bodies of answers. */
final class Bodies {
    /** Five names and numbers. */
    private static final int COUNTS_BYTES = 160;

    private static final byte[][] COUNT_NAMES = countNames();

    private Bodies() {}

    static ByteBuf user(ByteBufAllocator allocator, User user) {
        ByteBuf body = allocator.buffer(user.profile().json().length + COUNTS_BYTES);
        writeUser(body, user);
        return body;
    }

    static void writeUser(ByteBuf body, User user) {
        body.writeBytes(user.profile().json());
        writeCounts(body, user.counts());
        body.writeByte('}');
    }

    /** Users that can be shown, ids of which no profile is known, and users that are kept but not shown. */
    static ByteBuf users(ByteBufAllocator allocator, List<User> users, List<String> unknown, List<Withheld> withheld) {
        ByteBuf body = allocator.buffer();
        ascii(body, "{\"users\":[");
        for (int index = 0; index < users.size(); index++) {
            separate(body, index);
            writeUser(body, users.get(index));
        }
        ascii(body, "],\"unknown\":[");
        for (int index = 0; index < unknown.size(); index++) {
            separate(body, index);
            writeText(body, unknown.get(index));
        }
        ascii(body, "],\"withheld\":[");
        for (int index = 0; index < withheld.size(); index++) {
            separate(body, index);
            ascii(body, "{\"user_id\":");
            writeText(body, withheld.get(index).userId());
            ascii(body, ",\"state\":");
            writeText(body, withheld.get(index).state());
            body.writeByte('}');
        }
        ascii(body, "]}");
        return body;
    }

    /** An answer to people and programs why there is no other (RFC 9457). */
    static ByteBuf problem(ByteBufAllocator allocator, int status, String kind, String title, String detail) {
        ByteBuf body = allocator.buffer();
        ascii(body, "{\"type\":\"urn:user-info:problem:" + kind + "\",\"title\":");
        writeText(body, title);
        ascii(body, ",\"status\":" + status + ",\"detail\":");
        writeText(body, detail);
        body.writeByte('}');
        return body;
    }

    static ByteBuf ascii(ByteBufAllocator allocator, String text) {
        return ByteBufUtil.writeAscii(allocator, text);
    }

    private static void writeCounts(ByteBuf body, Counts counts) {
        for (Count count : Count.values()) {
            body.writeBytes(COUNT_NAMES[count.ordinal()]);
            ascii(body, Long.toString(counts.get(count)));
        }
    }

    private static byte[][] countNames() {
        Count[] counts = Count.values();
        byte[][] names = new byte[counts.length][];
        for (Count count : counts) {
            names[count.ordinal()] = (",\"" + count.wireName() + "\":").getBytes(StandardCharsets.US_ASCII);
        }
        return names;
    }

    private static void writeText(ByteBuf body, String text) {
        body.writeByte('"');
        body.writeBytes(JsonStringEncoder.getInstance().quoteAsUTF8(text));
        body.writeByte('"');
    }

    private static void separate(ByteBuf body, int index) {
        if (index > 0) {
            body.writeByte(',');
        }
    }

    private static void ascii(ByteBuf body, String text) {
        ByteBufUtil.writeAscii(body, text);
    }

    /**
     * A user who is kept but not shown.
     *
     * @param userId who
     * @param state why
     */
    record Withheld(String userId, String state) {}
}
