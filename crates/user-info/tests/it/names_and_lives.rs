//! Whose name is whose, and what happens to users who come late, leave, and come back: through the command line, on an
//! embedded log, over restarts.

use serde_json::Value;
use user_info_core::AccountState;
use user_info_log::NewRecord;

use crate::support::facts::{
    followed, forget, liked, list_created, list_deleted, tweeted, unfollowed, user, user_in_state,
};
use crate::support::program::{Ended, Program};
use crate::support::replica::Replica;
use crate::support::world::World;

/// A world whose log is filled while the server is stopped, because an embedded log belongs to one process.
struct Story {
    world: World,
    replica: Replica,
}

impl Story {
    fn new() -> Self {
        let world = World::embedded();
        let replica = world.replica("store");
        Self { world, replica }
    }

    /// What happens next.
    #[track_caller]
    fn then(&mut self, records: &[NewRecord]) -> &mut Self {
        self.world.publish(records);
        self.replica.start();
        self.replica.until_caught_up();
        self
    }

    #[track_caller]
    fn get(&self, who: &str) -> Ended {
        Program::under_test().run(["get", who, "--server", &self.replica.url(), "--json"])
    }

    /// Who has this name.
    #[track_caller]
    fn holder(&self, name: &str) -> Value {
        self.get(&format!("@{name}")).with_status(0).json()["user_id"].clone()
    }

    #[track_caller]
    fn nobody(&self, who: &str, words: &str) {
        self.get(who).with_status(1).that_says(words);
    }

    /// The end of a chapter: the server ends well, and its store is what the log says.
    #[track_caller]
    fn settle(&mut self) {
        self.replica.stop();
        let report = self.world.audit_store("store").with_status(0).json();
        assert_eq!(report["differences"], 0, "{report}");
    }
}

#[test]
fn a_renamed_user_gives_the_old_name_back() {
    let mut story = Story::new();
    story.then(&[user("1", "Alice"), user("2", "bob")]);
    assert_eq!(story.holder("alice"), "1");
    assert_eq!(story.holder("ALICE"), "1");
    assert_eq!(story.get("@alice").json()["username"], "Alice", "names keep the case they were written in");
    story.settle();

    story.then(&[user("1", "alice_b")]);
    assert_eq!(story.holder("alice_b"), "1");
    story.nobody("@alice", "404");
    story.settle();

    story.then(&[user("2", "Alice")]);
    assert_eq!(story.holder("alice"), "2");
    story.nobody("@bob", "404");
    story.settle();
}

#[test]
fn a_contested_name_is_that_of_the_newest_profile() {
    let mut story = Story::new();
    story.then(&[user("1", "queen")]);
    story.settle();
    story.then(&[user("2", "Queen")]);
    assert_eq!(story.holder("queen"), "2");
    story.settle();
    // Published again, the first profile is the newest one.
    story.then(&[user("1", "queen")]);
    assert_eq!(story.holder("queen"), "1");
    assert_eq!(story.get("2").json()["username"], "Queen", "the other one is still called so");
    story.settle();
    story.then(&[user("1", "king")]);
    assert_eq!(story.holder("queen"), "2");
    story.settle();
}

#[test]
fn a_user_who_was_deleted_can_come_back_with_everything_others_said() {
    let mut story = Story::new();
    story.then(&[user("1", "ann"), user("2", "ben"), followed("2", "1"), tweeted("1", "t1"), liked("1", "t9")]);
    assert_eq!(story.replica.counts("1"), [1, 0, 1, 1, 0]);
    story.settle();

    story.then(&[forget("1"), followed("1", "2")]);
    story.nobody("1", "404");
    story.nobody("@ann", "404");
    assert_eq!(story.replica.counts("2"), [0, 1, 1, 0, 0], "the follow of a forgotten user counts");
    story.settle();

    story.then(&[user("1", "ann_again")]);
    assert_eq!(story.replica.counts("1"), [1, 1, 1, 1, 0]);
    assert_eq!(story.holder("ann_again"), "1");
    story.settle();
}

#[test]
fn a_suspended_user_is_withheld_kept_and_comes_back() {
    let mut story = Story::new();
    story.then(&[user("1", "sus"), followed("2", "1"), tweeted("1", "t1")]);
    story.settle();

    story.then(&[user_in_state("1", "sus", AccountState::Suspended), tweeted("1", "t2")]);
    story.nobody("1", "403");
    story.nobody("@sus", "403");
    story.nobody("1", "suspended");
    let several = story.replica.get("/users?ids=1,nobody").json();
    assert_eq!(several["withheld"][0]["state"], "suspended", "{several}");
    story.settle();

    story.then(&[user_in_state("1", "sus", AccountState::Deactivated)]);
    story.nobody("1", "404");
    story.nobody("1", "deactivated");
    story.settle();

    story.then(&[user("1", "sus")]);
    assert_eq!(story.replica.counts("1"), [2, 0, 1, 0, 0]);
    story.settle();
}

#[test]
fn facts_in_an_unlikely_order_count_as_sets_do() {
    let mut story = Story::new();
    let mut records: Vec<NewRecord> = Vec::new();
    // An unfollow before any follow, and one of what was never there.
    records.extend(unfollowed("1", "2"));
    records.push(followed("1", "2"));
    records.extend(unfollowed("2", "1"));
    // A follow of oneself is an ordinary fact.
    records.push(followed("1", "1"));
    // Members of a user nobody has heard of.
    records.extend([tweeted("3", "t1"), liked("3", "t1"), list_created("3", "l1"), list_created("3", "l2")]);
    records.extend(list_deleted("3", "l2"));
    records.extend([user("1", "one"), user("2", "two")]);
    story.then(&records);
    assert_eq!(story.replica.counts("1"), [0, 2, 1, 0, 0]);
    assert_eq!(story.replica.counts("2"), [0, 0, 1, 0, 0]);
    story.nobody("3", "404");
    story.settle();

    // The same facts once more, then the profile that was missing.
    records.push(user("3", "three"));
    story.then(&records);
    assert_eq!(story.replica.counts("1"), [0, 2, 1, 0, 0]);
    assert_eq!(story.replica.counts("2"), [0, 0, 1, 0, 0]);
    assert_eq!(story.replica.counts("3"), [1, 0, 0, 1, 1]);
    story.settle();

    let mut last = unfollowed("1", "1").to_vec();
    last.extend(unfollowed("1", "2"));
    story.then(&last);
    assert_eq!(story.replica.counts("1"), [0, 0, 0, 0, 0]);
    story.settle();
}
