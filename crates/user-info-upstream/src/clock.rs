//! The time of day, for the shells; everything below them takes it as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use user_info_core::Timestamp;

/// The time now, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set to a time after 1970");
    i64::try_from(since_epoch.as_millis()).expect("milliseconds fit for 292 million years")
}

/// The time now, as facts carry it.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(now_ms()).expect("the clock is set to a time before the year 9999")
}
