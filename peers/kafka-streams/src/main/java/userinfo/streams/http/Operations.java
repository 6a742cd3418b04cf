package userinfo.streams.http;

/** What operators ask. May take long, so it is not asked on the threads that answer about users. */
public interface Operations {
    /** Whether everything that was published is processed and visible. */
    boolean isReady();

    /** How far processing is, as JSON in ASCII. */
    String status();
}
