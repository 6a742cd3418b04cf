//! The stores: where the state that the topics add up to lives, ready to be read.
//!
//! A [`Batch`] carries changes in log order together with the positions that they lead to, and becomes visible and
//! durable whole or not at all. So a restart reads the positions and goes on there, and no other bookkeeping exists.
//! Three backends keep one contract, which one suite tests on all: [`RocksStore`] inside the process, [`RedisStore`] shared
//! by many, and [`MemoryStore`], the naive model that the others are compared with.
//!
//! Invariant: the state equals the fold of everything before the stored positions, at any instant that a reader or a
//! restart can see.
//!
//! Suggested reading order: [`batch`], [`record`], [`store`], [`memory`], [`rocks`], [`generations`],
//! [`redis_store`].

pub mod batch;
pub mod record;
pub mod store;

pub mod memory;

pub mod generations;
mod keys;
pub mod options;
pub mod rebuild;
pub mod redis_store;
pub mod rocks;
mod values;

pub mod error;
pub mod url;

pub use batch::{Batch, Cleared, DeadLetter, Decision, Origin, Position, Taint, TaintedKey, is_complete};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use options::{ClientCertificate, RedisOptions, RocksOptions, StoreOptions};
pub use rebuild::{Rebuild, begin_rebuild};
pub use record::{StoreStatus, UserRecord, WriteFlow};
pub use redis_store::{RedisStore, Subscriber, remove_keys};
pub use rocks::RocksStore;
pub use store::Store;
pub use url::{RedisUrl, StoreUrl, without_password};
