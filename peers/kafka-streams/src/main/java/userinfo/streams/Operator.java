package userinfo.streams;

import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import userinfo.streams.fact.BadRecords;
import userinfo.streams.http.Operations;

/** Tells operators how far processing is, and remembers that it once reached the end. */
final class Operator implements Operations {
    private static final Logger LOG = LoggerFactory.getLogger(Operator.class);
    private static final long LOOK_INTERVAL_MS = 250;

    private final Progress progress;
    private final BadRecords badRecords;
    private volatile boolean complete;

    Operator(Progress progress, BadRecords badRecords) {
        this.progress = progress;
        this.badRecords = badRecords;
    }

    /** Whether the topics were read to their end once since the start: from then on an absent user does not exist. */
    boolean isComplete() {
        return complete;
    }

    /** Looks again and again until the end is reached. Nobody else does until then: asking costs the broker time. */
    void watch() {
        Thread watcher = new Thread(() -> {
            while (lag() != 0) {
                try {
                    Thread.sleep(LOOK_INTERVAL_MS);
                } catch (InterruptedException stopped) {
                    return;
                }
            }
            complete = true;
        }, "watch");
        watcher.setDaemon(true);
        watcher.start();
    }

    @Override
    public boolean isReady() {
        return complete && lag() == 0;
    }

    @Override
    public String status() {
        return "{\"state\":\"" + progress.state() + "\",\"lag\":" + lag() + ",\"restore_lag\":" + progress.restoreLag()
            + ",\"complete\":" + complete + ",\"records_processed\":" + progress.processed()
            + ",\"bad_records\":" + badRecords.count() + "}";
    }

    private long lag() {
        try {
            return progress.lag();
        } catch (ExecutionException error) {
            LOG.warn("the broker does not say how far processing is", error.getCause());
            return -1;
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return -1;
        }
    }
}
