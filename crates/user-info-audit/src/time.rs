//! Times as the topics write them: RFC 3339, in whole milliseconds.

use jiff::Timestamp;

/// The times that can be written in RFC 3339 and read by `jiff`: 0000-01-01T00:00:00.000Z to 9999-12-30T22:00:00.000Z.
const MILLIS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_200_000;

/// Digits of a fraction that are kept.
const MILLI_DIGITS: usize = 3;

/// Most digits of a fraction: nanoseconds.
const FRACTION_DIGITS_MAX: usize = 9;

/// Milliseconds since the Unix epoch; what is finer is cut off. `None` when the text is no RFC 3339 time.
pub(crate) fn millis(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "000"));
    let formed = is_digits(date, '-', &[4, 2, 2])
        && is_digits(clock, ':', &[2, 2, 2])
        && (1..=FRACTION_DIGITS_MAX).contains(&fraction.len())
        && is_digits(fraction, ':', &[fraction.len()])
        && is_zone(zone);
    if !formed {
        return None;
    }
    let fraction = fraction.get(..MILLI_DIGITS).unwrap_or(fraction);
    let time: Timestamp = format!("{date}T{clock}.{fraction}{zone}").parse().ok()?;
    Some(time.as_millisecond()).filter(|millis| MILLIS.contains(millis))
}

/// RFC 3339 in UTC with three digits of fraction, as pages write it.
pub(crate) fn written(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => format!("{millis} ms since 1970"),
    }
}

/// Whether the text is groups of that many digits with the separator between.
fn is_digits(text: &str, separator: char, lengths: &[usize]) -> bool {
    let groups: Vec<&str> = text.split(separator).collect();
    let digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    digits && groups.iter().map(|group| group.len()).eq(lengths.iter().copied())
}

fn is_zone(text: &str) -> bool {
    let hours_below_24 = |zone: &str| is_digits(zone, ':', &[2, 2]) && zone < "24";
    matches!(text, "Z" | "z") || text.strip_prefix(['+', '-']).is_some_and(hours_below_24)
}
