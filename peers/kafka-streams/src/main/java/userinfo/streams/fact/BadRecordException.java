package userinfo.streams.fact;

import org.apache.kafka.common.errors.SerializationException;

/** A record that departs from the contract. It is skipped and counted; what was known of its key stays in force. */
public final class BadRecordException extends SerializationException {
    private static final long serialVersionUID = 1L;

    BadRecordException(String message) {
        super(message);
    }

    /** Bad records are ordinary input: the message says it all, and a stack trace costs more than reading the record. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
