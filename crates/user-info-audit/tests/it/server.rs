//! Audits of a server: what is right, what is wrong, and what moves meanwhile.

use std::sync::Mutex;

use user_info_audit::{About, AuditError, AuditOptions, AuditReport, SubjectConfig, run};
use user_info_core::{Change, Id, Pair, Relation, Topic};
use user_info_log::NewRecord;
use user_info_store::{Batch, Store, StoreOptions, StoreUrl};

use crate::fake_server::{Behaviour, FakeServer};
use crate::world::{
    Background, Follower, World, a_bit_of_everything, at, decided, differences, followed, gone, impatient, liked,
    patient, position, profile, profile_in_state, publish, raw, tweeted, unfollowed,
};

fn memory() -> Store {
    Store::open(&StoreUrl::Memory, &StoreOptions::default()).unwrap()
}

/// A world with these records and a store that has all of them.
fn followed_world(records: &[NewRecord]) -> (World, Store) {
    let world = World::new();
    world.publish(records);
    let store = memory();
    Follower::new(&world.log, store.clone()).catch_up();
    (world, store)
}

fn audit(world: &World, server: &FakeServer, options: AuditOptions) -> Result<AuditReport, AuditError> {
    run(&world.log, SubjectConfig::Server(server.url.clone()), options)
}

#[track_caller]
fn clean(world: &World, server: &FakeServer) -> AuditReport {
    let report = audit(world, server, patient()).unwrap();
    assert!(report.is_clean(), "{report}");
    report
}

fn pair(relation: Relation, owner: &str, member: &str) -> Pair {
    Pair { relation, owner: Id::new(owner).unwrap(), member: Id::new(member).unwrap() }
}

fn damage(store: &Store, changes: Vec<Change>) {
    store.apply(&decided(changes)).unwrap();
}

#[test]
fn a_true_server_has_no_differences() {
    let (world, store) = followed_world(&a_bit_of_everything());
    let server = FakeServer::start(Behaviour::good(store));
    let report = clean(&world, &server);
    assert_eq!((report.users, report.usernames), (8, 7));
    assert_eq!((report.records, report.bad_records), (27, 3));
    let tainted: Vec<&str> = report.tainted.iter().map(|tainted| tainted.key.as_str()).collect();
    assert_eq!(tainted, ["1/1", "1/100"]);
    let text = report.to_string();
    assert!(text.contains("key 1/100 is tainted: the record at likes/"), "{text}");
    let summary = "8 users and 7 usernames compared with 27 records: 0 differences; 3 bad records, 2 tainted keys\n";
    assert!(text.ends_with(summary), "{text}");
}

#[test]
fn an_empty_log_is_no_difference() {
    let (world, store) = followed_world(&[]);
    let server = FakeServer::start(Behaviour::good(store));
    let report = clean(&world, &server);
    assert_eq!((report.users, report.records), (0, 0));
}

#[test]
fn many_users_are_asked_in_groups() {
    let records: Vec<NewRecord> = (0..250).map(|user| profile(&format!("user-{user}"), &format!("n{user}"))).collect();
    let (world, store) = followed_world(&records);
    let server = FakeServer::start(Behaviour::good(store));
    let report = run(
        &world.log,
        SubjectConfig::Server(format!("{}/", server.url)),
        AuditOptions { usernames_max: 10, ..patient() },
    )
    .unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.users, report.usernames), (250, 10));
    assert_eq!(server.requests(), 3 + 10);
}

#[test]
fn long_ids_make_small_groups() {
    let long = |user: usize| format!("{}{user}", "é".repeat(30));
    let records: Vec<NewRecord> = (10..60).map(|user| profile(&long(user), &format!("n{user}"))).collect();
    let (world, store) = followed_world(&records);
    let server = FakeServer::start(Behaviour::good(store));
    let report = audit(&world, &server, AuditOptions { usernames_max: 0, ..patient() }).unwrap();
    assert!(report.is_clean() && report.users == 50, "{report}");
    assert_eq!(server.requests(), 3, "a group has at most 4096 bytes of ids");
}

#[test]
fn a_wrong_count_is_named() {
    let (world, store) =
        followed_world(&[profile("12", "ann"), followed("1", "12"), followed("2", "12"), tweeted("12", "5")]);
    damage(
        &store,
        vec![Change::Add(pair(Relation::Follows, "3", "12")), Change::Remove(pair(Relation::Tweets, "12", "5"))],
    );
    let server = FakeServer::start(Behaviour::good(store.clone()));
    let report = audit(&world, &server, patient()).unwrap();
    assert_eq!(
        differences(&report),
        ["user 12: tweet_count is 0, the log says 1", "user 12: followers_count is 3, the log says 2"]
    );
    assert_eq!(report.difference_count, 2);
    assert_eq!(report.differences[0].about, About::User("12".into()));
    let users =
        store.positions().unwrap().iter().filter(|it| it.topic == Topic::Users).map(|it| it.next_offset).sum::<i64>();
    assert_eq!(users, 1);
    let line = report.differences[0].to_string();
    assert!(line.contains(" (positions users=") && line.contains(";follows="), "{line}");
}

#[test]
fn a_wrong_profile_is_named() {
    let (world, store) = followed_world(&[
        profile("1", "ann"),
        profile("2", "bob"),
        profile_in_state("3", "carl", "suspended"),
        profile("4", "dora"),
        profile_in_state("5", "eve", "deactivated"),
    ]);
    let other = World::new();
    other.publish(&[
        raw(Topic::Users, "1", &profile_json("1", "ann").replace("\"A Name\"", "\"Another\"").replace("678Z", "679Z")),
        gone(Topic::Users, "2"),
        profile("3", "carl"),
        profile_in_state("4", "dora", "suspended"),
        profile_in_state("5", "eve", "suspended"),
        profile("6", "ghost"),
    ]);
    Follower::new(&other.log, store.clone()).catch_up();
    damage_positions(&world, &store);
    let server = FakeServer::start(Behaviour::good(store));
    let report = audit(&world, &server, AuditOptions { usernames_max: 0, ..patient() }).unwrap();
    assert_eq!(
        differences(&report),
        [
            "user 1: name is \"Another\", the log says \"A Name\"",
            "user 1: joined_at is \"2020-01-02T03:04:05.679Z\", the log says \"2020-01-02T03:04:05.678Z\"",
            "user 2: it is unknown, the log says @bob is active",
            "user 3: it is shown, the log says @carl is suspended",
            "user 4: it is withheld as \"suspended\", the log says @dora is active",
            "user 5: it is withheld as \"suspended\", the log says @eve is deactivated",
        ]
    );
}

fn profile_json(user: &str, username: &str) -> String {
    crate::world::profile_value(user, username, "active").to_string()
}

/// Gives the store the positions of the world's ends, as if it had read all of it.
fn damage_positions(world: &World, store: &Store) {
    let partitions =
        Topic::FACTS.into_iter().flat_map(|topic| (0..crate::world::PARTITIONS).map(move |it| (topic, it)));
    let positions = partitions.map(|(topic, partition)| {
        let end = world.log.offsets(topic, partition).unwrap().end;
        position((topic, partition), end, world.log.describe(topic).unwrap().unwrap().id.0)
    });
    store.apply(&Batch { positions: positions.collect(), ..Batch::default() }).unwrap();
}

#[test]
fn usernames_are_looked_up_by_their_rule() {
    let (world, store) = followed_world(&[
        at(5, profile("1", "Ann")),
        at(4, profile("2", "ANN")),
        at(5, profile("10", "ann")),
        at(6, profile("3", "bob")),
        at(7, profile("3", "Robert")),
        at(8, profile_in_state("4", "carl", "suspended")),
        at(8, profile_in_state("5", "dora", "deactivated")),
    ]);
    clean(&world, &FakeServer::start(Behaviour::good(store.clone())));

    let other = World::new();
    other.publish(&[
        at(9, profile("2", "ann")),
        at(9, profile("11", "carl")),
        gone(Topic::Users, "3"),
        at(9, profile("7", "bob")),
    ]);
    Follower::new(&other.log, store.clone()).catch_up();
    damage_positions(&world, &store);
    let report = audit(&world, &FakeServer::start(Behaviour::good(store)), patient()).unwrap();
    let names: Vec<String> = differences(&report).into_iter().filter(|line| line.starts_with("username")).collect();
    assert_eq!(
        names,
        [
            "username @ann: it is user 2, the log says it is user 10",
            "username @bob: it is user 7, the log says it is nobody",
            "username @carl: it is user 11, the log says it is user 4, who is not active",
            "username @robert: it is nobody, the log says it is user 3",
        ]
    );
}

#[test]
fn a_tainted_key_that_may_explain_a_difference_is_named_beside_it() {
    let (world, store) = followed_world(&[profile("1", "ann"), raw(Topic::Likes, "1/2", "{}")]);
    damage(&store, vec![Change::Add(pair(Relation::Likes, "1", "2"))]);
    let report = audit(&world, &FakeServer::start(Behaviour::good(store)), patient()).unwrap();
    let [line] = &differences(&report)[..] else { panic!("{report}") };
    assert!(
        line.starts_with("user 1: like_count is 1, the log says 0; key 1/2 is tainted: the record at likes/"),
        "{line}"
    );
    assert!(line.ends_with("compaction may have dropped the last good fact of that key"), "{line}");
}

#[test]
fn a_replica_that_is_behind_is_waited_for() {
    let (world, store) = followed_world(&[profile("1", "ann"), profile("2", "bob")]);
    world.publish(&[followed("1", "2"), profile("3", "carl"), profile("1", "Anna")]);
    let follower = Mutex::new(Follower::new(&world.log, store.clone()));
    let mut behaviour = Behaviour::good(store);
    behaviour.before = Box::new(move |number| {
        if number == 8 {
            follower.lock().unwrap().catch_up();
        }
    });
    let server = FakeServer::start(behaviour);
    let report = clean(&world, &server);
    assert_eq!(report.users, 3);
    assert!(server.requests() > 8, "{} requests", server.requests());
}

#[test]
fn a_replica_that_stays_behind_is_reported() {
    let (world, store) = followed_world(&[profile("1", "ann"), profile("2", "bob"), profile("3", "carl")]);
    world.publish(&[followed("1", "2"), profile("3", "Carla")]);
    let report = audit(&world, &FakeServer::start(Behaviour::good(store)), impatient()).unwrap();
    let lines = differences(&report);
    let about: Vec<&str> = lines.iter().filter_map(|line| line.split(": not settled within 300ms, ").next()).collect();
    assert_eq!(about, ["user 1", "user 2", "user 3", "username @carl", "username @carla"]);
    assert!(lines[0].contains("its last record is follows/"), "{}", lines[0]);
    assert!(lines[0].contains("the answer stood at offset 0"), "{}", lines[0]);
}

#[test]
fn an_answer_that_is_newer_than_its_positions_is_asked_for_again() {
    let (world, store) = followed_world(&[profile("1", "ann"), profile("2", "bob"), followed("1", "2")]);
    let follower = Mutex::new(Follower::new(&world.log, store.clone()));
    let log = world.log.clone();
    let mut behaviour = Behaviour::good(store);
    behaviour.between = Box::new(move |number| {
        // Users, @ann and @bob are asked, each is answered from after the positions; users and @ann once more.
        let news = match number {
            0 => unfollowed("1", "2"),
            1 => profile("1", "Anna"),
            2 => profile("2", "Robert"),
            4 => profile("2", "ann"),
            _ => return,
        };
        publish(&log, &[news]);
        follower.lock().unwrap().catch_up();
    });
    let server = FakeServer::start(behaviour);
    clean(&world, &server);
    assert!(server.requests() > 5, "{} requests", server.requests());
}

#[test]
fn the_log_may_move_all_the_while() {
    let records: Vec<NewRecord> = (0..150).map(|user| profile(&user.to_string(), &format!("n{user}"))).collect();
    let (world, store) = followed_world(&records);
    let following = Follower::new(&world.log, store.clone()).spawn();
    let (log, mut turn) = (world.log.clone(), 0_u64);
    let moving = Background::spawn(move || {
        turn += 1;
        let user = |salt: u64| ((turn * 7919 + salt * 104_729) % 150).to_string();
        let followee = if turn.is_multiple_of(3) { "0".to_owned() } else { user(2) };
        let news = match turn % 5 {
            0 => profile(&user(1), &format!("m{}", turn % 40)),
            1 => unfollowed(&user(1), &followee),
            2 => liked(&user(1), &turn.to_string()),
            3 => gone(Topic::Follows, &format!("{}/{followee}", user(1))),
            _ => followed(&user(1), &followee),
        };
        publish(&log, &[news]);
    });
    let server = FakeServer::start(Behaviour::good(store));
    let report = clean(&world, &server);
    assert_eq!(report.users, 150);
    drop((moving, following));
}

#[test]
fn a_server_that_is_not_ready_is_waited_for() {
    let (world, store) = followed_world(&[profile("1", "ann")]);
    let server = FakeServer::start(Behaviour { not_ready: 5, ..Behaviour::good(store.clone()) });
    clean(&world, &server);
    let server = FakeServer::start(Behaviour { not_ready: usize::MAX, ..Behaviour::good(store) });
    let error = audit(&world, &server, impatient()).unwrap_err();
    assert!(matches!(error, AuditError::NotReady { .. }), "{error}");
}

#[test]
fn a_server_of_another_log_is_refused() {
    let (_other, store) = followed_world(&(0..50).map(|user| profile(&user.to_string(), "x")).collect::<Vec<_>>());
    let world = World::new();
    world.publish(&[profile("1", "x")]);
    let report = audit(&world, &FakeServer::start(Behaviour::good(store.clone())), patient()).unwrap();
    let [line] = &differences(&report)[..] else { panic!("{report}") };
    assert!(
        line.starts_with("topic users: the answer stood at offset ") && line.contains("it is another log"),
        "{line}"
    );

    store.apply(&Batch { positions: vec![position((Topic::Likes, 3), 1, "x".into())], ..Batch::default() }).unwrap();
    let (world, _) = followed_world(&(0..99).map(|user| profile(&user.to_string(), "x")).collect::<Vec<_>>());
    let report = audit(&world, &FakeServer::start(Behaviour::good(store)), patient()).unwrap();
    let [line] = &differences(&report)[..] else { panic!("{report}") };
    assert!(line.starts_with("topic likes: ") && line.contains("no such partition"), "{line}");
}

#[test]
fn only_so_many_differences_are_listed_and_all_are_counted() {
    let records: Vec<NewRecord> = (0..20).map(|user| profile(&user.to_string(), &format!("n{user}"))).collect();
    let (world, store) = followed_world(&records);
    damage(&store, (0..20).map(|user| Change::Add(pair(Relation::Lists, &user.to_string(), "l"))).collect());
    let server = FakeServer::start(Behaviour::good(store));
    let report = audit(&world, &server, AuditOptions { listed_max: 7, ..patient() }).unwrap();
    assert_eq!((report.differences.len(), report.difference_count), (7, 20));
    assert!(report.to_string().contains("\nand 13 more differences\n"), "{report}");
}

#[test]
fn answers_outside_of_the_contract_are_refused() {
    let (world, store) = followed_world(&[profile("1", "ann")]);
    let refused = |behaviour: Behaviour, reason: &str| {
        let error = audit(&world, &FakeServer::start(behaviour), impatient()).unwrap_err();
        assert!(matches!(error, AuditError::Answer { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error} does not say {reason}");
    };
    let canned = |status, body| Behaviour { canned: Some((status, body)), ..Behaviour::good(store.clone()) };
    refused(Behaviour { states_positions: false, ..Behaviour::good(store.clone()) }, "without the header");
    refused(canned(200, "{}"), "unknown JSON");
    refused(canned(200, "hello"), "unknown JSON");
    refused(canned(500, "oh no"), "status 500");
    refused(canned(200, r#"{"users":[],"unknown":[],"withheld":[]}"#), "nothing about user 1");
    refused(canned(200, r#"{"users":[],"unknown":["2"],"withheld":[]}"#), "not asked");
    refused(canned(200, r#"{"users":[],"unknown":["1","1"],"withheld":[]}"#), "answered twice");
    refused(canned(200, r#"{"users":[{}],"unknown":["1"],"withheld":[]}"#), "without a user_id");
}

#[test]
fn only_so_many_users_are_compared_evenly_spread() {
    let records: Vec<NewRecord> = (0..20).map(|user| profile(&user.to_string(), &format!("n{user}"))).collect();
    let (world, store) = followed_world(&records);
    let server = FakeServer::start(Behaviour::good(store));
    let report = audit(&world, &server, AuditOptions { users_max: 7, ..patient() }).unwrap();
    assert!(report.is_clean() && report.users == 7, "{report}");
}

#[test]
fn at_rest_a_server_need_not_say_where_its_answers_stand() {
    let (world, store) = followed_world(&[profile("1", "ann"), profile("2", "bob")]);
    let silent = || Behaviour { states_positions: false, ..Behaviour::good(store.clone()) };
    let at_rest =
        |server: &FakeServer| run(&world.log, SubjectConfig::ServerAtRest(server.url.clone()), impatient()).unwrap();
    let report = at_rest(&FakeServer::start(silent()));
    assert!(report.is_clean() && report.users == 2, "{report}");
    damage(&store, vec![Change::Add(pair(Relation::Lists, "1", "l"))]);
    let report = at_rest(&FakeServer::start(silent()));
    let [line] = &differences(&report)[..] else { panic!("{report}") };
    assert!(line.starts_with("user 1: list_count is 1, the log says 0"), "{line}");
}

#[test]
fn a_field_that_is_missing_is_a_difference() {
    let (world, store) = followed_world(&[profile("1", "ann")]);
    let body = r#"{"users":[{"user_id":"1","username":"ann","name":"A Name","bio":null,"location":"Here",
        "joined_at":"2020-01-02T03:04:05.678Z","profile_image_url":"https://images.example/1.png",
        "background_image_url":null,"tweet_count":0,"following_count":"0","followers_count":0,"like_count":0,
        "list_count":0}],"unknown":[],"withheld":[]}"#;
    let server = FakeServer::start(Behaviour { canned: Some((200, body)), ..Behaviour::good(store) });
    let report = audit(&world, &server, AuditOptions { usernames_max: 0, ..patient() }).unwrap();
    assert_eq!(
        differences(&report),
        ["user 1: url is missing, the log says null", "user 1: following_count is \"0\", the log says 0"]
    );
}

#[test]
fn addresses_that_cannot_be_asked_are_refused_at_once() {
    let world = World::new();
    let error = |url: &str| run(&world.log, SubjectConfig::Server(url.into()), patient()).unwrap_err();
    for url in ["127.0.0.1:8080", "/users", "", "http://", "ftp://127.0.0.1", "http://h/?a=b", "https://h/?a=b"] {
        assert!(matches!(error(url), AuditError::InvalidServer { .. }), "{url}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let world = World::new();
    world.publish(&[profile("1", "ann")]);
    // Nothing listens on port 1, and no test can be given it.
    for url in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let error = run(&world.log, SubjectConfig::Server(url.into()), patient()).unwrap_err();
        assert!(matches!(error, AuditError::Unreachable { .. }), "{error}");
    }
}

#[test]
fn a_log_without_topics_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let log = crate::world::open_log(directory.path().join("log"));
    let error = run(&log, SubjectConfig::Server("http://127.0.0.1:1".into()), patient()).unwrap_err();
    assert!(matches!(error, AuditError::TopicMissing { topic: Topic::Users }), "{error}");
    assert!(error.to_string().contains("user-info topics create"), "{error}");
}
