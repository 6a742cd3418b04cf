//! The public address: who a user is. Close to bare hyper, because this is the path that has to be fast.
//!
//! A request takes the newest view, reads the store and writes one body. A store inside the process is read on the spot
//! (microseconds, from memory in the usual case); one in Redis is waited for, within the time of a read. No lock is taken
//! that ingest holds.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use user_info_core::{AccountState, Id};
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::{Found, Problem, UsersAnswer, found, json};
use crate::batch;
use crate::body::{self, AnswerBody, whole};
use crate::clock::now_ms;
use crate::cors::Cors;
use crate::errors::chain;
use crate::events::Events;
use crate::fields::Fields;
use crate::load::Load;
use crate::metrics::{Metrics, Route};
use crate::openapi;
use crate::pages::{PageAnswer, Pages};
use crate::rate_limit::{Quota, RateLimiter};
use crate::representation::{self, Representation};
use crate::request::{self, Asked};
use crate::twitter::v2::MissingUser;
use crate::twitter::{self, Api};
use crate::view::{SharedView, View};

/// Age of the answer's data in milliseconds; 0 while every partition is at its end, `unknown` before all were read.
pub const AGE_HEADER: HeaderName = HeaderName::from_static("user-info-age-ms");

/// The next offset of each partition: the answer holds every fact before these.
pub const POSITIONS_HEADER: HeaderName = HeaderName::from_static("user-info-positions");

/// Which event a client has seen last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Tells nginx to pass on what comes at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// After how many seconds to ask again when the answer is 503.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

const UNKNOWN_AGE: HeaderValue = HeaderValue::from_static("unknown");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// What requests read.
pub struct Public {
    /// The records.
    pub store: Store,
    /// The newest view.
    pub view: SharedView,
    /// Streams of changes.
    pub events: Events,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// Who is let in.
    pub load: Load,
    /// Who may read answers in a browser.
    pub cors: Cors,
    /// Pages for people, if they are served.
    pub pages: Option<Pages>,
    /// Counts the requests of every caller.
    pub limiter: Arc<RateLimiter>,
    /// How API v2 answers about one user who cannot be shown.
    pub v2_missing_user: MissingUser,
    /// Set when the service stops: connections are then asked to close.
    pub stopping: Arc<AtomicBool>,
}

/// A successful answer before its headers.
enum Answer<'public> {
    Whole(Representation),
    Page(&'public Pages, PageAnswer),
    Stream(AnswerBody),
}

impl Public {
    /// Answers one request of the client at `peer`.
    pub async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<AnswerBody> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        if self.cors.is_preflight(&head.method, &head.headers) {
            return self.preflight(&head.headers);
        }
        let view = self.view.load_full();
        let quota = self.limiter.take(&head.headers, peer, now_ms());
        let api = Api::of(head.uri.path());
        let (route, mut response) = match api {
            Some(api) => Box::pin(twitter::answer(self, api, began, &head, body, &view, &quota)).await,
            None => self.answer_natively(began, &head, body, &view, &quota).await,
        };
        self.add_headers(&head.headers, &mut response, &view);
        if api.is_some() || self.limiter.is_on() {
            quota.add_headers(response.headers_mut());
        }
        self.metrics.answered(route, response.status().as_u16(), began.elapsed().as_secs_f64());
        response
    }

    async fn answer_natively(
        &self,
        began: Instant,
        head: &Parts,
        body: Incoming,
        view: &View,
        quota: &Quota,
    ) -> (Route, Response<AnswerBody>) {
        let asked = request::read(&head.method, head.uri.path(), head.uri.query());
        let route = route_of(asked.as_ref().ok());
        let admitted = match quota.refused_for_s {
            Some(retry_after) => Err(Problem::RateLimited { retry_after }),
            None => asked.and_then(|asked| Ok((asked, self.load.admit()?))),
        };
        let (answer, _begun) = match admitted {
            Ok((asked, begun)) => {
                let found = pin!(self.look_up(asked, began, head, body, view));
                (self.load.in_time(began, Problem::Late, found).await, Some(begun))
            }
            Err(problem) => (Err(problem), None),
        };
        let response = match answer {
            Ok(Answer::Whole(sent)) => representation::respond(&head.headers, sent).await,
            Ok(Answer::Page(pages, page)) => Box::pin(pages.respond(&head.headers, page)).await,
            Ok(Answer::Stream(body)) => stream_response(&head.method, body),
            Err(problem) => problem_response(&problem),
        };
        (route, response)
    }

    async fn look_up(
        &self,
        asked: Asked,
        began: Instant,
        head: &Parts,
        body: Incoming,
        view: &View,
    ) -> Result<Answer<'_>, Problem> {
        match asked {
            // On the heap, here and below: every request would carry their room otherwise.
            Asked::Batch => Box::pin(self.batch(began, &head.headers, body, view)).await.map(Answer::Whole),
            Asked::Events(user) => Box::pin(self.follow(&head.headers, &body, user, view)).await.map(Answer::Stream),
            Asked::Page(asked) => {
                body::refuse(&body)?;
                let pages = self.pages.as_ref().ok_or(Problem::NoSuchPath)?;
                Ok(Answer::Page(pages, Box::pin(pages.answer(asked, &self.store, view)).await))
            }
            Asked::User(user, fields) => {
                body::refuse(&body)?;
                let record = self.store.fetch(&user).await.map_err(store_failed)?;
                one(record.as_ref(), fields, view, || format!("the id {user}")).map(Answer::Whole)
            }
            Asked::Username(username, fields) => {
                body::refuse(&body)?;
                let record = self.store.look_up(&username).await.map_err(store_failed)?;
                one(record.as_ref(), fields, view, || format!("the username {username}")).map(Answer::Whole)
            }
            Asked::Users(users, fields) => {
                body::refuse(&body)?;
                let records = self.store.fetch_many(&users).await.map_err(store_failed)?;
                many(&users, &records, fields, view).map(json_body).map(Answer::Whole)
            }
            Asked::OpenApi => {
                body::refuse(&body)?;
                Ok(Answer::Whole(json_body(openapi::document())))
            }
        }
    }

    async fn batch(
        &self,
        began: Instant,
        headers: &HeaderMap,
        body: Incoming,
        view: &View,
    ) -> Result<Representation, Problem> {
        let read = batch::read(headers, body);
        let batch = self.load.in_time(began, Problem::SlowBody, read).await?;
        let records = batch::fetch(&self.store, &batch.users).await.map_err(store_failed)?;
        let body = many(&batch.users, &records, batch.fields, view)?;
        // It has no address that would give the same again.
        Ok(Representation { validated: false, ..json_body(body) })
    }

    /// The user as they are and each change from then on, if they can be shown now.
    async fn follow(&self, headers: &HeaderMap, body: &Incoming, user: Id, view: &View) -> Result<AnswerBody, Problem> {
        body::refuse(body)?;
        let opened = self.events.open(user.clone()).ok_or(Problem::TooManyStreams)?;
        let record = self.store.fetch(&user).await.map_err(store_failed)?;
        one(record.as_ref(), Fields::ALL, view, || format!("the id {user}"))?;
        let known = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        Ok(opened.stream(known))
    }

    /// What a page of another origin may ask here.
    fn preflight(&self, request: &HeaderMap) -> Response<AnswerBody> {
        let mut response = Response::new(whole(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.cors.allow(request, response.headers_mut());
        response
    }

    fn add_headers(&self, request: &HeaderMap, response: &mut Response<AnswerBody>, view: &View) {
        let headers = response.headers_mut();
        self.cors.share(request, headers);
        let age = view.age_ms(now_ms()).map_or(UNKNOWN_AGE, HeaderValue::from);
        headers.insert(AGE_HEADER, age);
        headers.insert(POSITIONS_HEADER, view.positions.clone());
        if self.stopping.load(Ordering::Relaxed) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

fn json_body(body: Bytes) -> Representation {
    Representation { body, kind: JSON, validated: true }
}

fn one(
    record: Option<&UserRecord>,
    fields: Fields,
    view: &View,
    asked: impl Fn() -> String,
) -> Result<Representation, Problem> {
    match found(record) {
        Found::Shown(user) => Ok(json_body(json(&user.only(fields)))),
        Found::Withheld(_, state) => Err(withheld(record, state)),
        Found::Unknown if !view.complete => Err(Problem::NotCaughtUp),
        Found::Unknown => Err(Problem::UnknownUser { asked: asked() }),
    }
}

fn many(users: &[Id], records: &[Option<UserRecord>], fields: Fields, view: &View) -> Result<Bytes, Problem> {
    let mut answer = UsersAnswer::default();
    for (user, record) in users.iter().zip(records) {
        match found(record.as_ref()) {
            Found::Shown(user) => answer.users.push(user.only(fields)),
            Found::Withheld(user, _) => answer.withheld.push(user),
            Found::Unknown if !view.complete => return Err(Problem::NotCaughtUp),
            Found::Unknown => answer.unknown.push(user.as_str()),
        }
    }
    Ok(json(&answer))
}

pub(crate) fn withheld(record: Option<&UserRecord>, state: AccountState) -> Problem {
    let user = record.expect("a withheld user has a record").user.clone();
    match state {
        AccountState::Suspended => Problem::Suspended(user),
        AccountState::Deactivated | AccountState::Active => Problem::Deactivated(user),
    }
}

fn route_of(asked: Option<&Asked>) -> Route {
    match asked {
        Some(Asked::User(..)) => Route::User,
        Some(Asked::Users(..)) => Route::Users,
        Some(Asked::Username(..)) => Route::Username,
        Some(Asked::Batch) => Route::Batch,
        Some(Asked::Events(_)) => Route::Events,
        Some(Asked::Page(_)) => Route::Page,
        Some(Asked::OpenApi) | None => Route::Other,
    }
}

pub(crate) fn store_failed(error: StoreError) -> Problem {
    note_store_failure(&error);
    if error.is_passing() { Problem::StoreUnavailable } else { Problem::StoreFailed }
}

/// An outage is logged by ingest, once, not by every request that meets it.
pub(crate) fn note_store_failure(error: &StoreError) {
    if error.is_passing() {
        tracing::debug!("a request could not be answered: {}", chain(error));
    } else {
        tracing::error!("a request could not be answered, the store failed: {}", chain(error));
    }
}

/// A stream is not cached, and not collected by a proxy before it is passed on.
fn stream_response(method: &Method, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(if method == Method::HEAD { whole(Bytes::new()) } else { body });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

pub(crate) fn problem_response(problem: &Problem) -> Response<AnswerBody> {
    let mut response = Response::new(whole(problem.body()));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    match problem {
        Problem::NotCaughtUp
        | Problem::StoreUnavailable
        | Problem::Late
        | Problem::Overloaded
        | Problem::TooManyStreams => drop(headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS)),
        Problem::RateLimited { retry_after } => {
            drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after)))
        }
        Problem::MethodNotAllowed { allowed } => drop(headers.insert(header::ALLOW, HeaderValue::from_static(allowed))),
        // What follows a body that is not read is not a request.
        Problem::TooLarge { .. } | Problem::SlowBody => {
            drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close")))
        }
        Problem::UnknownUser { .. }
        | Problem::Suspended(_)
        | Problem::Deactivated(_)
        | Problem::BadRequest { .. }
        | Problem::NoSuchPath
        | Problem::UnsupportedMediaType { .. }
        | Problem::StoreFailed => {}
    }
    response
}
