package userinfo.streams.fact;

/** A record that departs from the contract. It is skipped and counted; what was known of its key stays in force. */
public final class BadRecordException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Without a stack trace: bad records are ordinary input, and it would cost more than reading the record. */
    BadRecordException(String message) {
        super(message, null, false, false);
    }
}
