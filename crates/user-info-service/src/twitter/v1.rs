//! API v1.1: `users/show.json` and `users/lookup.json`. Pure.

mod error;
mod request;
mod user_object;

pub use error::Error;
pub use request::{Asked, Endpoint, read};
pub use user_object::UserObject;

use bytes::Bytes;
use user_info_store::UserRecord;

use super::push_once;
use crate::answer::json;
use crate::found::{Found, Shown};

/// The answer, from the records of those who were asked for. While the topics were never read to their end (`complete`),
/// nobody can be told to be unknown.
pub fn answer(
    endpoint: Endpoint,
    records: &[Option<UserRecord>],
    complete: bool,
    entities: bool,
) -> Result<Bytes, Error> {
    match endpoint {
        Endpoint::Show => show(records.first().and_then(Option::as_ref), complete, entities),
        Endpoint::Lookup => lookup(records, complete, entities),
    }
}

fn show(record: Option<&UserRecord>, complete: bool, entities: bool) -> Result<Bytes, Error> {
    match Found::of(record) {
        Found::Shown(user) => Ok(json(&UserObject::new(user, entities))),
        Found::Suspended(_) => Err(Error::Suspended),
        Found::Unknown if !complete => Err(Error::OverCapacity),
        Found::Deactivated(_) | Found::Unknown => Err(Error::UserNotFound),
    }
}

/// Who cannot be shown is left out.
fn lookup(records: &[Option<UserRecord>], complete: bool, entities: bool) -> Result<Bytes, Error> {
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for record in records {
        match Found::of(record.as_ref()) {
            Found::Shown(user) => push_once(&mut shown, user),
            Found::Unknown if !complete => return Err(Error::OverCapacity),
            Found::Suspended(_) | Found::Deactivated(_) | Found::Unknown => {}
        }
    }
    if shown.is_empty() {
        return Err(Error::NoUserMatches);
    }
    let users: Vec<UserObject<'_>> = shown.into_iter().map(|user| UserObject::new(user, entities)).collect();
    Ok(json(&users))
}
