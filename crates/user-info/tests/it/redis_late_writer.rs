//! An instance is frozen with a batch in its hands, loses its partitions, and writes the batch when everybody else is long
//! past it: nothing changes, because every fact in it is older than what is there.
//!
//! It reads all partitions, so that it holds something of every kind, until another instance takes them over. To have it
//! frozen with a batch, the instance, which logs in to Redis as a user of its own, loses its permissions step by step: first
//! all of them, so that it waits with a little in its hands while everything about the others piles up behind; then all but
//! those for the little. What it waits with from then on is what piled up.

use user_info_log::NewRecord;
use user_info_testkit::{RedisConfig, RedisSecurity, RedisServer};

use crate::support::facts::{
    followed, forget, liked, list_created, list_deleted, tweet_deleted, tweeted, unfollowed, unliked, user,
};
use crate::support::kafka::shared_broker;
use crate::support::program::Program;
use crate::support::replica::Replica;
use crate::support::shared_store::{
    PREFIX, differences_in_answers, differences_in_store, instance, rewinds, until_read,
};
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::World;

/// So many that every partition has some of each kind.
const USERS: usize = 40;

/// Whom all of them follow, at first and then.
const FRIENDS: [&str; 2] = ["friend-one", "friend-two"];

/// What the first permission is missed for, and the second.
const NO_COMMAND: &str = "no permissions to run";
const NO_KEY: &str = "no permissions to access";

#[test]
fn a_batch_that_is_written_late_changes_nothing() {
    let _turn = turn::alone();
    assert_eq!(differences_with(&Program::under_test()), 0);
}

/// How many differences the audits find in the end.
pub(crate) fn differences_with(program: &Program) -> u64 {
    let broker = shared_broker();
    let name = program.path().file_name().unwrap().to_str().unwrap();
    let world = World::on(&broker, &format!("late-writer-{name}"));
    let redis = redis();
    let server = |account| instance(&world, &url(&redis, account)).run_by(program).started();
    let mut late = server("late");
    world.publish(&FRIENDS.map(|friend| user(friend, friend)));
    publish_to(&world, &late, &about_all(said_at_first));

    freeze_with_a_batch(&world, &redis, &mut late);
    let other = server("other");
    until_read(&other, &world.ends());
    publish_to(&world, &other, &about_all(said_in_the_end));
    write_late(&redis, &mut late);

    let instances = [late, other];
    instances.iter().for_each(|instance| until_read(instance, &world.ends()));
    let answers: u64 = instances.iter().map(|instance| differences_in_answers(&world, instance)).sum();
    let differences = answers + differences_in_store(&world, &url(&redis, "other"));
    instances.into_iter().for_each(|mut instance| instance.stop());
    differences
}

/// A server with an account for each instance.
fn redis() -> RedisServer {
    let account = |name: &str| format!("{name} on >{name}-secret ~* +@all");
    let security = RedisSecurity::Acl(vec![account("late"), account("other")]);
    RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap()
}

fn url(redis: &RedisServer, account: &str) -> String {
    format!("redis://{account}:{account}-secret@{}", redis.address())
}

#[track_caller]
fn publish_to(world: &World, instance: &Replica, records: &[NewRecord]) {
    world.publish(records);
    until_read(instance, &world.ends());
}

/// Freezes the instance while it tries to write what is said meanwhile about the users of its partitions.
fn freeze_with_a_batch(world: &World, redis: &RedisServer, late: &mut Replica) {
    permit(redis, &["-@all", "+ping"]);
    world.publish(&about_all(bait));
    until_it_waits(late, NO_COMMAND);
    world.publish(&about_all(said_meanwhile));
    let others = ["meta", "outbox", "tainted", "1:p:*", "1:{bait*", "1:n:bait*"];
    let patterns = others.map(|pattern| format!("~{PREFIX}:{pattern}"));
    let rules = ["+@all", "resetkeys"].into_iter().chain(patterns.iter().map(String::as_str));
    permit(redis, &rules.collect::<Vec<_>>());
    until_it_waits(late, NO_KEY);
    late.process().pause().unwrap();
}

/// Lets it go on, until it has written what it holds and hears that others have moved the positions since.
fn write_late(redis: &RedisServer, late: &mut Replica) {
    let before = rewinds(late);
    permit(redis, &["allkeys"]);
    late.process().resume().unwrap();
    until("the late batch is written", || match rewinds(late) - before {
        0 => Err(format!("not read again: {}", late.status())),
        _ => Ok(()),
    });
}

fn permit(redis: &RedisServer, rules: &[&str]) {
    redis.cli(&[&["acl", "setuser", "late"], rules].concat()).unwrap();
}

/// Waits until it says that it misses this permission.
fn until_it_waits(late: &Replica, permission: &str) {
    let reason = format!("the instance has {permission:?}");
    late.until_status(&reason, |status| {
        let errors = status["last_errors"].as_array().unwrap();
        let waits = |message: &str| message.contains("ingest waits") && message.contains(permission);
        errors.iter().any(|error| error["about"] == "store" && error["message"].as_str().is_some_and(waits))
    });
}

fn about_all(said: impl Fn(usize) -> Vec<NewRecord>) -> Vec<NewRecord> {
    (0..USERS).flat_map(said).collect()
}

/// A little about others.
fn bait(number: usize) -> Vec<NewRecord> {
    let who = format!("bait{number}");
    vec![
        user(&who, &who),
        tweeted(&who, &format!("{who}-tweet")),
        followed(&who, "bait-friend"),
        liked(&who, "bait-tweet"),
        list_created(&who, &format!("{who}-list")),
    ]
}

fn said_at_first(number: usize) -> Vec<NewRecord> {
    let who = format!("user{number}");
    vec![
        user(&who, &format!("{who}-one")),
        tweeted(&who, &format!("{who}-tweet")),
        followed(&who, FRIENDS[0]),
        liked(&who, "tweet-one"),
        list_created(&who, &format!("{who}-list")),
    ]
}

/// The opposite, and something new.
fn said_meanwhile(number: usize) -> Vec<NewRecord> {
    let who = format!("user{number}");
    let mut said = vec![
        if number % 4 == 1 { forget(&who) } else { user(&who, &format!("{who}-two")) },
        tweeted(&who, &format!("{who}-other-tweet")),
        followed(&who, FRIENDS[1]),
        liked(&who, "tweet-two"),
        list_created(&who, &format!("{who}-other-list")),
    ];
    said.extend(tweet_deleted(&who, &format!("{who}-tweet")));
    said.extend(unfollowed(&who, FRIENDS[0]));
    said.extend(unliked(&who, "tweet-one"));
    said.extend(list_deleted(&who, &format!("{who}-list")));
    said
}

/// The opposite again: as at first, but for the name, which somebody else had meanwhile, or the whole profile.
fn said_in_the_end(number: usize) -> Vec<NewRecord> {
    let (who, other) = (format!("user{number}"), (number + 1) % USERS);
    let mut said = said_at_first(number);
    said[0] = if number % 4 == 3 { forget(&who) } else { user(&who, &format!("user{other}-two")) };
    said.extend(tweet_deleted(&who, &format!("{who}-other-tweet")));
    said.extend(unfollowed(&who, FRIENDS[1]));
    said.extend(unliked(&who, "tweet-two"));
    said.extend(list_deleted(&who, &format!("{who}-other-list")));
    said
}
