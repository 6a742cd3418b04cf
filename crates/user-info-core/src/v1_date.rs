//! Dates as Twitter's v1.1 API writes them: `Wed Feb 29 19:42:02 +0000 2012`. Read from its stream, written to its clients.

use crate::timestamp::Timestamp;

const FORMAT: &str = "%a %b %d %H:%M:%S %z %Y";

/// Reads a date of any offset.
pub fn parse(text: &str) -> Option<Timestamp> {
    let parsed = jiff::Timestamp::strptime(FORMAT, text).ok()?;
    Timestamp::from_millis(parsed.as_millisecond()).ok()
}

/// Writes a date in UTC; what is finer than a second is cut off.
pub fn format(time: Timestamp) -> String {
    const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).expect("a timestamp is one of jiff's");
    let time = jiff::tz::Offset::UTC.to_datetime(time);
    let weekday = WEEKDAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs())];
    let month = MONTHS[usize::from(time.month().unsigned_abs()) - 1];
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{weekday} {month} {:02} {hour:02}:{minute:02}:{second:02} +0000 {:04}", time.day(), time.year())
}
