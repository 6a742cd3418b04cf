//! Opening again, and opening twice.

use std::sync::Barrier;
use std::thread;

use user_info_store::{Store, StoreError};

use crate::builders::*;
use crate::process::{Process, Role, contents_at, step};

#[test]
fn a_reopened_store_holds_what_was_applied() {
    for flushed in [false, true] {
        let directory = scratch();
        let store = open(directory.path());
        (0..100).for_each(|number| store.apply(&step(number)).unwrap());
        if flushed {
            store.flush().unwrap();
        }
        drop(store);
        let store = open(directory.path());
        assert_eq!(contents(&store), contents_at(100));
        assert_eq!(store.outbox_len().unwrap(), contents_at(100).outbox.len());
        store.apply(&step(100)).unwrap();
        assert_eq!(contents(&store), contents_at(101));
    }
}

#[test]
fn a_second_writer_is_refused_in_the_same_process() {
    let directory = scratch();
    let store = open(directory.path());
    let clone = store.clone();
    drop(store);
    let refused = Store::open(&url(directory.path()), &small());
    assert!(matches!(refused, Err(StoreError::Locked { ref path }) if path == directory.path()), "{refused:?}");
    drop(clone);
    open(directory.path());
}

#[test]
fn a_second_writer_is_refused_from_another_process_until_that_is_killed() {
    let directory = scratch();
    let process = Process::start(Role::Hold, directory.path());
    process.wait_for("ready");
    assert!(matches!(Store::open(&url(directory.path()), &small()), Err(StoreError::Locked { .. })));
    process.kill();
    open(directory.path());
}

#[test]
fn a_store_that_is_just_being_closed_is_waited_for() {
    let directory = scratch();
    let store = open(directory.path());
    let both_are_here = Barrier::new(2);
    thread::scope(|scope| {
        let opening = scope.spawn(|| {
            both_are_here.wait();
            Store::open(&url(directory.path()), &small())
        });
        both_are_here.wait();
        drop(store);
        opening.join().unwrap().unwrap();
    });
}

#[test]
fn a_path_that_cannot_be_a_directory_is_an_error_with_the_path() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&url(&file), &small()).unwrap_err();
    assert!(matches!(&error, StoreError::Io { path, .. } if path.starts_with(&file)), "{error:?}");
}
