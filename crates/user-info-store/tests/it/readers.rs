//! Opening read-only, beside a writer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use user_info_store::{Batch, Store, StoreError};

use crate::builders::*;
use crate::process::{Process, Role, contents_at, step};

fn view(path: &Path) -> Store {
    Store::open_read_only(&url(path), &small()).unwrap()
}

#[test]
fn a_reader_keeps_the_view_it_was_opened_with() {
    let directory = scratch();
    let store = open(directory.path());
    (0..200).for_each(|number| store.apply(&step(number)).unwrap());
    let early = view(directory.path());
    (200..900).for_each(|number| store.apply(&step(number)).unwrap());
    store.flush().unwrap();
    let late = view(directory.path());
    drop(store);
    assert_eq!(contents(&early), contents_at(200));
    assert_eq!(contents(&late), contents_at(900));
    let record = contents(&late).users.into_iter().find(|record| record.profile.is_some()).unwrap();
    assert_eq!(late.get(&record.user).unwrap(), Some(record.clone()));
    assert!(late.find(&record.profile.unwrap().profile.username).unwrap().is_some());
    assert_eq!(late.outbox_len().unwrap(), contents_at(900).outbox.len());
}

#[test]
fn a_reader_beside_a_busy_writer_sees_a_prefix() {
    const VIEWS: usize = 5;
    const STEPS_BETWEEN_VIEWS: i64 = 1_000;
    let directory = scratch();
    let writer = Process::start(Role::WriteBuffered, directory.path());
    let mut reached = 0;
    for _ in 0..VIEWS {
        let said = writer.wait_for_step(reached + STEPS_BETWEEN_VIEWS);
        let seen = contents(&view(directory.path()));
        reached = seen.positions[0].next_offset;
        assert!(reached >= said, "{reached} is before {said}");
        assert_eq!(seen, contents_at(reached));
    }
    writer.kill();
    let flushed = files(directory.path()).keys().any(|path| path.extension().is_some_and(|it| it == "sst"));
    assert!(flushed, "the writer had no reason to delete a log");
}

#[test]
fn a_reader_writes_nothing() {
    let directory = scratch();
    let store = open(directory.path());
    (0..300).for_each(|number| store.apply(&step(number)).unwrap());
    drop(store);
    let before = files(directory.path());
    let reader = view(directory.path());
    assert!(matches!(reader.apply(&step(300)), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.apply(&Batch::default()), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.sent(&[]), Err(StoreError::ReadOnly)));
    reader.flush().unwrap();
    assert!(reader.status().unwrap().disk_bytes > 0);
    assert_eq!(contents(&reader), contents_at(300));
    drop(reader);
    assert_eq!(files(directory.path()), before);
}

#[test]
fn readers_do_not_keep_a_writer_out() {
    let directory = scratch();
    open(directory.path()).apply(&step(0)).unwrap();
    let _reader = view(directory.path());
    open(directory.path()).apply(&step(1)).unwrap();
}

#[test]
fn a_reader_of_nothing_is_refused_and_creates_nothing() {
    let directory = scratch();
    for path in [directory.path().join("absent"), directory.path().to_path_buf()] {
        let refused = Store::open_read_only(&url(&path), &small());
        assert!(matches!(refused, Err(StoreError::Missing { path: ref missing }) if *missing == path), "{refused:?}");
    }
    assert!(files(directory.path()).is_empty());
    std::fs::write(directory.path().join("CURRENT_GENERATION"), "1\n").unwrap();
    let refused = Store::open_read_only(&url(directory.path()), &small());
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "named but not created yet: {refused:?}");
}

/// Every file below `path` with its bytes.
fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}
