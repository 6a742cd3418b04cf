//! Points in time, in whole milliseconds since the Unix epoch, as the topics and the API write them.
//!
//! Invariant: every [`Timestamp`] can be written in RFC 3339, and what is written reads back as the same point in time.

use std::fmt;

/// 0000-01-01T00:00:00.000Z: RFC 3339 writes years with four digits and no sign.
const MIN_MILLIS: i64 = -62_167_219_200_000;

/// 9999-12-30T22:00:00.000Z, where `jiff` ends: a local time 26 hours ahead is still of this year.
const MAX_MILLIS: i64 = 253_402_207_200_000;

const NANOS_PER_MILLI: i128 = 1_000_000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, from the year 0 to 9999-12-30T22:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// The text or number is not a point in time that RFC 3339 can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 time such as 2026-11-23T08:30:00.000Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub fn from_millis(millis: i64) -> Result<Self, InvalidTimestamp> {
        if !(MIN_MILLIS..=MAX_MILLIS).contains(&millis) {
            return Err(InvalidTimestamp);
        }
        jiff::Timestamp::from_millisecond(millis).map(Self).map_err(|_| InvalidTimestamp)
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 with any offset and up to nine digits of fraction; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if !is_rfc3339(text) {
            return Err(InvalidTimestamp);
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        let millis = parsed.as_nanosecond().div_euclid(NANOS_PER_MILLI);
        Self::from_millis(i64::try_from(millis).map_err(|_| InvalidTimestamp)?)
    }
}

/// Whether the text has the form of RFC 3339. `jiff` reads more forms, such as times without seconds or with the name
/// of a zone; whoever else reads the topics need not.
fn is_rfc3339(text: &str) -> bool {
    const DATE_TIME: &str = "0000-00-00T00:00:00";
    let Some((date_time, rest)) = text.split_at_checked(DATE_TIME.len()) else {
        return false;
    };
    let offset =
        rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(|it: char| it.is_ascii_digit()));
    let is_offset = offset.eq_ignore_ascii_case("Z") || has_shape(offset, "+00:00") && &offset[1..] <= "23:59";
    has_shape(date_time, DATE_TIME) && is_offset
}

/// In a shape `0` stands for any digit and `+` for either sign.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(found, wanted)| match wanted {
            b'0' => found.is_ascii_digit(),
            b'+' => matches!(found, b'+' | b'-'),
            _ => found.eq_ignore_ascii_case(&wanted),
        })
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with three digits of fraction: `2026-11-23T08:30:00.000Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
