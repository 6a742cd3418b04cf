//! Texts of pages: counts, dates, ages, addresses, and which of the users' own addresses become links. Pure.

use std::fmt::Write;

use jiff::fmt::strtime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use user_info_core::Timestamp;

/// What may stand in a part of a path as it is.
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Characters of a name in the title of a page: what a tab, a bookmark or a search result shows.
const TITLE_CHARS_MAX: usize = 60;

/// Characters of an address in the text of a link.
const LINK_CHARS_MAX: usize = 40;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The number with a comma between thousands: `4,711`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `March 2009`, in UTC.
pub(super) fn month(time: Timestamp) -> String {
    at(time, "%B %Y")
}

/// `14 March 2009`, in UTC.
pub(super) fn day(time: Timestamp) -> String {
    at(time, "%-d %B %Y")
}

/// `2009-03-14`, for machines.
pub(super) fn machine_day(time: Timestamp) -> String {
    at(time, "%Y-%m-%d")
}

fn at(time: Timestamp, form: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).expect("a timestamp is one of jiff's");
    strtime::format(form, time).expect("a time in UTC has a year, a month and a day")
}

/// How old the data is, in words; `None` while it is current.
pub(super) fn age(age_ms: Option<i64>) -> Option<String> {
    let age_ms = match age_ms {
        Some(0) => return None,
        Some(age_ms) => age_ms,
        None => return Some("Nobody can tell yet how old this is: the topics were not read to their end.".into()),
    };
    let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second")];
    let Some((unit_ms, name)) = units.into_iter().find(|(unit_ms, _)| age_ms >= *unit_ms) else {
        return Some("When this page was made, what it shows was less than a second old.".into());
    };
    let (count, plural) = (age_ms / unit_ms, if age_ms / unit_ms == 1 { "" } else { "s" });
    Some(format!("When this page was made, what it shows was {count} {name}{plural} old."))
}

/// The text as one part of a path.
pub(super) fn path_part(text: &str) -> String {
    utf8_percent_encode(text, PATH_PART).to_string()
}

/// The path of a user's page.
pub(super) fn user_path(username: &str) -> String {
    let mut path = "/@".to_owned();
    write!(path, "{}", utf8_percent_encode(username, PATH_PART)).expect("writing to a String cannot fail");
    path
}

/// The beginning of a text, with `…` where it was cut.
pub(super) fn title(text: &str) -> String {
    beginning(text, TITLE_CHARS_MAX)
}

fn beginning(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An address that a user gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link<'text> {
    /// Leads somewhere.
    Web {
        /// Where.
        address: &'text str,
        /// What is shown: the address without what every address has, and not too long.
        text: String,
    },
    /// Is shown, but leads nowhere: browsers may run other schemes, or open programs with them.
    Text(&'text str),
}

impl<'text> Link<'text> {
    pub(super) fn new(address: &'text str) -> Self {
        let Some(rest) = without_scheme(address) else { return Self::Text(address) };
        if rest.is_empty() || address.chars().any(|it| it.is_control() || it.is_whitespace()) {
            return Self::Text(address);
        }
        let rest = rest.strip_prefix("www.").unwrap_or(rest);
        Self::Web { address, text: beginning(rest.strip_suffix('/').unwrap_or(rest), LINK_CHARS_MAX) }
    }
}

fn without_scheme(address: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (start, rest) = address.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 12, 123, 1_234, 123_456, 1_234_567, u64::MAX].map(grouped);
        assert_eq!(texts, ["0", "12", "123", "1,234", "123,456", "1,234,567", "18,446,744,073,709,551,615"]);
    }

    #[test]
    fn dates_are_in_utc() {
        let joined = time("2009-03-01T00:30:00.000+01:00");
        assert_eq!((month(joined).as_str(), day(joined).as_str()), ("February 2009", "28 February 2009"));
        assert_eq!(machine_day(time("0001-01-01T00:00:00Z")), "0001-01-01");
        assert_eq!(machine_day(time("9999-12-30T22:00:00Z")), "9999-12-30");
    }

    #[test]
    fn an_age_is_said_in_the_largest_unit_that_fits() {
        assert_eq!(age(Some(0)), None);
        for (age_ms, words) in [
            (1, "less than a second"),
            (999, "less than a second"),
            (1_999, "1 second old"),
            (119_000, "1 minute old"),
            (7_200_000, "2 hours old"),
            (200_000_000, "2 days old"),
        ] {
            assert!(age(Some(age_ms)).unwrap().contains(words), "{age_ms}: {:?}", age(Some(age_ms)));
        }
        assert!(age(None).unwrap().starts_with("Nobody can tell"));
    }

    #[test]
    fn paths_hold_any_name() {
        assert_eq!(user_path("Ada_12"), "/@Ada_12");
        assert_eq!(user_path("a/b?c#d%é\""), "/@a%2Fb%3Fc%23d%25%C3%A9%22");
    }

    #[test]
    fn only_web_addresses_lead_somewhere() {
        for address in ["https://example.org/", "HTTP://example.org", "https://www.example.org/"] {
            let Link::Web { text, .. } = Link::new(address) else { panic!("{address}") };
            assert_eq!(text, "example.org");
        }
        for address in [
            "javascript:alert(1)",
            " https://example.org",
            "https://",
            "java\nscript:x",
            "https://a\nb",
            "data:text/html,x",
            "//example.org",
            "httpsé",
            "",
        ] {
            assert_eq!(Link::new(address), Link::Text(address), "{address:?}");
        }
        let Link::Web { text, .. } = Link::new(&format!("https://{}", "x".repeat(99)).leak()[..]) else { panic!() };
        assert_eq!(text.chars().count(), LINK_CHARS_MAX + 1);
    }

    #[test]
    fn titles_are_short() {
        assert_eq!(title("Ada"), "Ada");
        assert_eq!(title(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
