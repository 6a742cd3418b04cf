//! The public address: who a user is. Close to bare hyper, because this is the path that has to be fast.
//!
//! A request takes the newest view, reads the store and writes one body. A store inside the process is read on the spot
//! (microseconds, from memory in the usual case); one in Redis is waited for, within the time of a read. No lock is taken
//! that ingest holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use user_info_core::{AccountState, Id};
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::{Found, Problem, UsersAnswer, etag, found, json, matches};
use crate::clock::now_ms;
use crate::errors::chain;
use crate::metrics::{Metrics, Route};
use crate::request::{self, Asked};
use crate::view::{SharedView, View};

/// Age of the answer's data in milliseconds; 0 while every partition is at its end, `unknown` before all were read.
pub const AGE_HEADER: HeaderName = HeaderName::from_static("user-info-age-ms");

/// The next offset of each partition: the answer holds every fact before these.
pub const POSITIONS_HEADER: HeaderName = HeaderName::from_static("user-info-positions");

/// After how many seconds to ask again when the answer is 503.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

const UNKNOWN_AGE: HeaderValue = HeaderValue::from_static("unknown");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// What requests read.
#[derive(Clone)]
pub struct Public {
    /// The records.
    pub store: Store,
    /// The newest view.
    pub view: SharedView,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// A page for `/`, if the program has one.
    pub page: Option<Bytes>,
    /// Set when the service stops: connections are then asked to close.
    pub stopping: Arc<AtomicBool>,
}

/// A successful answer before its headers.
enum Answer {
    Json(Bytes),
    Page(Bytes),
}

impl Public {
    /// Answers one request.
    pub async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let view = self.view.load_full();
        let asked = request::read(request.method(), request.uri().path(), request.uri().query());
        let asked = asked.and_then(|asked| check_body(request).map(|()| asked));
        let route = route_of(asked.as_ref().ok());
        let answer = match asked {
            Ok(asked) => self.look_up(asked, &view).await,
            Err(problem) => Err(problem),
        };
        let mut response = match answer {
            Ok(Answer::Json(body)) => fresh_or_not_modified(request, body, JSON),
            Ok(Answer::Page(body)) => fresh_or_not_modified(request, body, HTML),
            Err(problem) => problem_response(&problem),
        };
        self.add_headers(&mut response, &view);
        self.metrics.answered(route, response.status().as_u16(), began.elapsed().as_secs_f64());
        response
    }

    async fn look_up(&self, asked: Asked, view: &View) -> Result<Answer, Problem> {
        match asked {
            Asked::User(user) => {
                let record = self.store.fetch(&user).await.map_err(store_failed)?;
                one(record.as_ref(), view, || format!("the id {user}"))
            }
            Asked::Username(username) => {
                let record = self.store.look_up(&username).await.map_err(store_failed)?;
                one(record.as_ref(), view, || format!("the username {username}"))
            }
            Asked::Users(users) => self.many(&users, view).await,
            Asked::Page => self.page.clone().map(Answer::Page).ok_or(Problem::NoSuchPath),
        }
    }

    async fn many(&self, users: &[Id], view: &View) -> Result<Answer, Problem> {
        let records = self.store.fetch_many(users).await.map_err(store_failed)?;
        let mut answer = UsersAnswer::default();
        for (user, record) in users.iter().zip(&records) {
            match found(record.as_ref()) {
                Found::Shown(user) => answer.users.push(user),
                Found::Withheld(user, _) => answer.withheld.push(user),
                Found::Unknown if !view.complete => return Err(Problem::NotCaughtUp),
                Found::Unknown => answer.unknown.push(user.as_str()),
            }
        }
        Ok(Answer::Json(json(&answer)))
    }

    fn add_headers(&self, response: &mut Response<Full<Bytes>>, view: &View) {
        let headers = response.headers_mut();
        let age = view.age_ms(now_ms()).map_or(UNKNOWN_AGE, HeaderValue::from);
        headers.insert(AGE_HEADER, age);
        headers.insert(POSITIONS_HEADER, view.positions.clone());
        if self.stopping.load(Ordering::Relaxed) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

fn one(record: Option<&UserRecord>, view: &View, asked: impl Fn() -> String) -> Result<Answer, Problem> {
    match found(record) {
        Found::Shown(user) => Ok(Answer::Json(json(&user))),
        Found::Withheld(_, state) => Err(withheld(record, state)),
        Found::Unknown if !view.complete => Err(Problem::NotCaughtUp),
        Found::Unknown => Err(Problem::UnknownUser { asked: asked() }),
    }
}

fn withheld(record: Option<&UserRecord>, state: AccountState) -> Problem {
    let user = record.expect("a withheld user has a record").user.clone();
    match state {
        AccountState::Suspended => Problem::Suspended(user),
        AccountState::Deactivated | AccountState::Active => Problem::Deactivated(user),
    }
}

/// A request that asks has no body; one that brings a body is not read further.
fn check_body(request: &Request<Incoming>) -> Result<(), Problem> {
    if request.body().is_end_stream() {
        return Ok(());
    }
    Err(Problem::TooLarge { detail: "Requests have no body here.".into() })
}

fn route_of(asked: Option<&Asked>) -> Route {
    match asked {
        Some(Asked::User(_)) => Route::User,
        Some(Asked::Users(_)) => Route::Users,
        Some(Asked::Username(_)) => Route::Username,
        Some(Asked::Page) | None => Route::Other,
    }
}

/// An outage is logged by ingest, once, not by every request that meets it.
fn store_failed(error: StoreError) -> Problem {
    if error.is_passing() {
        tracing::debug!("a request could not be answered: {}", chain(&error));
        return Problem::StoreUnavailable;
    }
    tracing::error!("a request could not be answered, the store failed: {}", chain(&error));
    Problem::StoreFailed
}

fn fresh_or_not_modified(request: &Request<Incoming>, body: Bytes, kind: HeaderValue) -> Response<Full<Bytes>> {
    let etag = etag(&body);
    let mut asked = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let not_modified = asked.any(|asked| matches(asked, &etag));
    let mut response = Response::new(Full::new(if not_modified { Bytes::new() } else { body }));
    if not_modified {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes are visible ASCII");
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

fn problem_response(problem: &Problem) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(problem.body()));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    match problem {
        Problem::NotCaughtUp | Problem::StoreUnavailable => {
            drop(headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS))
        }
        Problem::MethodNotAllowed => drop(headers.insert(header::ALLOW, ALLOWED)),
        // What follows a body that is not read is not a request.
        Problem::TooLarge { .. } => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
        Problem::UnknownUser { .. }
        | Problem::Suspended(_)
        | Problem::Deactivated(_)
        | Problem::BadRequest { .. }
        | Problem::NoSuchPath
        | Problem::StoreFailed => {}
    }
    response
}
