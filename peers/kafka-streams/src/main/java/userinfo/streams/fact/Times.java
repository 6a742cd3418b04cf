package userinfo.streams.fact;

import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** Times as facts and answers write them: RFC 3339, in answers in UTC with milliseconds. */
final class Times {
    private static final DateTimeFormatter ANSWER = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'");
    private static final String USUAL = "0000-00-00T00:00:00.000Z";

    private Times() {}

    /** The same point in time in the form of answers. */
    static String normalized(String text) {
        if (isUsual(text)) {
            return text;
        }
        try {
            return OffsetDateTime.parse(text).withOffsetSameInstant(ZoneOffset.UTC).format(ANSWER);
        } catch (DateTimeException error) {
            throw new BadRecordException("not a time: " + text);
        }
    }

    /**
     * Whether the text has the form of answers already and is certainly a time, which saves reading and writing it; the last
     * days of months and leap seconds are left to the calendar.
     */
    private static boolean isUsual(String text) {
        if (text.length() != USUAL.length()) {
            return false;
        }
        for (int index = 0; index < USUAL.length(); index++) {
            char found = text.charAt(index);
            boolean fits = USUAL.charAt(index) == '0' ? found >= '0' && found <= '9' : found == USUAL.charAt(index);
            if (!fits) {
                return false;
            }
        }
        int month = number(text, 5);
        int day = number(text, 8);
        return month >= 1 && month <= 12 && day >= 1 && day <= 28
            && number(text, 11) < 24 && number(text, 14) < 60 && number(text, 17) < 60;
    }

    private static int number(String text, int at) {
        return (text.charAt(at) - '0') * 10 + text.charAt(at + 1) - '0';
    }
}
