//! Dates as Twitter's v1.1 API writes them: `Wed Feb 29 19:42:02 +0000 2012`.

use user_info_core::Timestamp;

const FORMAT: &str = "%a %b %d %H:%M:%S %z %Y";

/// Reads a date of any offset.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let parsed = jiff::Timestamp::strptime(FORMAT, text).ok()?;
    Timestamp::from_millis(parsed.as_millisecond()).ok()
}

/// Writes a date in UTC; what is finer than a second is cut off.
pub(crate) fn format(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).expect("a timestamp is one of jiff's");
    time.strftime(FORMAT).to_string()
}
