//! Usernames and account states.

use proptest::prelude::*;
use user_info_core::AccountState;
use user_info_core::profile::{InvalidUsername, MAX_USERNAME_BYTES, check_username, folded_username};

use crate::generate::config;

#[test]
fn usernames_are_short_and_have_no_blanks() {
    for username in ["a", "Jack", "alice.bsky.social", "ζ漢🦀", "a/b{c},d", &"x".repeat(MAX_USERNAME_BYTES)] {
        assert_eq!(check_username(username), Ok(()), "{username:?}");
    }
    for username in ["", " ", "a b", "a\n", "\ta", "a\u{a0}b", "a\u{3000}", "a\0", "\u{7f}", "a\u{85}"] {
        assert_eq!(check_username(username), Err(InvalidUsername), "{username:?}");
    }
    assert_eq!(check_username(&"x".repeat(MAX_USERNAME_BYTES + 1)), Err(InvalidUsername));
    assert_eq!(check_username(&"é".repeat(MAX_USERNAME_BYTES / 2 + 1)), Err(InvalidUsername));
}

#[test]
fn usernames_compare_without_regard_to_case() {
    for (left, right) in [("Jack", "jACK"), ("ÉCOLE", "école"), ("ΟΔΟΣ", "οδος"), ("STRASSE", "strasse")] {
        assert_eq!(folded_username(left), folded_username(right));
    }
    for (left, right) in [("jack", "jack_"), ("jack", "jąck"), ("straße", "strasse")] {
        assert_ne!(folded_username(left), folded_username(right));
    }
}

/// What stores size their index keys by.
#[test]
fn folding_makes_no_character_longer_than_half_as_long_again() {
    for character in '\0'..=char::MAX {
        let folded = folded_username(&character.to_string());
        assert!(folded.len() * 2 <= character.len_utf8() * 3, "{character:?} becomes {folded:?}");
    }
}

#[test]
fn states_keep_their_names_and_numbers() {
    let states = [
        (AccountState::Active, "active", 1),
        (AccountState::Suspended, "suspended", 2),
        (AccountState::Deactivated, "deactivated", 3),
    ];
    assert_eq!(states.map(|(state, ..)| state), AccountState::ALL);
    for (state, name, number) in states {
        assert_eq!((state.name(), state.to_string().as_str(), state.number()), (name, name, number));
        assert_eq!((AccountState::from_name(name), AccountState::from_number(number)), (Some(state), Some(state)));
    }
    assert_eq!([AccountState::from_name("Active"), AccountState::from_name("")], [None, None]);
    assert_eq!([0, 4, 255].map(AccountState::from_number), [None; 3]);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn folding_twice_changes_nothing(username in "\\PC{1,40}") {
        let folded = folded_username(&username);
        prop_assert_eq!(folded_username(&folded), folded);
    }
}
