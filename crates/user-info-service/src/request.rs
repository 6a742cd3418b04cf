//! What a request asks for, read from its method, path and query by hand: the hot path has one route. Pure.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;
use user_info_core::Id;
use user_info_core::profile::check_username;

use crate::answer::Problem;

/// Ids in one request. One answer then holds at most a hundred records; the same limit as Twitter's users/lookup.
pub const IDS_MAX: usize = 100;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One user by id.
    User(Id),
    /// Several users by id, each once, in the order of the request.
    Users(Vec<Id>),
    /// One user by name, in any case.
    Username(String),
    /// The page at `/`.
    Page,
}

/// Reads a request.
pub fn read(method: &Method, path: &str, query: Option<&str>) -> Result<Asked, Problem> {
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed);
    }
    match path.strip_prefix("/users") {
        Some("") => read_query(query.unwrap_or_default()),
        Some(rest) => match rest.strip_prefix('/') {
            Some(id) if !id.contains('/') => Ok(Asked::User(read_id(id)?)),
            Some(_) | None => Err(Problem::NoSuchPath),
        },
        None if path == "/" => Ok(Asked::Page),
        None => Err(Problem::NoSuchPath),
    }
}

fn read_query(query: &str) -> Result<Asked, Problem> {
    let mut asked = None;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let read = match name {
            "ids" => read_ids(value)?,
            "username" => read_username(value)?,
            _ => return Err(bad(format!("Unknown parameter {name:?}: ask with ids= or username=."))),
        };
        if asked.replace(read).is_some() {
            return Err(bad("Ask with one parameter, ids= or username=, once.".into()));
        }
    }
    asked.ok_or_else(|| bad("Say which users: ids=a,b (at most 100) or username=name.".into()))
}

fn read_ids(value: &str) -> Result<Asked, Problem> {
    let decoded = decode(value)?;
    let mut ids = Vec::new();
    for text in decoded.split(',') {
        let id = Id::new(text).map_err(|error| bad(format!("ids: {text:?}: {error}.")))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > IDS_MAX {
            return Err(bad(format!("ids: at most {IDS_MAX} different ids in one request.")));
        }
    }
    Ok(Asked::Users(ids))
}

fn read_username(value: &str) -> Result<Asked, Problem> {
    let username = decode(value)?;
    check_username(&username).map_err(|error| bad(format!("username: {error}.")))?;
    Ok(Asked::Username(username.into_owned()))
}

fn read_id(text: &str) -> Result<Id, Problem> {
    Id::new(&decode(text)?).map_err(|error| bad(format!("user_id: {error}.")))
}

fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(text).decode_utf8().map_err(|_| bad("The address is not UTF-8 after percent-decoding.".into()))
}

fn bad(detail: String) -> Problem {
    Problem::BadRequest { detail }
}
