//! What clients and operators see of a service whose records are in Redis: the same as in RocksDB, and when Redis falls silent
//! each API says so in its own words.

use user_info_core::AccountState;
use user_info_store::{Store, StoreOptions};
use user_info_testkit::{RedisConfig, RedisServer, eventually};

use crate::facts::{followed, liked, tweeted, user, user_in_state};
use crate::server::{LIMIT, Server, World, config};

const TARGETS: [&str; 9] = [
    "/users/1",
    "/users?ids=1,2,3,4",
    "/1.1/users/show.json?user_id=1",
    "/1.1/users/show.json?screen_name=NAME-2",
    "/1.1/users/lookup.json?user_id=1,3&screen_name=name-2,nobody",
    "/2/users/1?user.fields=public_metrics,description",
    "/2/users/3",
    "/2/users/by?usernames=name-1,name-4,nobody",
    "/@name-1",
];

fn on_redis(redis: &RedisServer, world: &World) -> Server {
    let store = Store::open(&redis.url().parse().unwrap(), &StoreOptions::default()).unwrap();
    Server::start(config(), &world.log, store)
}

#[test]
fn every_api_says_the_same_from_either_store() {
    let (world, redis) = (World::new(), RedisServer::start(&RedisConfig::default()).unwrap());
    world.publish(&[
        user("1"),
        user("2"),
        user_in_state("3", AccountState::Suspended),
        user_in_state("4", AccountState::Deactivated),
        followed("2", "1"),
        tweeted("1", "a"),
        liked("2", "a"),
    ]);
    let (in_rocksdb, in_redis) = (world.start_with(config()), on_redis(&redis, &world));
    in_rocksdb.until_caught_up(&world.log);
    in_redis.until_caught_up(&world.log);
    for target in TARGETS {
        let (one, other) = (in_rocksdb.get(target), in_redis.get(target));
        assert_eq!((one.status, one.text()), (other.status, other.text()), "{target}");
    }
}

#[test]
fn when_redis_falls_silent_each_api_and_the_operators_page_say_so() {
    let (world, mut redis) = (World::new(), RedisServer::start(&RedisConfig::default()).unwrap());
    world.publish(&[user("1")]);
    let server = on_redis(&redis, &world);
    server.until_caught_up(&world.log);
    redis.pause().unwrap();
    server.until_status("/users/1", 503).check_problem(503, "store-unavailable");
    let show = server.get("/1.1/users/show.json?user_id=1");
    assert_eq!((show.status, &show.json()["errors"][0]["code"]), (503, &130.into()), "{show:?}");
    let user = server.get("/2/users/1");
    assert_eq!((user.status, user.header("content-type")), (503, Some("application/problem+json")), "{user:?}");
    for answer in [&show, &user] {
        assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
    }
    eventually(LIMIT, "the page tells", || {
        let page = server.admin("/");
        page.status == 200 && page.text().contains("Not healthy") && page.text().contains("The store does not answer: ")
    });
    redis.resume().unwrap();
    server.until_status("/1.1/users/show.json?user_id=1", 200);
    eventually(LIMIT, "all is well again", || server.admin("/").text().contains("Healthy · user-info"));
}
