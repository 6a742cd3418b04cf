//! API v2: users by id and by name, one and many. Pure.
//!
//! Twitter's ids are numbers of up to 19 digits; here every valid [`Id`](user_info_core::Id) can be asked for. The path of a user
//! called `by` leads elsewhere: ask with `ids=`.

mod fields;
mod problem;
mod request;
mod user_object;

pub use fields::{Field, Fields};
pub use problem::{NotShown, Problem, Why};
pub use request::{Asked, Endpoint, read};
pub use user_object::UserObject;

use bytes::Bytes;
use serde::Serialize;
use user_info_store::UserRecord;

use super::{Wanted, push_once};
use crate::answer::json;
use crate::found::Found;

/// How a request for one user is answered that cannot be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingUser {
    /// With 200 and the reason in `errors`, as Twitter did.
    #[default]
    Ok,
    /// With 404, or 403 if suspended.
    NotFound,
}

#[derive(Serialize)]
struct Envelope<D, E> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<D>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<E>,
}

/// The answer, from the records of those who were asked for. While the topics were never read to their end (`complete`),
/// nobody can be told to be unknown.
pub fn answer(
    asked: &Asked,
    records: &[Option<UserRecord>],
    complete: bool,
    missing: MissingUser,
) -> Result<Bytes, Problem> {
    let (mut shown, mut errors) = (Vec::new(), Vec::new());
    for (value, record) in values(&asked.wanted).zip(records) {
        let why = match Found::of(record.as_ref()) {
            Found::Shown(user) => {
                push_once(&mut shown, user);
                continue;
            }
            Found::Suspended(_) => Why::Suspended,
            Found::Unknown if !complete => return Err(Problem::Unavailable),
            Found::Deactivated(_) | Found::Unknown => Why::NotFound,
        };
        errors.push(NotShown { why, parameter: asked.endpoint.parameter(), value: value.to_owned() });
    }
    let mut users = shown.into_iter().map(|user| UserObject::new(user, asked.fields));
    if asked.endpoint.is_for_many() {
        let users: Vec<UserObject<'_>> = users.collect();
        let data = Some(users).filter(|users| !users.is_empty());
        return Ok(json(&Envelope { data, errors: Some(errors).filter(|errors| !errors.is_empty()) }));
    }
    match errors.pop() {
        Some(error) if missing == MissingUser::NotFound => Err(Problem::NotShown(error)),
        error => Ok(json(&Envelope { data: users.next(), errors: error.map(|error| [error]) })),
    }
}

/// What was asked for as it was written, in the order of the records.
fn values(wanted: &Wanted) -> impl Iterator<Item = &str> {
    wanted.ids.iter().map(|id| id.as_str()).chain(wanted.usernames.iter().map(String::as_str))
}
