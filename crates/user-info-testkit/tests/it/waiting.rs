//! `eventually` returns when its condition holds and panics when it never does.

use std::time::Duration;

use user_info_testkit::eventually;

#[test]
fn returns_as_soon_as_the_condition_holds() {
    let mut asked = 0;
    eventually(Duration::from_secs(60), "asked three times", || {
        asked += 1;
        asked == 3
    });
    assert_eq!(asked, 3);
}

#[test]
fn asks_once_even_without_time() {
    eventually(Duration::ZERO, "true from the start", || true);
}

#[test]
#[should_panic(expected = "not within 20ms: the moon is full")]
fn panics_with_what_it_waited_for() {
    eventually(Duration::from_millis(20), "the moon is full", || false);
}
