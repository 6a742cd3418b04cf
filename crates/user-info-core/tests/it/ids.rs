//! Ids: opaque text of 1 to 64 bytes without `/ { } ,`, whitespace and control characters.

use proptest::prelude::*;
use user_info_core::id::MAX_ID_BYTES;
use user_info_core::{Id, InvalidId};

use crate::generate::config;

fn check(text: &str, expected: Result<(), InvalidId>) {
    assert_eq!(Id::check(text), expected, "{text:?}");
    assert_eq!(Id::new(text).map(|id| id.as_str().to_owned()), expected.map(|()| text.to_owned()), "{text:?}");
    assert_eq!(text.parse::<Id>(), Id::new(text), "{text:?}");
}

#[test]
fn ids_of_known_sources_fit() {
    for text in ["0", "12", "18446744073709551615", "c56a4180-65aa-42ec-a945-5fd21dec0538"] {
        check(text, Ok(()));
    }
    for text in ["did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:web:example.com", "a%2Fb", "ζ-ü-漢-🦀", "*", "@", "__offset"]
    {
        check(text, Ok(()));
    }
}

#[test]
fn the_limit_counts_bytes() {
    check("", Err(InvalidId::Empty));
    check(&"x".repeat(MAX_ID_BYTES), Ok(()));
    check(&"x".repeat(MAX_ID_BYTES + 1), Err(InvalidId::TooLong { bytes: 65 }));
    check(&"🦀".repeat(16), Ok(()));
    check(&format!("{}é", "x".repeat(63)), Err(InvalidId::TooLong { bytes: 65 }));
}

#[test]
fn the_first_forbidden_character_is_named_wherever_it_stands() {
    for text in ["/", "/ab", "a/b", "ab/", "a/ b{"] {
        check(text, Err(InvalidId::Character { character: '/' }));
    }
    check("a\u{0}b", Err(InvalidId::Character { character: '\u{0}' }));
    check("a b/", Err(InvalidId::Character { character: ' ' }));
}

/// White space and controls as the Unicode database lists them, not as the core asks for them.
#[test]
fn exactly_the_listed_characters_are_forbidden() {
    for character in '\0'..=char::MAX {
        let forbidden = matches!(character,
            '/' | '{' | '}' | ','
            | '\u{0}'..='\u{20}' | '\u{7f}'..='\u{a0}'
            | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
        assert_eq!(Id::check(&character.to_string()).is_err(), forbidden, "{character:?}");
    }
}

#[test]
fn messages_name_the_rule() {
    let messages = [
        (InvalidId::Empty, "an id must not be empty"),
        (InvalidId::TooLong { bytes: 65 }, "an id has at most 64 bytes, this one has 65"),
        (
            InvalidId::Character { character: '\n' },
            "an id has no '\\n': none of / { } , and no whitespace or control characters",
        ),
    ];
    for (error, message) in messages {
        assert_eq!(error.to_string(), message);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_id_is_its_text(text in "[ -~]{0,70}|\\PC{0,20}") {
        if let Ok(id) = Id::new(&text) {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert_eq!(id.to_string(), text);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn ids_sort_as_their_bytes(left in crate::generate::id(), right in crate::generate::id()) {
        prop_assert_eq!(left.cmp(&right), left.as_str().as_bytes().cmp(right.as_str().as_bytes()));
    }
}
