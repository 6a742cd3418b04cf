package userinfo.streams.fact;

import java.util.concurrent.atomic.LongAdder;

/** How many records were skipped since the start. */
public final class BadRecords {
    private final LongAdder count = new LongAdder();

    /** Counts one. */
    public void add() {
        count.increment();
    }

    /** All that were counted. */
    public long count() {
        return count.sum();
    }
}
