//! The pure core of the User Information Service: what a fact is, what it changes, and what is stored.
//!
//! Data in, data out. Nothing here reads a clock, does IO, awaits or draws random numbers; the manifest has no crate
//! that could. Offsets and times are arguments. Every other crate meets the topics through these types.
//!
//! Suggested reading order: [`id`], [`timestamp`], [`topic`], [`key`], [`profile`], [`fact`], [`mod@decode`],
//! [`change`], [`fold`], [`counts`], [`stored`]. [`v1_date`] is how Twitter writes times.

pub mod change;
pub mod counts;
pub mod decode;
pub mod fact;
pub mod fold;
pub mod id;
pub mod key;
pub mod profile;
pub mod stored;
pub mod timestamp;
pub mod topic;
pub mod v1_date;

pub use change::{Change, Pair, Relation};
pub use counts::{CountDelta, Counts, Drift};
pub use decode::{BadRecord, DECODER_VERSION, Decoded, decode};
pub use fact::Fact;
pub use id::{Id, InvalidId};
pub use key::{InvalidKey, Key};
pub use profile::{AccountState, Profile};
pub use stored::{InvalidStored, Stamp, StoredProfile};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use topic::Topic;
