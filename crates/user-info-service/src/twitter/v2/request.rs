//! What a request asks for. Unlike v1.1, v2 refuses what it does not know.

use hyper::Method;
use percent_encoding::percent_decode_str;
use user_info_core::Id;
use user_info_core::profile::check_username;

use super::fields::{EXPANSIONS, Field, Fields, UNKNOWN_FIELDS};
use super::problem::{Invalid, Problem};
use crate::metrics::Route;
use crate::twitter::parameters::Parameters;
use crate::twitter::{USERS_MAX, Wanted};

/// Parameters besides those that say who is asked for. Tweets are not served here: their fields are taken and not looked at.
const OPTIONS: [&str; 3] = ["expansions", "tweet.fields", "user.fields"];

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/2/users/:id`
    User,
    /// `/2/users?ids=`
    Users,
    /// `/2/users/by/username/:username`
    Username,
    /// `/2/users/by?usernames=`
    Usernames,
}

impl Endpoint {
    /// What is at this path, and what stands in its last segment if that says who is asked for.
    pub fn of(path: &str) -> Option<(Self, &str)> {
        let rest = path.strip_prefix("/2/users")?;
        let segment = |rest: &'_ str| !rest.is_empty() && !rest.contains('/');
        if let Some(username) = rest.strip_prefix("/by/username/") {
            return segment(username).then_some((Self::Username, username));
        }
        match rest {
            "" => Some((Self::Users, "")),
            "/by" => Some((Self::Usernames, "")),
            rest => rest.strip_prefix('/').filter(|id| segment(id)).map(|id| (Self::User, id)),
        }
    }

    /// What its requests are counted as.
    pub fn route(self) -> Route {
        match self {
            Self::User => Route::V2User,
            Self::Users => Route::V2Users,
            Self::Username => Route::V2Username,
            Self::Usernames => Route::V2Usernames,
        }
    }

    /// What says who is asked for.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::User => "id",
            Self::Users => "ids",
            Self::Username => "username",
            Self::Usernames => "usernames",
        }
    }

    /// Whether it answers with a list.
    pub fn is_for_many(self) -> bool {
        match self {
            Self::Users | Self::Usernames => true,
            Self::User | Self::Username => false,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Where.
    pub endpoint: Endpoint,
    /// Whom.
    pub wanted: Wanted,
    /// What of them, besides id, name and username.
    pub fields: Fields,
}

/// Reads a request.
pub fn read(method: &Method, path: &str, parameters: &Parameters<'_>) -> Result<Asked, Problem> {
    let (endpoint, segment) = Endpoint::of(path).ok_or(Problem::NoSuchPath)?;
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed);
    }
    check_names(endpoint, parameters)?;
    let wanted = match endpoint {
        Endpoint::User | Endpoint::Username => {
            let value = percent_decode_str(segment).decode_utf8_lossy();
            wanted(endpoint, [value.as_ref()].into_iter())?
        }
        Endpoint::Users | Endpoint::Usernames => many(endpoint, parameters)?,
    };
    check_expansions(parameters)?;
    Ok(Asked { endpoint, wanted, fields: fields(parameters)? })
}

fn check_names(endpoint: Endpoint, parameters: &Parameters<'_>) -> Result<(), Problem> {
    let asks = endpoint.is_for_many().then(|| endpoint.parameter());
    let is_known = |name: &str| Some(name) == asks || OPTIONS.contains(&name);
    let Some(unknown) = parameters.names().find(|name| !is_known(name)) else { return Ok(()) };
    let known: Vec<&str> = asks.into_iter().chain(OPTIONS).collect();
    let message = format!("The query parameter [{unknown}] is not one of [{}]", known.join(","));
    Err(Problem::Invalid(Invalid { parameter: unknown.to_owned(), values: Vec::new(), message }))
}

fn many(endpoint: Endpoint, parameters: &Parameters<'_>) -> Result<Wanted, Problem> {
    let parameter = endpoint.parameter();
    let count = parameters.listed(parameter).count();
    if !(1..=USERS_MAX).contains(&count) {
        let what = "The number of values in the";
        let message = format!("{what} `{parameter}` query parameter list [{count}] is not between 1 and {USERS_MAX}");
        return Err(Problem::Invalid(Invalid { parameter: parameter.to_owned(), values: Vec::new(), message }));
    }
    wanted(endpoint, parameters.listed(parameter))
}

/// Each once, in the order of the request.
fn wanted<'value>(endpoint: Endpoint, values: impl Iterator<Item = &'value str>) -> Result<Wanted, Problem> {
    let mut wanted = Wanted::default();
    for value in values {
        let invalid = |why: String| invalid_value(endpoint.parameter(), value, &format!("is not valid: {why}"));
        match endpoint {
            Endpoint::User | Endpoint::Users => {
                let id = Id::new(value).map_err(|error| invalid(error.to_string()))?;
                if !wanted.ids.contains(&id) {
                    wanted.ids.push(id);
                }
            }
            Endpoint::Username | Endpoint::Usernames => {
                check_username(value).map_err(|error| invalid(error.to_string()))?;
                if !wanted.usernames.iter().any(|username| username == value) {
                    wanted.usernames.push(value.to_owned());
                }
            }
        }
    }
    Ok(wanted)
}

fn fields(parameters: &Parameters<'_>) -> Result<Fields, Problem> {
    let known = || Field::ALL.map(Field::name).into_iter().chain(UNKNOWN_FIELDS).collect::<Vec<_>>().join(",");
    let refuse = |name: &str| invalid_value("user.fields", name, &format!("is not one of [{}]", known()));
    parameters
        .listed("user.fields")
        .try_fold(Fields::default(), |fields, name| fields.with(name).ok_or_else(|| refuse(name)))
}

fn check_expansions(parameters: &Parameters<'_>) -> Result<(), Problem> {
    let refuse = |name: &str| invalid_value("expansions", name, &format!("is not one of [{}]", EXPANSIONS.join(",")));
    parameters.listed("expansions").find(|name| !EXPANSIONS.contains(name)).map_or(Ok(()), |name| Err(refuse(name)))
}

fn invalid_value(parameter: &str, value: &str, what: &str) -> Problem {
    let message = format!("The `{parameter}` query parameter value [{value}] {what}");
    Problem::Invalid(Invalid { parameter: parameter.to_owned(), values: vec![value.to_owned()], message })
}
