//! Timestamps: RFC 3339, kept in milliseconds, written in UTC with three digits of fraction.

use proptest::prelude::*;
use user_info_core::{InvalidTimestamp, Timestamp};

use crate::generate::{FIRST_MILLIS, LAST_MILLIS, config, timestamp};

fn check(text: &str, millis: i64, written: &str) {
    let parsed: Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!((parsed.as_millis(), parsed.to_string().as_str()), (millis, written), "{text}");
}

fn check_refused(text: &str) {
    assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text:?}");
}

#[test]
fn rfc_3339_is_read() {
    let written = "2026-11-23T08:30:00.000Z";
    for text in [
        "2026-11-23T08:30:00Z",
        "2026-11-23T08:30:00.000Z",
        "2026-11-23t08:30:00z",
        "2026-11-23T08:30:00+00:00",
        "2026-11-23T08:30:00-00:00",
        "2026-11-23T10:00:00+01:30",
        "2026-11-22T08:31:00-23:59",
        "2026-11-24T08:29:00.0+23:59",
    ] {
        check(text, 1_795_422_600_000, written);
    }
    check("2026-11-23T08:30:00.5Z", 1_795_422_600_500, "2026-11-23T08:30:00.500Z");
    check("2024-02-29T23:59:59.999Z", 1_709_251_199_999, "2024-02-29T23:59:59.999Z");
    check("2016-12-31T23:59:60Z", 1_483_228_799_000, "2016-12-31T23:59:59.000Z");
}

#[test]
fn what_is_finer_than_a_millisecond_is_cut_off() {
    check("2026-11-23T08:30:00.123999999Z", 1_795_422_600_123, "2026-11-23T08:30:00.123Z");
    check("1970-01-01T00:00:00.000999Z", 0, "1970-01-01T00:00:00.000Z");
    check("1969-12-31T23:59:59.9995Z", -1, "1969-12-31T23:59:59.999Z");
    check("1969-12-31T23:59:59.998999999Z", -2, "1969-12-31T23:59:59.998Z");
}

#[test]
fn only_rfc_3339_is_read() {
    for text in ["", "Z", "now", "1795422600000", "2026-11-23", "08:30:00Z", "Mon Nov 23 08:30:00 +0000 2026"] {
        check_refused(text);
    }
    for time in ["08:30", "08", "083000", "8:30:00", "08:30:00.", "08:30:00,5", "08:30:00.1234567891", "24:00:00"] {
        check_refused(&format!("2026-11-23T{time}Z"));
    }
    for date in ["20261123", "26-11-23", "2026-W48-1", "2026-327", "+002026-11-23", "-000001-11-23", "2026-02-29"] {
        check_refused(&format!("{date}T08:30:00Z"));
    }
    for offset in ["", "+01", "+0100", "+01:00:30", "+24:00", "+25:59", "+01:60", "Z[Europe/Paris]", "ZZ", " Z", "Z "] {
        check_refused(&format!("2026-11-23T08:30:00{offset}"));
    }
    for text in ["2026-11-23 08:30:00Z", " 2026-11-23T08:30:00Z", "２026-11-23T08:30:00Z", "2026-11-23T08:30:0é"] {
        check_refused(text);
    }
    assert_eq!(InvalidTimestamp.to_string(), "expected an RFC 3339 time such as 2026-11-23T08:30:00.000Z");
}

#[test]
fn times_that_cannot_be_written_are_refused() {
    check("0000-01-01T00:00:00Z", FIRST_MILLIS, "0000-01-01T00:00:00.000Z");
    check("9999-12-30T22:00:00Z", LAST_MILLIS, "9999-12-30T22:00:00.000Z");
    for millis in [i64::MIN, FIRST_MILLIS - 1, LAST_MILLIS + 1, i64::MAX] {
        assert_eq!(Timestamp::from_millis(millis), Err(InvalidTimestamp), "{millis}");
    }
    check_refused("0000-01-01T00:00:00+00:01");
    check_refused("9999-12-30T22:00:00.001Z");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_time_reads_back(time in timestamp()) {
        let written = time.to_string();
        prop_assert_eq!(written.len(), "2026-11-23T08:30:00.000Z".len());
        prop_assert_eq!(written.parse(), Ok(time));
        prop_assert_eq!(Timestamp::from_millis(time.as_millis()), Ok(time));
    }

    #[test]
    fn times_sort_as_their_text(left in timestamp(), right in timestamp()) {
        prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        prop_assert_eq!(left.cmp(&right), left.as_millis().cmp(&right.as_millis()));
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in "\\PC{0,40}|[0-9TZ:.+-]{0,40}") {
        if let Ok(time) = text.parse::<Timestamp>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
