//! What a request asks for.

use hyper::Method;
use user_info_core::Id;
use user_info_core::profile::check_username;

use super::Error;
use crate::metrics::Route;
use crate::twitter::parameters::Parameters;
use crate::twitter::{USERS_MAX, Wanted};

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One user.
    Show,
    /// Many users.
    Lookup,
}

impl Endpoint {
    /// What is at this path for this method, if anything.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        if ![Method::GET, Method::HEAD, Method::POST].contains(method) {
            return None;
        }
        match path {
            "/1.1/users/show.json" => Some(Self::Show),
            "/1.1/users/lookup.json" => Some(Self::Lookup),
            _ => None,
        }
    }

    /// What its requests are counted as.
    pub fn route(self) -> Route {
        match self {
            Self::Show => Route::V1Show,
            Self::Lookup => Route::V1Lookup,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom.
    pub wanted: Wanted,
    /// Whether links are to be marked in user objects.
    pub entities: bool,
}

/// Reads the parameters. Those that are not known are ignored, as Twitter does.
pub fn read(endpoint: Endpoint, parameters: &Parameters<'_>) -> Result<Asked, Error> {
    let wanted = match endpoint {
        Endpoint::Show => one(parameters)?,
        Endpoint::Lookup => many(parameters)?,
    };
    let entities = !parameters.first("include_entities").is_some_and(is_no);
    Ok(Asked { wanted, entities })
}

/// If both are given, the id counts. What cannot be an id or a name is nobody's.
fn one(parameters: &Parameters<'_>) -> Result<Wanted, Error> {
    let mut wanted = Wanted::default();
    match (parameters.first("user_id"), parameters.first("screen_name")) {
        (Some(id), _) => wanted.ids.push(Id::new(id).map_err(|_| Error::UserNotFound)?),
        (None, Some(name)) => {
            check_username(name).map_err(|_| Error::UserNotFound)?;
            wanted.usernames.push(name.to_owned());
        }
        (None, None) => return Err(Error::MissingParameter),
    }
    Ok(wanted)
}

fn many(parameters: &Parameters<'_>) -> Result<Wanted, Error> {
    match parameters.listed("user_id").chain(parameters.listed("screen_name")).take(USERS_MAX + 1).count() {
        0 => return Err(Error::MissingParameter),
        1..=USERS_MAX => {}
        _ => return Err(Error::TooManyTerms),
    }
    let names = parameters.listed("screen_name").filter(|name| check_username(name).is_ok());
    Ok(Wanted {
        ids: parameters.listed("user_id").filter_map(|id| Id::new(id).ok()).collect(),
        usernames: names.map(str::to_owned).collect(),
    })
}

fn is_no(value: &str) -> bool {
    ["false", "f", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
}
