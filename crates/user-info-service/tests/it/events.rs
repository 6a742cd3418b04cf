//! Live counts: a user's record now and after each change, over a real connection.

use std::time::Duration;

use serde_json::{Value, json};
use user_info_core::AccountState;
use user_info_service::ServiceConfig;
use user_info_service::events::EventLimits;
use user_info_testkit::eventually;

use crate::facts::{followed, forget, tweeted, user, user_in_state};
use crate::http::Connection;
use crate::server::{LIMIT, Server, World, config};

/// A stream of one user's events.
struct Stream(Connection);

/// An event as it came.
#[derive(Debug)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Stream {
    #[track_caller]
    fn open(server: &Server, user: &str, headers: &[(&str, &str)]) -> Self {
        Self::open_at(server, &format!("/users/{user}/events"), headers)
    }

    #[track_caller]
    fn open_at(server: &Server, target: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = Connection::open(server.public);
        let head = connection.open_stream(target, headers);
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert_eq!(head.header("cache-control"), Some("no-cache"));
        assert!(head.header("user-info-positions").is_some() && head.header("user-info-age-ms").is_some());
        Self(connection)
    }

    /// The next event, comments left out; `None` when the stream has ended.
    fn next(&mut self) -> Option<Event> {
        loop {
            let chunk = self.0.chunk()?;
            assert!(chunk.ends_with("\n\n"), "an event ends with a blank line: {chunk:?}");
            let field = |name: &str| {
                let line = chunk.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                line.map(str::to_owned)
            };
            if let (Some(id), Some(kind), Some(data)) = (field("id"), field("event"), field("data")) {
                return Some(Event { id, kind, data: serde_json::from_str(&data).unwrap() });
            }
            assert!(chunk.lines().any(|line| line.starts_with(": age ")), "neither an event nor a comment: {chunk:?}");
        }
    }

    #[track_caller]
    fn user(&mut self) -> Value {
        let event = self.next().expect("an event");
        assert_eq!(event.kind, "user", "{event:?}");
        event.data
    }
}

fn started(world: &World, config: ServiceConfig) -> Server {
    world.publish(&[user("1"), user("2")]);
    let server = world.start_with(config);
    server.until_caught_up(&world.log);
    server
}

fn with(events: EventLimits) -> ServiceConfig {
    ServiceConfig { events, ..config() }
}

#[test]
fn the_record_comes_now_and_after_each_change() {
    let world = World::new();
    let server = started(&world, config());
    let mut streams = ["1", "2"].map(|user| Stream::open(&server, user, &[]));
    for (stream, user) in streams.iter_mut().zip(["1", "2"]) {
        let answer = server.get(&format!("/users/{user}"));
        let first = stream.next().unwrap();
        assert_eq!((first.kind.as_str(), first.data), ("user", answer.json()));
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", first.id).as_str()), "the id is the entity tag");
    }
    world.publish(&[followed("1", "2")]);
    assert_eq!(streams[0].user()["following_count"], 1);
    assert_eq!(streams[1].user()["followers_count"], 1);
    // What changes nothing is no event.
    world.publish(&[followed("1", "2"), tweeted("2", "t")]);
    server.until_caught_up(&world.log);
    world.publish(&[tweeted("1", "a")]);
    assert_eq!(streams[0].user()["tweet_count"], 1);
    assert_eq!(streams[1].user()["tweet_count"], 1);
    server.stop().unwrap();
    assert!(streams.iter_mut().all(|stream| stream.next().is_none()), "a service that stops ends its streams");
}

#[test]
fn who_asks_for_some_fields_hears_of_changes_of_those() {
    let world = World::new();
    let server = started(&world, config());
    let target = "/users/1/events?fields=followers_count,tweet_count";
    let mut stream = Stream::open_at(&server, target, &[]);
    let first = stream.next().unwrap();
    assert_eq!(first.data, json!({ "tweet_count": 0, "followers_count": 0 }));
    let masked = server.get("/users/1?fields=followers_count,tweet_count");
    assert_eq!(masked.header("etag"), Some(format!("\"{}\"", first.id).as_str()), "the id is the entity tag");
    // The first changes another field.
    world.publish(&[followed("1", "2")]);
    server.until_caught_up(&world.log);
    world.publish(&[followed("2", "1")]);
    assert_eq!(stream.user(), json!({ "tweet_count": 0, "followers_count": 1 }));
    assert_eq!(Stream::open(&server, "1", &[]).user()["following_count"], 1);
    server.get("/users/1/events?fields=nothing").check_problem(400, "bad-request");
}

#[test]
fn who_comes_back_hears_only_what_is_new() {
    let world = World::new();
    let server = started(&world, config());
    let known = Stream::open(&server, "1", &[]).next().unwrap().id;
    let mut again = Connection::open(server.public);
    again.open_stream("/users/1/events", &[("last-event-id", &known)]);
    assert_eq!(again.chunk().unwrap(), "retry: 2000\n: age 0 ms\n\n", "it sees that it is connected");
    world.publish(&[tweeted("1", "a")]);
    let mut again = Stream(again);
    assert_eq!(again.user()["tweet_count"], 1);
    let mut late = Stream::open(&server, "1", &[("last-event-id", &known)]);
    assert_eq!(late.user()["tweet_count"], 1);
}

#[test]
fn a_user_who_goes_and_comes_back_is_told_of() {
    let world = World::new();
    let server = started(&world, config());
    let mut stream = Stream::open(&server, "1", &[]);
    stream.user();
    for (state, name) in [(AccountState::Suspended, "suspended"), (AccountState::Deactivated, "deactivated")] {
        world.publish(&[user_in_state("1", state)]);
        let event = stream.next().unwrap();
        assert_eq!((event.kind.as_str(), &event.data["state"]), ("withheld", &name.into()), "{event:?}");
    }
    world.publish(&[forget("1")]);
    let event = stream.next().unwrap();
    assert_eq!((event.kind.as_str(), event.data), ("unknown", serde_json::json!({"user_id": "1"})));
    world.publish(&[user("1")]);
    assert_eq!(stream.user()["username"], "name-1");
}

#[test]
fn who_reads_slowly_gets_the_latest_record_and_no_queue() {
    let world = World::new();
    let server = started(&world, config());
    let mut stream = Stream::open(&server, "1", &[]);
    for round in 0..20 {
        let tweets: Vec<_> = (0..100).map(|tweet| tweeted("1", &format!("{round}-{tweet}"))).collect();
        world.publish(&tweets);
        server.until_caught_up(&world.log);
    }
    world.publish(&[tweeted("1", "last")]);
    let mut events = 0;
    while stream.user()["tweet_count"] != 2_001 {
        events += 1;
    }
    assert!(events < 200, "{events} events for 2,001 changes");
    assert_eq!(server.metrics.events.open.get(), 1);
}

#[test]
fn silence_is_broken_by_comments() {
    let world = World::new();
    let limits = EventLimits { heartbeat: Duration::from_millis(20), ..EventLimits::default() };
    let server = started(&world, with(limits));
    let mut connection = Connection::open(server.public);
    connection.open_stream("/users/1/events", &[]);
    assert!(connection.chunk().unwrap().starts_with("retry: 2000\nid: "));
    for _ in 0..5 {
        assert_eq!(connection.chunk().unwrap(), ": age 0 ms\n\n");
    }
    assert_eq!(server.metrics.events.open.get(), 1);
    drop(connection);
    eventually(LIMIT, "who has gone is counted off", || server.metrics.events.open.get() == 0);
}

#[test]
fn who_cannot_be_shown_has_no_stream() {
    let world = World::new();
    // A client that went away is noticed when it is written to.
    let limits = EventLimits { streams_max: 1, heartbeat: Duration::from_millis(20), ..EventLimits::default() };
    let server = started(&world, with(limits));
    world.publish(&[user_in_state("3", AccountState::Suspended)]);
    server.until_caught_up(&world.log);
    server.get("/users/nobody/events").check_problem(404, "unknown-user");
    server.get("/users/3/events").check_problem(403, "user-suspended");
    server.get("/users/1/events/more").check_problem(404, "no-such-path");
    let mut only = Stream::open(&server, "1", &[]);
    only.user();
    let refused = server.get("/users/2/events");
    refused.check_problem(503, "too-many-streams");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(server.metrics.events.refused.get(), 1);
    drop(only);
    server.until_status("/users/nobody/events", 404);
}
