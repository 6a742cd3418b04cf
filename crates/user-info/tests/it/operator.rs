//! Where a server keeps what the operator's page shows over time.

use std::path::Path;

use crate::support::facts::user;
use crate::support::world::World;

/// A server that ran and was stopped.
fn run(world: &World, options: &[&str]) {
    let mut server = world.replica("store").with(options).started();
    server.until_caught_up();
    let page = server.admin("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    server.stop();
}

#[test]
fn the_history_is_kept_beside_the_store_or_where_it_should_be() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    run(&world, &[]);
    let beside = world.path("store.history");
    assert!(beside.is_file(), "{}", beside.display());

    let elsewhere = world.path("elsewhere");
    run(&world, &["--history", elsewhere.to_str().unwrap()]);
    assert!(is_history(&elsewhere) && is_history(&beside));
}

fn is_history(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"user-info history 1 "))
}
