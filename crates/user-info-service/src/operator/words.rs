//! Numbers and times as people read them.

use jiff::Timestamp;

const SECOND_MS: f64 = 1_000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

/// A number in three digits at most, if it is small.
fn short(number: f64) -> String {
    let decimals = if number >= 100.0 { 0 } else { usize::from(number >= 10.0) + 2 * usize::from(number < 10.0) };
    let text = format!("{number:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

/// `0.24 ms`, `12 s`, `3.5 h`.
pub(crate) fn duration(milliseconds: f64) -> String {
    let units = [(DAY_MS, "days"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| milliseconds >= *size).unwrap_or((1.0, "ms"));
    format!("{} {unit}", short(milliseconds / size))
}

/// `1.2 MB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let (size, unit) = units.into_iter().find(|(size, _)| bytes >= *size).unwrap_or((1.0, "B"));
    format!("{} {unit}", short(bytes / size))
}

/// `12,345`.
pub(crate) fn count(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or_default().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate or an amount that need not be whole.
pub(crate) fn amount(amount: f64) -> String {
    if amount < 100.0 { short(amount) } else { count(amount.round() as u64) }
}

/// `follows: 3 facts`, `1 fact`.
pub(crate) fn several(number: usize, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

/// `14:05`.
pub(crate) fn clock(at_ms: i64) -> String {
    format(at_ms, "%H:%M")
}

/// `14:05:09` of today, or with the date.
pub(crate) fn moment(at_ms: i64, now_ms: i64) -> String {
    let is_today = at_ms.div_euclid(DAY_MS as i64) == now_ms.div_euclid(DAY_MS as i64);
    format(at_ms, if is_today { "%H:%M:%S" } else { "%F %H:%M:%S" })
}

/// For machines.
pub(crate) fn datetime(at_ms: i64) -> String {
    format(at_ms, "%FT%H:%M:%SZ")
}

fn format(at_ms: i64, pattern: &str) -> String {
    let time = Timestamp::from_millisecond(at_ms);
    time.map_or_else(|_| "an impossible time".into(), |time| time.strftime(pattern).to_string())
}
