//! Rebuilding into a fresh generation beside the current one.

use std::fs;
use std::path::Path;

use user_info_store::{Store, StoreError, begin_rebuild};

use crate::builders::*;
use crate::process::{Process, Role, contents_at, reached, step};

fn current(path: &Path) -> String {
    fs::read_to_string(path.join("CURRENT_GENERATION")).unwrap().trim().to_owned()
}

fn generations(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.join("generations")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fill(store: &Store, steps: i64) {
    (reached(store)..steps).for_each(|number| store.apply(&step(number)).unwrap());
}

#[test]
fn only_finishing_swaps_the_rebuilt_store_in() {
    let directory = scratch();
    let path = directory.path();
    let server = open(path);
    fill(&server, 30);
    let rebuild = begin_rebuild(&url(path), &small()).unwrap();
    fill(rebuild.store(), 400);
    assert_eq!(contents(rebuild.store()), contents_at(400));
    assert_eq!(current(path), "1");
    assert_eq!(contents(&Store::open_read_only(&url(path), &small()).unwrap()), contents_at(30));
    rebuild.finish().unwrap();
    assert_eq!(current(path), "2");
    fill(&server, 35);
    assert_eq!(contents(&server), contents_at(35), "a running server keeps its generation");
    assert_eq!(contents(&Store::open_read_only(&url(path), &small()).unwrap()), contents_at(400));
    assert!(matches!(Store::open(&url(path), &small()), Err(StoreError::Locked { .. })), "whatever its generation");
    drop(server);
    assert_eq!(generations(path), ["1", "2"]);
    let server = open(path);
    assert_eq!(contents(&server), contents_at(400));
    assert_eq!(server.status().unwrap().generation, Some(2));
    assert_eq!(generations(path), ["2"], "what was replaced is removed at the next start");
    fill(&server, 410);
    drop(server);
    assert_eq!(contents(&open(path)), contents_at(410), "after the swap, applied is durable");
}

#[test]
fn a_rebuild_that_is_dropped_leaves_nothing() {
    let directory = scratch();
    fill(&open(directory.path()), 10);
    let rebuild = begin_rebuild(&url(directory.path()), &small()).unwrap();
    fill(rebuild.store(), 20);
    drop(rebuild);
    assert_eq!(generations(directory.path()), ["1"]);
    assert_eq!(contents(&open(directory.path())), contents_at(10));
}

#[test]
fn a_rebuild_that_was_killed_is_discarded_by_the_next() {
    let directory = scratch();
    let path = directory.path();
    fill(&open(path), 10);
    let process = Process::start(Role::Rebuild, path);
    process.wait_for("ready");
    assert!(matches!(begin_rebuild(&url(path), &small()), Err(StoreError::RebuildRunning { .. })));
    process.kill();
    assert_eq!(contents(&open(path)), contents_at(10));
    assert_eq!(generations(path), ["1", "2"]);
    let rebuild = begin_rebuild(&url(path), &small()).unwrap();
    assert!(contents(rebuild.store()).users.is_empty(), "begun anew");
    fill(rebuild.store(), 15);
    rebuild.finish().unwrap();
    assert_eq!(contents(&open(path)), contents_at(15));
}

#[test]
fn one_rebuild_at_a_time() {
    let directory = scratch();
    let first = begin_rebuild(&url(directory.path()), &small()).unwrap();
    let second = begin_rebuild(&url(directory.path()), &small());
    assert!(matches!(second, Err(StoreError::RebuildRunning { .. })), "{second:?}");
    drop(first);
    begin_rebuild(&url(directory.path()), &small()).unwrap().finish().unwrap();
}

#[test]
fn a_store_may_begin_with_a_rebuild() {
    let directory = scratch();
    let path = directory.path();
    let rebuild = begin_rebuild(&url(path), &small()).unwrap();
    fill(rebuild.store(), 25);
    assert!(matches!(Store::open_read_only(&url(path), &small()), Err(StoreError::Missing { .. })));
    let server = open(path);
    assert!(contents(&server).users.is_empty(), "a server may start meanwhile");
    rebuild.finish().unwrap();
    drop(server);
    assert_eq!(contents(&open(path)), contents_at(25));
}

#[test]
fn a_finished_rebuild_takes_no_more_writes() {
    let directory = scratch();
    let rebuild = begin_rebuild(&url(directory.path()), &small()).unwrap();
    let clone = rebuild.store().clone();
    fill(&clone, 5);
    rebuild.finish().unwrap();
    assert!(matches!(clone.apply(&step(5)), Err(StoreError::Poisoned { .. })));
    assert_eq!(contents(&clone), contents_at(5));
}

#[test]
fn rebuilds_follow_each_other() {
    let directory = scratch();
    for round in 1..=3 {
        let rebuild = begin_rebuild(&url(directory.path()), &small()).unwrap();
        fill(rebuild.store(), round * 10);
        rebuild.finish().unwrap();
        assert_eq!(
            contents(&Store::open_read_only(&url(directory.path()), &small()).unwrap()),
            contents_at(round * 10)
        );
    }
    assert_eq!(contents(&open(directory.path())), contents_at(30));
    assert_eq!(generations(directory.path()), ["4"]);
}

/// The instants between the steps of creating and of swapping, as a crash leaves them.
#[test]
fn every_half_done_step_is_mended() {
    let directory = scratch();
    let path = directory.path();
    // Named, not created.
    fs::create_dir_all(path.join("generations")).unwrap();
    fs::write(path.join("CURRENT_GENERATION"), "1\n").unwrap();
    fill(&open(path), 10);
    // A new name half written, never moved.
    fs::write(path.join("CURRENT_GENERATION.new"), "").unwrap();
    // A rebuild that had just created its directory.
    fs::create_dir(path.join("generations/2")).unwrap();
    assert_eq!(contents(&open(path)), contents_at(10));
    let rebuild = begin_rebuild(&url(path), &small()).unwrap();
    fill(rebuild.store(), 20);
    rebuild.finish().unwrap();
    // The old generation half removed.
    fs::remove_file(path.join("generations/1/CURRENT")).unwrap();
    assert_eq!(contents(&open(path)), contents_at(20));
    assert_eq!(generations(path), ["2"]);
}

#[test]
fn a_directory_that_lost_a_part_is_refused_not_emptied() {
    let directory = scratch();
    let path = directory.path();
    begin_rebuild(&url(path), &small()).unwrap().finish().unwrap();
    let name = path.join("CURRENT_GENERATION");
    let refused = || Store::open(&url(path), &small()).unwrap_err();
    fs::write(&name, "two").unwrap();
    assert!(matches!(refused(), StoreError::Incomplete { .. }));
    fs::write(&name, "3").unwrap();
    assert!(matches!(refused(), StoreError::Incomplete { .. }));
    fs::remove_file(&name).unwrap();
    assert!(refused().to_string().contains("the newest generation is 2"), "{}", refused());
    assert!(matches!(begin_rebuild(&url(path), &small()), Err(StoreError::Incomplete { .. })));
    fs::write(&name, "2").unwrap();
    open(path);
}
