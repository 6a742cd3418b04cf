//! What a request asks for, read from its method, path and query by hand: the hot path has one route. Pure.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;
use user_info_core::Id;
use user_info_core::profile::check_username;

use crate::answer::Problem;
use crate::fields::Fields;
use crate::openapi::OPENAPI_PATH;
use crate::pages::{self, request::PageAsked};

/// Where many users are asked for at once, with a body. Asked with GET, this is the user of that id.
pub const BATCH_PATH: &str = "/users/batch";

/// Ids in one request. One answer then holds at most a hundred records; the same limit as Twitter's users/lookup.
pub const IDS_MAX: usize = 100;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One user by id.
    User(Id, Fields),
    /// One user by id, now and after each change.
    Events(Id, Fields),
    /// Several users by id, each once, in the order of the request.
    Users(Vec<Id>, Fields),
    /// One user by name, in any case.
    Username(String, Fields),
    /// Many users by id, whom the body names.
    Batch,
    /// The description of all this.
    OpenApi,
    /// A page for people, or what one refers to.
    Page(PageAsked),
}

/// Which users a query asks for.
enum Whom {
    Ids(Vec<Id>),
    Username(String),
}

/// Reads a request.
pub fn read(method: &Method, path: &str, query: Option<&str>) -> Result<Asked, Problem> {
    if method != Method::GET && method != Method::HEAD {
        return read_with_body(method, path);
    }
    match path.strip_prefix("/users") {
        Some("") => read_query(query.unwrap_or_default()),
        Some(rest) => read_user(rest.strip_prefix('/').ok_or(Problem::NoSuchPath)?, query),
        None if path == OPENAPI_PATH => Ok(Asked::OpenApi),
        None => pages::request::read(path, query).map(Asked::Page).ok_or(Problem::NoSuchPath),
    }
}

/// `12` or `12/events`.
fn read_user(rest: &str, query: Option<&str>) -> Result<Asked, Problem> {
    match rest.split_once('/') {
        None => Ok(Asked::User(read_id(rest)?, read_mask(query)?)),
        Some((id, "events")) => Ok(Asked::Events(read_id(id)?, read_mask(query)?)),
        Some(_) => Err(Problem::NoSuchPath),
    }
}

fn read_with_body(method: &Method, path: &str) -> Result<Asked, Problem> {
    match path {
        BATCH_PATH if method == Method::POST => Ok(Asked::Batch),
        BATCH_PATH => Err(Problem::MethodNotAllowed { allowed: "GET, HEAD, POST" }),
        _ => Err(Problem::MethodNotAllowed { allowed: "GET, HEAD" }),
    }
}

fn read_query(query: &str) -> Result<Asked, Problem> {
    let (mut whom, mut fields) = (None, None);
    for (name, value) in parameters(query) {
        let again = match name {
            "ids" => whom.replace(Whom::Ids(read_ids(value)?)).is_some(),
            "username" => whom.replace(Whom::Username(read_username(value)?)).is_some(),
            "fields" => fields.replace(read_fields(value)?).is_some(),
            _ => return Err(bad(format!("Unknown parameter {name:?}: ask with ids= or username=, and fields=."))),
        };
        if again {
            return Err(bad("Ask with one parameter, ids= or username=, once, and with fields= once.".into()));
        }
    }
    let fields = fields.unwrap_or(Fields::ALL);
    match whom {
        Some(Whom::Ids(users)) => Ok(Asked::Users(users, fields)),
        Some(Whom::Username(username)) => Ok(Asked::Username(username, fields)),
        None => Err(bad("Say which users: ids=a,b (at most 100) or username=name.".into())),
    }
}

/// The fields that a request for one user names; whatever else it says is ignored.
fn read_mask(query: Option<&str>) -> Result<Fields, Problem> {
    let mut fields = None;
    for (_, value) in parameters(query.unwrap_or_default()).filter(|(name, _)| *name == "fields") {
        if fields.replace(read_fields(value)?).is_some() {
            return Err(bad("Ask with fields= once.".into()));
        }
    }
    Ok(fields.unwrap_or(Fields::ALL))
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn read_fields(value: &str) -> Result<Fields, Problem> {
    Fields::named(decode(value)?.split(',')).map_err(|error| bad(format!("fields: {error}.")))
}

fn read_ids(value: &str) -> Result<Vec<Id>, Problem> {
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
    Ok(ids)
}

fn read_username(value: &str) -> Result<String, Problem> {
    let username = decode(value)?;
    check_username(&username).map_err(|error| bad(format!("username: {error}.")))?;
    Ok(username.into_owned())
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
