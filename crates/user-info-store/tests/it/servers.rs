//! Real Redis servers, shared by the tests that do them no harm. Each test has keys of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use user_info_store::{RedisOptions, Store, StoreOptions, StoreUrl};
use user_info_testkit::{ClusterConfig, RedisCluster, RedisConfig, RedisServer};

static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
static CLUSTER: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());

/// A store and the server or cluster that it is in, which ends with the last test that uses it.
pub(crate) struct Hosted<T> {
    store: Store,
    _host: Arc<T>,
}

impl<T> std::ops::Deref for Hosted<T> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

fn shared<T>(place: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut shared = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let started = Arc::new(start());
    *shared = Arc::downgrade(&started);
    started
}

/// Keys that no other test of this run has.
pub(crate) fn own_keys() -> StoreOptions {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("test{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
    StoreOptions { redis: RedisOptions { prefix, ..RedisOptions::default() }, ..StoreOptions::default() }
}

pub(crate) fn store_at(url: &str, options: &StoreOptions) -> Store {
    let url: StoreUrl = url.parse().unwrap();
    Store::open(&url, options).unwrap()
}

/// An empty store on a server.
pub(crate) fn on_a_server() -> Hosted<RedisServer> {
    let host = shared(&SERVER, || RedisServer::start(&RedisConfig::default()).unwrap());
    Hosted { store: store_at(&host.url(), &own_keys()), _host: host }
}

/// An empty store on a cluster of three masters and three replicas.
pub(crate) fn on_a_cluster() -> Hosted<RedisCluster> {
    let host = shared(&CLUSTER, || RedisCluster::start(&ClusterConfig::default()).unwrap());
    Hosted { store: store_at(&host.url(), &own_keys()), _host: host }
}
