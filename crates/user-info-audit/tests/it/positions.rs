//! The header that says where an answer stands.

use user_info_audit::positions::Positions;
use user_info_core::Topic;

#[test]
fn the_header_is_read_and_written() {
    for text in ["", "users=0", "users=12,7,0;tweets=9223372036854775807", "follows=1,2;lists=3"] {
        let positions: Positions = text.parse().unwrap();
        assert_eq!(positions.to_string(), text);
    }
}

#[test]
fn what_is_not_mentioned_was_not_read() {
    let positions: Positions = "users=12,7;likes=3".parse().unwrap();
    assert_eq!(positions.next(Topic::Users, 1), 7);
    assert_eq!(positions.next(Topic::Users, 2), 0);
    assert_eq!(positions.next(Topic::Tweets, 0), 0);
    assert_eq!(positions.next(Topic::Likes, 0), 3);
}

#[test]
fn another_form_is_refused() {
    for text in ["users", "users=", "users=1,", "users=x", "others=1", "user-info-dead-letters=1", "users=1;;tweets="] {
        assert!(text.parse::<Positions>().is_err(), "{text:?}");
    }
}

#[test]
fn positions_never_go_back_when_raised() {
    let mut positions = Positions::default();
    positions.raise(Topic::Users, 0, 5);
    positions.raise(Topic::Users, 0, 3);
    assert_eq!(positions.next(Topic::Users, 0), 5);
}
