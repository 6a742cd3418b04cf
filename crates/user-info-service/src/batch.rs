//! `POST /users/batch`: many users by id, more than an address can hold.

use std::collections::HashSet;

use serde::Deserialize;
use user_info_core::Id;
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::Problem;
use crate::fields::Fields;

/// Ids in one batch. Their answer is 600 KB, which takes a few milliseconds to make; more is better asked for in pieces.
pub const BATCH_IDS_MAX: usize = 1_000;

/// Bytes of a batch's body. A thousand ids of 64 bytes, with quotes and commas, take 67 KB; the rest is for white space and
/// escapes.
pub const BATCH_BYTES_MAX: usize = 128 * 1024;

/// Users read in one go. A store inside the process is read on the spot, and other requests wait that long: a millisecond.
const READ_MAX: usize = 100;

/// What a batch asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The users, each once, in the order of the request.
    pub users: Vec<Id>,
    /// The fields of each.
    pub fields: Fields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    ids: Ids,
    #[serde(default)]
    fields: Option<Names>,
}

/// Turned into what they stand for while they are read, so that an error says where it is.
#[derive(Deserialize)]
#[serde(try_from = "Vec<String>")]
struct Ids(Vec<Id>);

#[derive(Deserialize)]
#[serde(try_from = "Vec<String>")]
struct Names(Fields);

impl TryFrom<Vec<String>> for Ids {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let (mut ids, mut seen) = (Vec::new(), HashSet::new());
        for text in texts {
            let id = Id::new(&text).map_err(|error| format!("{text:?}: {error}"))?;
            if seen.insert(id.clone()) {
                ids.push(id);
            }
        }
        match ids.len() {
            0 => Err("name at least one id".into()),
            1..=BATCH_IDS_MAX => Ok(Self(ids)),
            _ => Err(format!("at most {BATCH_IDS_MAX} different ids in one request")),
        }
    }
}

impl TryFrom<Vec<String>> for Names {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        Fields::named(names.iter().map(String::as_str)).map(Self)
    }
}

/// Reads `{"ids": […], "fields": […]}`. Pure.
pub fn parse(body: &[u8]) -> Result<Batch, Problem> {
    let request: Request = serde_json::from_slice(body).map_err(|error| Problem::BadRequest {
        detail: format!("The body is not {{\"ids\": [...], \"fields\": [...]}}: {error}."),
    })?;
    Ok(Batch { users: request.ids.0, fields: request.fields.map_or(Fields::ALL, |names| names.0) })
}

/// The records of these users, a hundred at a time: each hundred is of one instant, and other requests have their turn in
/// between.
pub async fn fetch(store: &Store, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
    let mut records = Vec::with_capacity(users.len());
    for some in users.chunks(READ_MAX) {
        records.extend(store.fetch_many(some).await?);
        tokio::task::yield_now().await;
    }
    Ok(records)
}
