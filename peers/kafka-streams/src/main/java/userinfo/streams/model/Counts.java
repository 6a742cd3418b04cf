package userinfo.streams.model;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The five counts of a user, or what one partition contributes to them. Never changed once made. */
public final class Counts {
    /** All zero. */
    public static final Counts NONE = new Counts(new long[Count.values().length]);

    /** Five numbers of seven bits a byte. */
    static final int BYTES_MAX = 5 * 10;

    private final long[] values;

    private Counts(long[] values) {
        this.values = values;
    }

    /** One of them. */
    public long get(Count count) {
        return values[count.ordinal()];
    }

    /** The same with another value for one of them. */
    public Counts with(Count count, long value) {
        long[] changed = values.clone();
        changed[count.ordinal()] = value;
        return new Counts(changed);
    }

    /** The same with one of them moved. */
    public Counts plus(Count count, long change) {
        return with(count, get(count) + change);
    }

    /** The sums of both. */
    public Counts plus(Counts other) {
        long[] sums = values.clone();
        for (int index = 0; index < sums.length; index++) {
            sums[index] += other.values[index];
        }
        return new Counts(sums);
    }

    /** Whether all are zero. */
    public boolean areNone() {
        return Arrays.stream(values).allMatch(value -> value == 0);
    }

    void write(ByteBuffer bytes) {
        for (long value : values) {
            writeNumber(value, bytes);
        }
    }

    static Counts read(ByteBuffer bytes) {
        long[] values = new long[Count.values().length];
        for (int index = 0; index < values.length; index++) {
            values[index] = readNumber(bytes);
        }
        return new Counts(values);
    }

    /** Seven bits a byte, the lowest first; the eighth says that more follow. */
    private static void writeNumber(long number, ByteBuffer bytes) {
        long rest = number;
        while ((rest & ~0x7f) != 0) {
            bytes.put((byte) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        bytes.put((byte) rest);
    }

    private static long readNumber(ByteBuffer bytes) {
        long number = 0;
        for (int shift = 0; ; shift += 7) {
            byte part = bytes.get();
            number |= (part & 0x7fL) << shift;
            if (part >= 0) {
                return number;
            }
        }
    }
}
