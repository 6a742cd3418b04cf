//! A user as a small card for a terminal. Pure: width, colour and the time are arguments.
//!
//! Invariant: what users wrote cannot steer the terminal: characters that are not shown are left out.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Widest card in columns: longer lines are hard to read.
const COLUMNS_MAX: usize = 80;

/// Left of everything.
const INDENT: &str = "  ";

const NAME: Style = Style::new().bold();
const NUMBER: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const LINK: Style = AnsiColor::Cyan.on_default();

/// The counts, with their words for one and for others.
const COUNTS: [(&str, &str, &str); 5] = [
    ("tweet_count", "tweet", "tweets"),
    ("following_count", "following", "following"),
    ("followers_count", "follower", "followers"),
    ("like_count", "like", "likes"),
    ("list_count", "list", "lists"),
];

/// The card, in lines that end with a line feed, with colours; whoever prints it leaves them out where there are none.
pub(super) fn card(user: &Value, age: &str, columns: usize) -> String {
    let columns = columns.clamp(20, COLUMNS_MAX) - INDENT.len();
    let field = |name: &str| printable(user[name].as_str().unwrap_or_default());
    let mut card = String::new();
    let (name, username, id) = (field("name"), field("username"), field("user_id"));
    line(&mut card, &format!("{NAME}{name}{NAME:#}  {QUIET}@{username}{QUIET:#}  {QUIET}{id}{QUIET:#}"));
    for text in textwrap::wrap(&field("bio"), columns) {
        line(&mut card, &text);
    }
    for joined in fitted(&about(&field("location"), &field("url"), &field("joined_at")), columns) {
        line(&mut card, &joined);
    }
    let counts = COUNTS.map(|(name, one, many)| {
        let count = user[name].as_u64().unwrap_or_default();
        let word = if count == 1 { one } else { many };
        Part::new(format!("{} {word}", grouped(count)), format!("{NUMBER}{}{NUMBER:#} {word}", grouped(count)))
    });
    for joined in fitted(&counts, columns) {
        line(&mut card, &joined);
    }
    line(&mut card, &format!("{QUIET}{}{QUIET:#}", age_in_words(age)));
    card
}

/// One line for a user who cannot be shown any more.
pub(super) fn absence(kind: &str, record: &Value) -> String {
    let user = printable(record["user_id"].as_str().unwrap_or_default());
    match (kind, record["state"].as_str()) {
        ("withheld", Some(state)) => format!("{INDENT}user {user} is {}\n", printable(state)),
        _ => format!("{INDENT}user {user} is not known any more\n"),
    }
}

fn line(card: &mut String, text: &str) {
    writeln!(card, "{INDENT}{text}").expect("writing to a String cannot fail");
}

/// A piece of a line, as it is seen and as it is printed.
struct Part {
    seen: String,
    printed: String,
}

impl Part {
    fn new(seen: String, printed: String) -> Self {
        Self { seen, printed }
    }
}

fn about(location: &str, url: &str, joined_at: &str) -> Vec<Part> {
    let date = joined_at.split('T').next().unwrap_or_default();
    let joined = format!("joined {date}");
    let parts = [
        Part::new(location.to_owned(), location.to_owned()),
        Part::new(url.to_owned(), format!("{LINK}{url}{LINK:#}")),
        Part::new(joined.clone(), joined),
    ];
    parts.into_iter().filter(|part| !part.seen.is_empty()).collect()
}

/// Parts in lines of so many columns, with a dot between them.
fn fitted(parts: &[Part], columns: usize) -> Vec<String> {
    const BETWEEN: &str = " · ";
    let mut lines: Vec<(usize, String)> = Vec::new();
    for part in parts {
        let width = part.seen.width();
        match lines.last_mut() {
            Some((used, line)) if *used + BETWEEN.width() + width <= columns => {
                *used += BETWEEN.width() + width;
                line.push_str(BETWEEN);
                line.push_str(&part.printed);
            }
            Some(_) | None => lines.push((width, part.printed.clone())),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// 1234567 as 1,234,567.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

fn age_in_words(age: &str) -> String {
    match age {
        "0" => "as of now".to_owned(),
        "unknown" => "the age of the data is not known yet".to_owned(),
        age => format!("the data is {age} ms old"),
    }
}

/// Without control characters, which steer a terminal, and without those that turn the direction of what follows.
fn printable(text: &str) -> String {
    let turns = |character: char| matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut text: String = text.chars().map(|it| if matches!(it, '\n' | '\t') { ' ' } else { it }).collect();
    text.retain(|character| !character.is_control() && !turns(character));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(user: &Value, columns: usize) -> String {
        anstream::adapter::strip_str(&card(user, "0", columns)).to_string()
    }

    #[test]
    fn a_card_shows_the_fields_in_lines_that_fit() {
        let user = json!({
            "user_id": "12", "username": "jack", "name": "Jack", "bio": "one two three four five six", "location": "Zürich",
            "url": "https://example.org", "joined_at": "2009-02-13T23:31:30.000Z", "tweet_count": 1, "following_count": 0,
            "followers_count": 1_234_567, "like_count": 12, "list_count": 3,
        });
        let expected = "  Jack  @jack  12\n  one two three four five six\n  Zürich · https://example.org · joined 2009-02-13\n  \
                        1 tweet · 0 following · 1,234,567 followers · 12 likes · 3 lists\n  as of now\n";
        assert_eq!(plain(&user, 200), expected);
        let narrow = plain(&user, 24);
        assert!(narrow.lines().skip(1).all(|line| line.width() <= 24), "{narrow}");
        assert!(narrow.contains("\n  1,234,567 followers\n"), "{narrow}");
    }

    #[test]
    fn what_users_write_does_not_steer_the_terminal() {
        let user = json!({"user_id": "1", "name": "a\u{1b}]0;owned\u{7}b\u{202e}c", "bio": "x\u{9b}31my\r\nz"});
        let card = plain(&user, 80);
        assert!(card.starts_with("  a]0;ownedbc"), "{card:?}");
        assert!(card.chars().all(|it| it == '\n' || !it.is_control()), "{card:?}");
    }
}
