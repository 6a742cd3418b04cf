//! Twitter's own APIs, so that clients which were written for them work here: v1.1 under `/1.1/`, v2 under `/2/`.
//!
//! What a request asks for and what is answered are pure functions of parameters and records ([`v1`], [`v2`]); here is the
//! shell that reads bodies and the store. Nobody has to authenticate: an `Authorization` header is taken and not checked.

pub mod form;
pub mod links;
pub mod parameters;
pub mod v1;
pub mod v2;

use std::time::Instant;

use bytes::Bytes;
use futures_util::future::try_join_all;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use user_info_core::{AccountState, Counts, Id, Profile};
use user_info_store::{Store, StoreError, UserRecord};

use crate::body::{AnswerBody, whole};
use crate::metrics::Route;
use crate::public::{JSON, NO_CACHE, PROBLEM_JSON, Public};
use crate::rate_limit::Quota;
use crate::representation::{self, Representation};
use crate::view::View;
use parameters::Parameters;

/// Users in one request, as Twitter published it.
pub const USERS_MAX: usize = 100;

/// One of the two APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// v1.1.
    V1,
    /// v2.
    V2,
}

impl Api {
    /// Whose path this is, if any's.
    pub fn of(path: &str) -> Option<Self> {
        let is_v1 = path.starts_with("/1.1/").then_some(Self::V1);
        is_v1.or_else(|| path.starts_with("/2/").then_some(Self::V2))
    }
}

/// Whom a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// By id.
    pub ids: Vec<Id>,
    /// By name, in any case.
    pub usernames: Vec<String>,
}

impl Wanted {
    /// The records, first those by id, then those by name.
    async fn fetch(&self, store: &Store) -> Result<Vec<Option<UserRecord>>, StoreError> {
        let mut records = match &self.ids[..] {
            [] => Vec::new(),
            [user] => vec![store.fetch(user).await?],
            users => store.fetch_many(users).await?,
        };
        records.extend(try_join_all(self.usernames.iter().map(|username| store.look_up(username))).await?);
        Ok(records)
    }
}

/// What can be told of a user.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'record> {
    /// Everything.
    Shown(User<'record>),
    /// That the account is suspended.
    Suspended,
    /// That the owner deactivated the account: for these APIs as good as unknown, but certainly so.
    Deactivated,
    /// Nothing: unknown, forgotten, or not published yet.
    Unknown,
}

/// A user that can be shown.
#[derive(Clone, Copy, Debug)]
pub struct User<'record> {
    id: &'record Id,
    profile: &'record Profile,
    counts: Counts,
}

impl<'record> Standing<'record> {
    /// Of the user with this record, or without any.
    pub fn of(record: Option<&'record UserRecord>) -> Self {
        let Some((record, stored)) = record.and_then(|record| Some((record, record.profile.as_ref()?))) else {
            return Self::Unknown;
        };
        match stored.profile.state {
            AccountState::Active => {
                Self::Shown(User { id: &record.user, profile: &stored.profile, counts: record.counts })
            }
            AccountState::Suspended => Self::Suspended,
            AccountState::Deactivated => Self::Deactivated,
        }
    }
}

/// Adds who is not there yet: a user may be asked for twice, for instance by id and by name.
fn push_once<'record>(users: &mut Vec<User<'record>>, user: User<'record>) {
    if !users.iter().any(|other| other.id == user.id) {
        users.push(user);
    }
}

/// An answer that is no success.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    body: Bytes,
    kind: HeaderValue,
    /// In seconds.
    retry_after: Option<i64>,
}

/// Answers a request to `api`.
pub(crate) async fn answer(
    public: &Public,
    api: Api,
    began: Instant,
    head: &Parts,
    body: Incoming,
    view: &View,
    quota: &Quota,
) -> (Route, Response<AnswerBody>) {
    let (route, answered) = match api {
        Api::V1 => {
            let endpoint = v1::Endpoint::of(&head.method, head.uri.path());
            let asked = ask_v1(public, endpoint, head, body, view, quota);
            let answered = public.load.in_time(began, v1::Error::OverCapacity, asked).await;
            (endpoint.map_or(Route::Other, v1::Endpoint::route), answered.map_err(Refusal::from))
        }
        Api::V2 => {
            let endpoint = v2::Endpoint::of(head.uri.path());
            let asked = ask_v2(public, head, view, quota);
            let answered = public.load.in_time(began, v2::Problem::Unavailable, asked).await;
            (endpoint.map_or(Route::Other, |(endpoint, _)| endpoint.route()), answered.map_err(Refusal::from))
        }
    };
    let response = match answered {
        Ok(body) => {
            let sent = Representation { body, kind: JSON, validated: true };
            representation::respond(&head.headers, sent).await
        }
        Err(refusal) => refusal.response(),
    };
    (route, response)
}

async fn ask_v1(
    public: &Public,
    endpoint: Option<v1::Endpoint>,
    head: &Parts,
    body: Incoming,
    view: &View,
    quota: &Quota,
) -> Result<Bytes, v1::Error> {
    if let Some(retry_after) = quota.refused_for_s {
        return Err(v1::Error::RateLimitExceeded { retry_after });
    }
    let endpoint = endpoint.ok_or(v1::Error::NoSuchPage)?;
    let _begun = public.load.admit().map_err(|_| v1::Error::OverCapacity)?;
    let form = if has_form(head) { form::read(body).await? } else { Bytes::new() };
    let asked = v1::read(endpoint, &Parameters::read(head.uri.query(), &form))?;
    let records = asked.wanted.fetch(&public.store).await?;
    v1::answer(endpoint, &records, view.complete, asked.entities)
}

async fn ask_v2(public: &Public, head: &Parts, view: &View, quota: &Quota) -> Result<Bytes, v2::Problem> {
    if let Some(retry_after) = quota.refused_for_s {
        return Err(v2::Problem::TooManyRequests { retry_after });
    }
    let asked = v2::read(&head.method, head.uri.path(), &Parameters::read(head.uri.query(), &[]))?;
    let _begun = public.load.admit().map_err(|_| v2::Problem::Unavailable)?;
    let records = asked.wanted.fetch(&public.store).await?;
    v2::answer(&asked, &records, view.complete, public.v2_missing_user)
}

/// Parameters may stand in the body of a POST; whatever else comes with a request is left unread.
fn has_form(head: &Parts) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    head.method == hyper::Method::POST && kind.is_some_and(|kind| kind.trim_start().starts_with(FORM))
}

impl Refusal {
    fn response(self) -> Response<AnswerBody> {
        let mut response = Response::new(whole(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind);
        headers.insert(header::CACHE_CONTROL, NO_CACHE);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        // What follows a body that is not read is not a request.
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<v1::Error> for Refusal {
    fn from(error: v1::Error) -> Self {
        Self { status: error.status(), body: error.body(), kind: JSON, retry_after: error.retry_after() }
    }
}

impl From<v2::Problem> for Refusal {
    fn from(problem: v2::Problem) -> Self {
        let (status, retry_after) = (problem.status(), problem.retry_after());
        Self { status, body: problem.body(), kind: PROBLEM_JSON, retry_after }
    }
}
