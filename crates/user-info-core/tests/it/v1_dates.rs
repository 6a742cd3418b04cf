//! Dates as Twitter's v1.1 API writes them.

use proptest::prelude::*;
use user_info_core::v1_date;

use crate::generate::{config, timestamp};

#[test]
fn a_date_is_written_in_utc_and_read_with_any_offset() {
    let date = v1_date::parse("Wed Feb 29 19:42:02 +0000 2012").unwrap();
    assert_eq!(date.to_string(), "2012-02-29T19:42:02.000Z");
    assert_eq!(v1_date::format(date), "Wed Feb 29 19:42:02 +0000 2012");
    assert_eq!(v1_date::parse("Wed Feb 29 20:42:02 +0100 2012"), Some(date));
    for text in ["", "2012-02-29T19:42:02.000Z", "Thu Feb 30 19:42:02 +0000 2012", "Feb 29 19:42:02 +0000 2012"] {
        assert_eq!(v1_date::parse(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_reads_back_to_the_second(time in timestamp()) {
        let read = v1_date::parse(&v1_date::format(time)).unwrap();
        prop_assert_eq!(read.as_millis(), time.as_millis().div_euclid(1_000) * 1_000);
    }
}
