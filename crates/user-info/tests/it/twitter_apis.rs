//! The options of Twitter's APIs and of rate limits, on the running program.

use user_info_core::AccountState;

use crate::support::facts::{user, user_in_state};
use crate::support::world::World;

#[test]
fn the_operator_chooses_limits_and_how_v2_answers_about_who_is_not_there() {
    let world = World::embedded();
    world.publish(&[user("1", "one"), user_in_state("2", "two", AccountState::Suspended)]);
    let plain = world.replica("plain").started();
    plain.until_caught_up();
    assert_eq!(plain.get("/1.1/users/show.json?screen_name=ONE").json()["id"], 1);
    assert_eq!(plain.get("/2/users/by/username/one").json()["data"]["id"], "1");
    let unknown = plain.get("/2/users/9");
    assert_eq!((unknown.status, unknown.header("x-rate-limit-limit")), (200, Some("900")));
    drop(plain);

    let options = ["--v2-missing-user", "404", "--rate-limit", "3", "--rate-limit-window", "1000h"];
    let server = world.replica("limited").with(&options).with(&["--rate-limit-by", "address"]).started();
    server.until_caught_up();
    assert_eq!(server.get("/2/users/9").status, 404);
    assert_eq!(server.get("/2/users/2").status, 403);
    assert_eq!(server.get("/users/1").header("x-rate-limit-remaining"), Some("0"));
    let refused = server.get("/1.1/users/show.json?user_id=1");
    assert_eq!((refused.status, &refused.json()["errors"][0]["code"]), (429, &88.into()));
}
