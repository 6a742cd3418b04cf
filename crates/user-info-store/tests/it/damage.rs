//! What a store refuses: formats it does not know, bytes it did not write, counts that cannot be.

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamilyDescriptor, DB, Options};
use user_info_core::Relation;
use user_info_store::{Store, StoreError};

use crate::builders::*;
use crate::process::{contents_at, step};

/// Opens the database behind a store's back.
fn behind_the_back(path: &Path, more_families: &[&str], change: impl FnOnce(&DB)) {
    let path = path.join("generations/1");
    let names = DB::list_cf(&Options::default(), &path).unwrap();
    let names = names.iter().map(String::as_str).chain(more_families.iter().copied());
    let mut options = Options::default();
    options.create_missing_column_families(true);
    let families = names.map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
    let db = DB::open_cf_descriptors(&options, &path, families).unwrap();
    change(&db);
}

fn put(db: &DB, family: &str, key: &[u8], value: &[u8]) {
    db.put_cf(db.cf_handle(family).unwrap(), key, value).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    for more_families in [&[][..], &["something_new"]] {
        let directory = scratch();
        apply(&open(directory.path()), [follow("1", "2")]);
        behind_the_back(directory.path(), more_families, |db| put(db, "meta", b"format_version", &7_u32.to_le_bytes()));
        let url = url(directory.path());
        for refused in [Store::open(&url, &small()), Store::open_read_only(&url, &small())] {
            let error = refused.unwrap_err();
            assert!(matches!(error, StoreError::NewerFormat { found: 7, known: 1 }), "{error:?}");
            assert!(error.to_string().contains("use the version of user-info that wrote it"), "{error}");
        }
    }
}

#[test]
fn an_older_decoder_is_reported() {
    let directory = scratch();
    apply(&open(directory.path()), [follow("1", "2")]);
    behind_the_back(directory.path(), &[], |db| put(db, "meta", b"decoder_version", &0_u32.to_le_bytes()));
    let status = open(directory.path()).status().unwrap();
    assert_eq!((status.format_version, status.decoder_version), (1, 0));
    assert!(status.is_decoded_by_older_program());
}

#[test]
fn data_without_a_version_is_refused() {
    let directory = scratch();
    apply(&open(directory.path()), [follow("1", "2")]);
    behind_the_back(directory.path(), &[], |db| {
        let meta = db.cf_handle("meta").unwrap();
        db.delete_cf(meta, b"format_version").unwrap();
        db.delete_cf(meta, b"decoder_version").unwrap();
    });
    let refused = Store::open(&url(directory.path()), &small());
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
}

#[test]
fn a_count_below_zero_is_an_error_and_ends_writing() {
    let directory = scratch();
    apply(&open(directory.path()), [follow("1", "2"), profile("1", "ann", 1)]);
    behind_the_back(directory.path(), &[], |db| db.delete_cf(db.cf_handle("counts").unwrap(), b"2").unwrap());
    let store = open(directory.path());
    let before = contents(&store);
    let mut drifting = batch([unfollow("1", "2"), profile("1", "bob", 2)]);
    drifting.positions = vec![position(user_info_core::Topic::Follows, 0, 5)];
    let error = store.apply(&drifting).unwrap_err();
    assert!(matches!(error, StoreError::Drift(_)) && error.is_damage(), "{error:?}");
    assert_eq!(contents(&store), before, "nothing of the batch is visible");
    let refused = store.apply(&batch([follow("3", "4")]));
    assert!(matches!(&refused, Err(StoreError::Poisoned { reason }) if reason.contains("user 2")), "{refused:?}");
    assert!(store.status().unwrap().failure.unwrap().contains("user 2"));
    assert_eq!(owner_of(&store, "ann").as_deref(), Some("1"), "reads go on");
}

#[test]
fn values_and_keys_that_nobody_wrote_are_damage() {
    type Read = fn(&Store) -> Result<(), StoreError>;
    let cases: [(&str, &[u8], &[u8], Read); 8] = [
        ("profiles", b"1", b"\x01junk", |store| store.get(&id("1")).map(drop)),
        ("profiles", b"1", b"\x63", |store| store.apply(&batch([forget("1")]))),
        ("counts", b"1", b"", |store| store.get_many(&[id("2"), id("1")]).map(drop)),
        ("counts", b"a b", b"", |store| store.for_each_user(&mut |_| ())),
        ("members", b"\x09\x011", b"", |store| store.for_each_pair(&mut |_| ())),
        ("usernames", b"\x00\x03ann", b"", |store| store.find("ann").map(drop)),
        ("positions", b"\x01", b"", |store| store.positions().map(drop)),
        ("tainted", b"\x01key", b"\x02", |store| store.tainted().map(drop)),
    ];
    for (family, key, value, read) in cases {
        let directory = scratch();
        apply(&open(directory.path()), [follow("3", "4")]);
        behind_the_back(directory.path(), &[], |db| put(db, family, key, value));
        let store = open(directory.path());
        let error = read(&store).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }) && error.is_damage(), "{family}: {error:?}");
        assert_eq!(counts(&store, "4").followers, 1, "others are still served");
    }
}

#[test]
fn an_entry_of_the_index_is_a_hint() {
    let directory = scratch();
    apply(&open(directory.path()), [profile("1", "ann", 1), profile("2", "bob", 2), follow("3", "3")]);
    behind_the_back(directory.path(), &[], |db| {
        for user in ["2", "3", "4"] {
            put(db, "usernames", format!("\0\u{3}ann{user}").as_bytes(), b"");
        }
    });
    let store = open(directory.path());
    assert_eq!(owner_of(&store, "ann").as_deref(), Some("1"), "not who has another name, none, or never was");
}

#[test]
fn the_index_has_one_entry_for_each_profile() {
    let directory = scratch();
    let store = open(directory.path());
    (0..100).for_each(|number| store.apply(&step(number)).unwrap());
    drop(store);
    let named = contents_at(100).users.iter().filter(|record| record.profile.is_some()).count();
    behind_the_back(directory.path(), &[], |db| {
        let entries = db.iterator_cf(db.cf_handle("usernames").unwrap(), rocksdb::IteratorMode::Start);
        assert_eq!(entries.count(), named);
    });
}

/// Whatever byte of a data file is flipped: an error or the right answer, never a wrong one.
#[test]
fn flipped_bytes_are_found() {
    let directory = scratch();
    let store = open(directory.path());
    (0..150).for_each(|number| store.apply(&step(number)).unwrap());
    store.flush().unwrap();
    drop(store);
    let expected = contents_at(150);
    let mut refused = 0;
    for file in data_files(&directory.path().join("generations/1")) {
        let whole = fs::read(&file).unwrap();
        for part in 0..4 {
            let mut flipped = whole.clone();
            flipped[whole.len() * (2 * part + 1) / 8] ^= 0x40;
            fs::write(&file, flipped).unwrap();
            refused += u32::from(reads_right_or_not_at_all(directory.path(), &expected));
        }
        fs::write(&file, whole).unwrap();
    }
    assert!(refused > 0, "some of these bytes matter");
}

fn reads_right_or_not_at_all(path: &Path, expected: &Contents) -> bool {
    let read = || -> Result<Vec<_>, StoreError> {
        let store = Store::open(&url(path), &small())?;
        expected.users.iter().map(|record| store.get(&record.user)).collect()
    };
    match read() {
        Ok(records) => {
            assert!(records.into_iter().flatten().eq(expected.users.iter().cloned()));
            false
        }
        Err(error) => {
            assert!(error.is_damage(), "{error:?}");
            true
        }
    }
}

fn data_files(path: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let data: Vec<_> = files.filter(|file| file.extension().is_some_and(|extension| extension == "sst")).collect();
    assert!(!data.is_empty());
    data
}

#[test]
fn errors_say_what_to_do_and_not_twice_what_happened() {
    let directory = scratch();
    apply(&open(directory.path()), [add(Relation::Lists, "1", "l")]);
    behind_the_back(directory.path(), &[], |db| put(db, "counts", b"1", b"\x02"));
    let error = open(directory.path()).get(&id("1")).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("run `user-info rebuild`"), "{error}");
    assert!(!error.to_string().contains(&source), "{error}: {source}");
}
