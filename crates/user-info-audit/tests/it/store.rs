//! Audits of a store on disk, beside its writer.

use std::path::Path;
use std::time::Duration;

use rocksdb::{ColumnFamilyDescriptor, DB, Options};
use user_info_audit::{About, AuditError, AuditOptions, AuditReport, SubjectConfig, run};
use user_info_core::{
    AccountState, Change, Counts, Id, Pair, Profile, Relation, Stamp, StoredProfile, Timestamp, Topic,
};
use user_info_log::NewRecord;
use user_info_store::{Batch, Store, StoreError, StoreOptions, StoreUrl};

use crate::world::{
    Background, Follower, World, a_bit_of_everything, decided, differences, followed, gone, impatient, liked, listed,
    patient, position, profile, publish, raw, tweeted, unfollowed,
};

/// A world, and a store on disk that has everything of it.
struct Audited {
    world: World,
    url: StoreUrl,
    store: Store,
}

impl Audited {
    fn new(records: &[NewRecord]) -> Self {
        let world = World::new();
        world.publish(records);
        let url = StoreUrl::RocksDb { path: world.directory.path().join("store") };
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        Follower::new(&world.log, store.clone()).catch_up();
        Self { world, url, store }
    }

    fn audit(&self, options: AuditOptions) -> AuditReport {
        run(&self.world.log, SubjectConfig::Store(self.url.clone(), Box::default()), options).unwrap()
    }

    #[track_caller]
    fn clean(&self) -> AuditReport {
        let report = self.audit(patient());
        assert!(report.is_clean(), "{report}");
        report
    }

    /// What an audit says after these changes, which no record made.
    fn damaged(&self, changes: Vec<Change>) -> Vec<String> {
        self.store.apply(&decided(changes)).unwrap();
        differences(&self.audit(patient()))
    }
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn pair(relation: Relation, owner: &str, member: &str) -> Pair {
    Pair { relation, owner: id(owner), member: id(member) }
}

#[test]
fn a_true_store_has_no_differences() {
    let audited = Audited::new(&a_bit_of_everything());
    let report = audited.clean();
    assert_eq!((report.users, report.usernames), (8, 7));
    assert_eq!((report.records, report.bad_records), (27, 3));
    assert_eq!(report.tainted_count, 2);
    audited.store.flush().unwrap();
    audited.clean();
}

#[test]
fn a_member_that_no_record_added_is_named() {
    let audited = Audited::new(&[profile("1", "ann"), tweeted("1", "5"), gone(Topic::Tweets, "1/5")]);
    let lines = audited
        .damaged(vec![Change::Add(pair(Relation::Tweets, "1", "5")), Change::Add(pair(Relation::Likes, "1", "6"))]);
    assert_eq!(lines[..2], ["user 1: tweet_count is 1, the log says 0", "user 1: like_count is 1, the log says 0"]);
    assert!(
        lines[2].starts_with("tweets 1/5: the store has it, the log says it is gone since tweets/"),
        "{}",
        lines[2]
    );
    assert_eq!(lines[3..], ["likes 1/6: the store has it, the log has never heard of it"]);
}

#[test]
fn a_member_that_no_record_removed_is_named() {
    let audited = Audited::new(&[profile("1", "ann"), followed("1", "2"), followed("3", "2")]);
    let lines = audited.damaged(vec![Change::Remove(pair(Relation::Follows, "1", "2"))]);
    let [following, member, followers] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(following, "user 1: following_count is 0, the log says 1");
    assert!(
        member.starts_with("follows 1/2: the store does not have it, the log says it is there since follows/"),
        "{member}"
    );
    assert_eq!(followers, "user 2: followers_count is 1, the log says 2");
}

#[test]
fn a_pair_that_was_swapped_is_named_although_every_count_is_right() {
    let audited = Audited::new(&[listed("1", "a")]);
    let changes = vec![Change::Remove(pair(Relation::Lists, "1", "a")), Change::Add(pair(Relation::Lists, "1", "b"))];
    let lines = audited.damaged(changes);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("lists 1/a: the store does not have it"), "{}", lines[0]);
    assert!(lines[1].starts_with("lists 1/b: the store has it"), "{}", lines[1]);
}

#[test]
fn a_wrong_profile_is_named_field_by_field() {
    let audited = Audited::new(&[profile("1", "ann"), profile("2", "bob")]);
    let wrong = Profile {
        username: "Bobby".into(),
        name: "A Name".into(),
        state: AccountState::Suspended,
        joined_at: "2020-01-02T03:04:05.677Z".parse::<Timestamp>().unwrap(),
        bio: Some(String::new()),
        location: None,
        url: None,
        profile_image_url: Some("x".repeat(500)),
        background_image_url: None,
    };
    let stored = StoredProfile { profile: wrong, stamp: Stamp { timestamp_ms: 5, offset: 77 } };
    let lines = audited.damaged(vec![
        Change::Forget { user: id("1") },
        Change::Profile { user: id("2"), profile: Box::new(stored.clone()) },
        Change::Profile { user: id("3"), profile: Box::new(stored) },
    ]);
    assert!(lines[0].starts_with("user 1: the store has no profile, the log has one at users/"), "{}", lines[0]);
    let shown =
        format!("user 2: profile_image_url is \"{}…, the log says \"https://images.example/1.png\"", "x".repeat(99));
    let expected = [
        "user 2: username is \"Bobby\", the log says \"bob\"",
        "user 2: bio is \"\", the log says null",
        "user 2: location is null, the log says \"Here\"",
        "user 2: joined_at is \"2020-01-02T03:04:05.677Z\", the log says \"2020-01-02T03:04:05.678Z\"",
        &shown,
        "user 2: state is \"suspended\", the log says \"active\"",
    ];
    assert_eq!(lines[1..7], expected);
    assert!(lines[7].starts_with("user 2: record_timestamp_ms is 5, the log says "), "{}", lines[7]);
    assert!(lines[8].starts_with("user 2: record_offset is 77, the log says "), "{}", lines[8]);
    assert_eq!(
        lines[9..],
        [
            "user 3: the store has a profile, the log says there is none",
            "username @ann: it is nobody, the log says it is user 1",
            "username @bob: it is nobody, the log says it is user 2",
        ]
    );
}

/// Writes counts past the store's back, as a fault of the disk or of the program would.
fn overwrite_counts(directory: &Path, user: &str, counts: Counts) {
    let path = directory.join("generations/1");
    let options = Options::default();
    let families = DB::list_cf(&options, &path).unwrap();
    let families = families.into_iter().map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
    let db = DB::open_cf_descriptors(&options, &path, families).unwrap();
    db.put_cf(db.cf_handle("counts").unwrap(), user, counts.encode()).unwrap();
}

#[test]
fn a_count_that_is_not_the_size_of_its_set_is_named() {
    let Audited { world, url, store } = Audited::new(&[followed("1", "2"), tweeted("2", "3"), listed("2", "4")]);
    drop(store);
    let drifted = Counts { tweets: 1, followers: 9, ..Counts::default() };
    overwrite_counts(&world.directory.path().join("store"), "2", drifted);
    let report = run(&world.log, SubjectConfig::Store(url, Box::default()), patient()).unwrap();
    assert_eq!(
        differences(&report),
        [
            "user 2: followers_count is 9, the log says 1",
            "user 2: list_count is 0, the log says 1",
            "user 2: list_count is 0, the store itself holds 1 of them",
            "user 2: followers_count is 9, the store itself holds 1 of them",
        ]
    );
}

#[test]
fn somebody_whom_only_the_store_knows_is_counted_among_the_users() {
    let audited = Audited::new(&[tweeted("1", "5")]);
    audited.store.apply(&decided(vec![Change::Add(pair(Relation::Likes, "ghost", "5"))])).unwrap();
    let report = audited.audit(patient());
    assert_eq!(report.users, 2);
    assert_eq!(report.differences[0].about, About::User("ghost".into()));
}

#[test]
fn a_store_that_is_behind_is_waited_for() {
    let audited = Audited::new(&[profile("1", "ann"), followed("1", "2")]);
    audited.world.publish(&[unfollowed("1", "2"), profile("1", "Anna"), liked("3", "9"), raw(Topic::Likes, "3/9", "")]);
    let mut behind = Some(Follower::new(&audited.world.log, audited.store.clone()));
    let lines = differences(&audited.audit(impatient()));
    let about: Vec<&str> = lines.iter().filter_map(|line| line.split(": not settled").next()).collect();
    assert_eq!(about, ["user 1", "user 2", "user 3", "username @ann", "username @anna"]);

    let mut rounds = 0;
    let catching_up = Background::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(10));
        rounds += 1;
        if rounds > 20
            && let Some(mut follower) = behind.take()
        {
            follower.catch_up();
        }
    });
    audited.clean();
    drop(catching_up);
}

#[test]
fn the_log_and_the_store_may_move_all_the_while() {
    let records: Vec<NewRecord> = (0..100).map(|user| profile(&user.to_string(), &format!("n{user}"))).collect();
    let audited = Audited::new(&records);
    let following = Follower::new(&audited.world.log, audited.store.clone()).spawn();
    let (log, mut turn) = (audited.world.log.clone(), 0_u64);
    let moving = Background::spawn(move || {
        turn += 1;
        let (one, other) = (turn * 7919 % 100, turn * 104_729 % 100);
        let news = match turn % 4 {
            0 => profile(&one.to_string(), &format!("m{}", turn % 40)),
            1 => tweeted(&one.to_string(), &turn.to_string()),
            2 => unfollowed(&one.to_string(), &other.to_string()),
            _ => followed(&one.to_string(), &other.to_string()),
        };
        publish(&log, &[news]);
    });
    assert_eq!(audited.clean().users, 100);
    audited.clean();
    drop((moving, following));
}

#[test]
fn a_store_of_another_topic_is_refused() {
    let audited = Audited::new(&[profile("1", "ann")]);
    let foreign = position((Topic::Tweets, 1), 0, "another-id".into());
    audited.store.apply(&Batch { positions: vec![foreign], ..Batch::default() }).unwrap();
    let lines = audited.damaged(vec![Change::Forget { user: id("1") }]);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("topic tweets: the store was filled from the topic with id another-id, "), "{line}");
    assert!(line.ends_with(": rebuild the store; nothing was compared"), "{line}");
}

#[test]
fn a_store_ahead_of_the_log_is_refused() {
    let audited = Audited::new(&[profile("1", "ann")]);
    let id = audited.world.log.describe(Topic::Lists).unwrap().unwrap().id.0;
    audited.store.apply(&Batch { positions: vec![position((Topic::Lists, 2), 9, id)], ..Batch::default() }).unwrap();
    let lines = differences(&audited.audit(patient()));
    assert_eq!(
        lines,
        ["topic lists: the answer stood at offset 9 of partition 2, the log ends at 0: it is another log, or was \
          truncated; nothing was compared"]
    );
}

#[test]
fn a_store_that_is_not_there_is_an_error() {
    let world = World::new();
    let url = StoreUrl::RocksDb { path: Path::new(world.directory.path()).join("nothing") };
    let error = run(&world.log, SubjectConfig::Store(url, Box::default()), patient()).unwrap_err();
    assert!(matches!(error, AuditError::Store(StoreError::Missing { .. })), "{error}");
}
