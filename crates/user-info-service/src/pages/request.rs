//! Which page a path names. Pure.
//!
//! A path that is a page's but cannot be right (a name that no user may have) is answered with a page as well.

use percent_encoding::percent_decode_str;
use user_info_core::Id;
use user_info_core::profile::check_username;

use crate::answer::Problem;

/// Longest text that is searched for, in bytes; as long as the longest username.
const SEARCH_BYTES_MAX: usize = user_info_core::profile::MAX_USERNAME_BYTES;

/// What a request for a page asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageAsked {
    /// The start page, with what is searched for.
    Start {
        /// The beginning of a username, without the `@`; empty when nothing is searched for.
        search: String,
    },
    /// The page of the user with this name, in any case.
    User(String),
    /// The home page around a user's card; of nobody, it asks who.
    Home(Option<Who>),
    /// The home card of a user.
    Card(Id, CardForm),
    /// A generated picture of a user.
    Picture(Id, Picture),
    /// A style sheet, a script or an icon, by the last part of its path.
    Asset(String),
    /// A page that cannot be right.
    Wrong(Problem),
}

/// How somebody is named in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By id.
    Id(Id),
    /// By name, written with an `@`.
    Username(String),
}

/// The forms that a home card comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardForm {
    /// The element alone, to be put into another page.
    Fragment,
    /// A document of its own, for an iframe.
    Frame,
}

/// The pictures that are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The square one.
    Avatar,
    /// The wide one.
    Banner,
}

/// Reads a path; `None` if it is no page's.
pub fn read(path: &str, query: Option<&str>) -> Option<PageAsked> {
    if let Some(username) = path.strip_prefix("/@").filter(|rest| !rest.contains('/')) {
        return Some(read_username(username).map_or_else(PageAsked::Wrong, PageAsked::User));
    }
    let mut parts = path.strip_prefix('/')?.split('/');
    let named = [parts.next(), parts.next(), parts.next(), parts.next()];
    match named {
        [Some(""), None, ..] => Some(PageAsked::Start { search: read_search(query) }),
        [Some("home"), None, ..] => Some(read_home(query)),
        [Some("assets"), Some(name), None, _] => Some(PageAsked::Asset(name.to_owned())),
        [Some("cards"), Some(id), None, _] => Some(of_user(id, |id| PageAsked::Card(id, CardForm::Fragment))),
        [Some("cards"), Some(id), Some("frame"), None] => Some(of_user(id, |id| PageAsked::Card(id, CardForm::Frame))),
        [Some("pictures"), Some(id), Some("avatar.svg"), None] => {
            Some(of_user(id, |id| PageAsked::Picture(id, Picture::Avatar)))
        }
        [Some("pictures"), Some(id), Some("banner.svg"), None] => {
            Some(of_user(id, |id| PageAsked::Picture(id, Picture::Banner)))
        }
        _ => None,
    }
}

fn of_user(text: &str, asked: impl FnOnce(Id) -> PageAsked) -> PageAsked {
    let id = decode(text).and_then(|text| Id::new(&text).map_err(|error| bad(format!("user_id: {error}."))));
    id.map_or_else(PageAsked::Wrong, asked)
}

fn read_username(text: &str) -> Result<String, Problem> {
    let username = decode(text)?;
    check_username(&username).map_err(|error| bad(format!("No user can have this name: {error}.")))?;
    Ok(username)
}

/// The search of the start page. What is too long to be a name is cut, so that every text gets an answer.
fn read_search(query: Option<&str>) -> String {
    let text = parameter(query, "q").unwrap_or_default();
    let text = text.trim();
    let text = text.strip_prefix('@').unwrap_or(text);
    text[..text.floor_char_boundary(SEARCH_BYTES_MAX)].to_owned()
}

fn read_home(query: Option<&str>) -> PageAsked {
    let text = parameter(query, "user").unwrap_or_default();
    match text.trim() {
        "" => PageAsked::Home(None),
        text => read_who(text).map_or_else(PageAsked::Wrong, |who| PageAsked::Home(Some(who))),
    }
}

fn read_who(text: &str) -> Result<Who, Problem> {
    match text.strip_prefix('@') {
        Some(username) => {
            check_username(username).map_err(|error| bad(format!("user: {error}.")))?;
            Ok(Who::Username(username.to_owned()))
        }
        None => Id::new(text).map(Who::Id).map_err(|error| bad(format!("user: {error}."))),
    }
}

/// The value of a parameter as forms send it; bytes that are no UTF-8 become the replacement character.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn decode(text: &str) -> Result<String, Problem> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| bad("The address is not UTF-8 after percent-decoding.".into()))?.into_owned())
}

fn bad(detail: String) -> Problem {
    Problem::BadRequest { detail }
}

impl std::fmt::Display for Who {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(user) => write!(formatter, "the id {user}"),
            Self::Username(username) => write!(formatter, "the name @{username}"),
        }
    }
}
