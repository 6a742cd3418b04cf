//! How stores are named.

use user_info_store::{Store, StoreError, StoreOptions, StoreUrl};

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
    for text in
        ["", "rocksdb", "rocksdb:", "rocksdb://data", "memory", "memory:x", "redis://", "redis:localhost", "./data"]
    {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert!(matches!(&error, StoreError::InvalidUrl { url, .. } if url == text), "{error:?}");
        assert!(["rocksdb:", "redis://"].iter().any(|right| error.to_string().contains(right)), "{error}");
    }
}

#[test]
fn a_memory_store_is_opened_empty_and_belongs_to_its_process() {
    let store = Store::open(&StoreUrl::Memory, &Default::default()).unwrap();
    assert!(store.positions().unwrap().is_empty());
    assert!(matches!(
        Store::open_read_only(&StoreUrl::Memory, &StoreOptions::default()),
        Err(StoreError::MemoryIsPrivate)
    ));
}

#[test]
fn places_in_redis_are_named_like_this() {
    for (text, shown) in [
        ("redis://localhost", "redis://localhost:6379"),
        ("redis://[::1]:7000/3", "redis://[::1]:7000/3"),
        ("rediss://ann:secret@redis.example:6380", "rediss://redis.example:6380"),
        ("redis-cluster://10.0.0.1:7001,10.0.0.2:7002", "redis-cluster://10.0.0.1:7001,10.0.0.2:7002"),
        ("rediss-cluster://:se%40cret@a:1,b:2/0", "rediss-cluster://a:1,b:2"),
    ] {
        let parsed: StoreUrl = text.parse().unwrap();
        assert_eq!(parsed.to_string(), shown);
        assert!(!format!("{parsed:?}").contains("cret"), "passwords are not shown");
    }
    let StoreUrl::Redis(url) = "redis://ann:se%40cr:et@localhost".parse().unwrap() else { panic!("not Redis") };
    assert_eq!((url.username.as_deref(), url.password.as_deref()), (Some("ann"), Some("se@cr:et")));
}

#[test]
fn what_redis_is_not_is_refused_without_showing_the_password() {
    for text in [
        "redis://a:1,b:2",
        "redis-cluster://a:1/1",
        "redis://a:0",
        "redis://a:66000",
        "redis://ann:secret@",
        "redis://ann:secret@a:x",
        "redis://a/x",
        "redis://a b",
    ] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert!(matches!(error, StoreError::InvalidUrl { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
