//! Messages as Twitter's v1.1 API writes them: the shapes of the wire, made from what the world knows.
//!
//! Invariant: every key that clients know is there, null where nothing is known.

mod entities;
mod notice;
mod status;
mod user;

pub(super) use notice::Notice;
pub(super) use status::StatusObject;
pub(super) use user::{CountsKnown, UserObject};

use serde::{Serialize, Serializer};

/// A JSON `null`.
type Null = ();

/// A number as a JSON string, for clients whose numbers are doubles.
struct InWords<T>(T);

impl<T: std::fmt::Display> Serialize for InWords<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
