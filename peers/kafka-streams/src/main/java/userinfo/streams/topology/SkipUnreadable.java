package userinfo.streams.topology;

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import userinfo.streams.fact.BadRecords;

/** Skips and counts records whose value cannot be read. Kafka Streams makes it, and hands it the counter as a setting. */
public final class SkipUnreadable implements DeserializationExceptionHandler {
    /** The setting that holds the {@link BadRecords}. */
    public static final String COUNTER_SETTING = "peer.bad.records";

    private BadRecords badRecords;

    @Override
    public void configure(Map<String, ?> settings) {
        badRecords = (BadRecords) settings.get(COUNTER_SETTING);
    }

    @Override
    public Response handleError(ErrorHandlerContext context, ConsumerRecord<byte[], byte[]> record, Exception error) {
        badRecords.add();
        return Response.resume();
    }
}
