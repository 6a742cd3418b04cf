//! Crashes: what a killed process, a full disk or a lost end of the log leave is an earlier state, whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use user_info_store::Store;

use crate::builders::*;
use crate::process::{Process, Role, contents_at, reached, step};

fn assert_is_a_prefix(store: &Store) -> i64 {
    let next_step = reached(store);
    assert_eq!(contents(store), contents_at(next_step), "after {next_step} steps");
    next_step
}

#[test]
fn a_killed_process_leaves_everything_it_had_applied() {
    let directory = scratch();
    for round in 0..cases(5, 100) {
        let process = Process::start(Role::Write, directory.path());
        let steps_more = [3, 250, 40, 800, 90][round as usize % 5];
        let stood = reached(&open_read_only_or_empty(directory.path()));
        let seen = process.wait_for_step(stood + steps_more);
        let last = process.kill().unwrap_or(seen);
        let store = open(directory.path());
        assert!(assert_is_a_prefix(&store) >= last, "what was acknowledged survives a kill");
        assert_eq!(store.outbox_len().unwrap(), store.outbox(usize::MAX).unwrap().len());
    }
}

fn open_read_only_or_empty(path: &Path) -> Store {
    Store::open_read_only(&url(path), &small()).unwrap_or_else(|_| memory())
}

/// What a power cut does: the end of the newest log is lost, at any byte.
#[test]
fn a_lost_end_of_the_log_leaves_an_earlier_state() {
    let directory = scratch();
    // Small buffers would start a new log every few steps, with nothing in it to lose yet.
    let process = Process::start(Role::WriteBuffered, directory.path());
    process.wait_for_step(600);
    process.kill();
    let log = newest_log(&generation(directory.path()));
    let full = fs::metadata(&log).unwrap().len();
    let mut reached = Vec::new();
    for part in 0..=cases(6, 60) {
        let copy = scratch();
        copy_directory(directory.path(), copy.path());
        let length = full * u64::from(part) / u64::from(cases(6, 60));
        let cut = generation(copy.path()).join(log.file_name().unwrap());
        File::options().write(true).open(cut).unwrap().set_len(length).unwrap();
        reached.push(assert_is_a_prefix(&open(copy.path())));
    }
    assert!(reached.is_sorted() && reached.first() < reached.last(), "{reached:?}");
}

#[test]
fn a_store_goes_on_after_the_disk_was_full() {
    let directory = scratch();
    let process = Process::start_with_file_limit(Role::FillTheDisk, directory.path(), 1024);
    let seen: i64 = process.wait_for("refused").parse().unwrap();
    process.kill();
    let store = open(directory.path());
    let next_step = assert_is_a_prefix(&store);
    assert!(next_step >= seen);
    store.apply(&step(next_step)).unwrap();
    assert_is_a_prefix(&store);
}

fn generation(path: &Path) -> PathBuf {
    path.join("generations").join("1")
}

fn newest_log(path: &Path) -> PathBuf {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "log")).max().unwrap()
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
