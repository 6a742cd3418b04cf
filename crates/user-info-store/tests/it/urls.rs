//! How stores are named.

use user_info_store::{Store, StoreError, StoreUrl};

use crate::builders::url;

#[test]
fn urls_round_trip() {
    for text in ["memory:", "rocksdb:./data", "rocksdb:/var/lib/user-info", "rocksdb:a b:c"] {
        let parsed: StoreUrl = text.parse().unwrap();
        assert_eq!(parsed.to_string(), text);
    }
    assert_eq!("rocksdb:./data".parse::<StoreUrl>().unwrap(), url("./data".as_ref()));
}

#[test]
fn what_is_no_store_is_refused_with_what_is_right() {
    for text in ["", "rocksdb", "rocksdb:", "rocksdb://data", "memory", "memory:x", "redis://localhost", "./data"] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert!(matches!(&error, StoreError::InvalidUrl { url, .. } if url == text), "{error:?}");
        assert!(error.to_string().contains("rocksdb:"), "{error}");
    }
}

#[test]
fn a_memory_store_is_opened_empty_and_belongs_to_its_process() {
    let store = Store::open(&StoreUrl::Memory, &Default::default()).unwrap();
    assert!(store.positions().unwrap().is_empty());
    assert!(matches!(Store::open_read_only(&StoreUrl::Memory), Err(StoreError::MemoryIsPrivate)));
}
