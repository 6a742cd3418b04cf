//! Does the audit notice? Each patch in `tests/mutants` breaks one promise; the program is built with it, lives through a
//! scenario that needs the promise, and the program without it must find the damage.

use std::path::Path;

use user_info_log::NewRecord;

use crate::support::facts::{followed, liked, tweeted, unfollowed, user};
use crate::support::mutant::{Copy, patches_in};
use crate::support::program::Program;
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::world::World;
use crate::{redis_failover, redis_late_writer};

#[test]
fn the_audit_finds_what_every_mutant_does() {
    let _turn = turn::alone();
    assert_eq!(differences_after_a_life_with(&Program::under_test()), 0, "the program itself");
    let patches = patches_in("mutants");
    assert!(patches.len() >= 2, "{patches:?}");
    let copy = Copy::of_the_workspace();
    for patch in patches {
        check_noticed(&patch, differences_after_a_life_with(&copy.mutant(&patch)));
    }
}

/// What the program itself does in these scenarios is tested where they are.
#[test]
fn the_audit_finds_what_every_mutant_of_the_redis_store_does() {
    let _turn = turn::alone();
    let copy = Copy::of_the_workspace();
    for patch in patches_in("mutants/redis") {
        let mutant = copy.mutant(&patch);
        let differences = match patch.file_stem().and_then(|name| name.to_str()) {
            Some("plain-sets") => redis_late_writer::differences_with(&mutant),
            Some("unconditional-positions") => redis_failover::differences_with(&mutant),
            _ => panic!("no scenario needs what {} breaks", patch.display()),
        };
        check_noticed(&patch, differences);
    }
}

#[track_caller]
fn check_noticed(patch: &Path, differences: u64) {
    eprintln!("{}: {differences} differences", patch.display());
    assert!(differences > 0, "{} goes unnoticed", patch.display());
}

/// Facts that are said twice, over a restart as well, and follows that end.
fn differences_after_a_life_with(program: &Program) -> u64 {
    let world = World::embedded();
    let mut said: Vec<NewRecord> = vec![
        user("1", "one"),
        user("2", "two"),
        tweeted("1", "t1"),
        tweeted("1", "t2"),
        liked("2", "t1"),
        followed("1", "2"),
        followed("2", "1"),
    ];
    let mut server = world.replica("store").run_by(program);
    live(&world, &mut server, &said);
    live(&world, &mut server, &said);
    said.extend(unfollowed("1", "2"));
    live(&world, &mut server, &said);

    let audit = world.audit_store("store");
    let differences = audit.json()["differences"].as_u64().unwrap();
    assert_eq!(audit.status, i32::from(differences > 0), "{audit:?}");
    differences
}

fn live(world: &World, server: &mut Replica, said: &[NewRecord]) {
    world.publish(said);
    server.start();
    server.until_caught_up();
    server.stop();
}
