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
use user_info_core::Id;
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::{Problem, UserAnswer, UsersAnswer, Withheld, json};
use crate::batch::{self, BATCH_BYTES_MAX};
use crate::body::{self, AnswerBody, BodyError, whole};
use crate::clock::now_ms;
use crate::cors::Cors;
use crate::errors::chain;
use crate::events::Events;
use crate::fields::Fields;
use crate::found::Found;
use crate::hot::{Form, HotAnswers, Ready};
use crate::load::{Load, Refused};
use crate::metrics::{Metrics, Route};
use crate::openapi;
use crate::pages::Pages;
use crate::pages::request::PageAsked;
use crate::rate_limit::{Quota, RateLimiter};
use crate::refusal::Refusal;
use crate::representation::{self, NO_CACHE, Representation, Validator};
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

const UNKNOWN_AGE: HeaderValue = HeaderValue::from_static("unknown");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What requests read.
pub struct Public {
    /// The records.
    pub store: Store,
    /// The newest view.
    pub view: SharedView,
    /// Answers that are ready to be sent.
    pub hot: Option<Arc<HotAnswers>>,
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

/// A request, and what it meets.
pub(crate) struct Received<'request> {
    pub(crate) began: Instant,
    pub(crate) head: &'request Parts,
    pub(crate) view: &'request View,
    /// What is left to its caller; nothing where nobody is told.
    quota: Option<Quota>,
}

impl Public {
    /// Answers one request of the client at `peer`.
    pub async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<AnswerBody> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        if self.cors.is_preflight(&head.method, &head.headers) {
            return self.preflight(&head.headers);
        }
        let (view, api) = (self.view.load_full(), Api::of(head.uri.path()));
        let quota = self.quota(api, &head.headers, peer);
        let received = Received { began, head: &head, view: &view, quota };
        let (route, mut response) = match api {
            Some(api) => Box::pin(twitter::answer(self, api, &received, body)).await,
            None => self.answer_natively(&received, body).await,
        };
        self.add_headers(&received, &mut response);
        self.metrics.answered(route, response.status().as_u16(), began.elapsed().as_secs_f64());
        response
    }

    /// Twitter's APIs state a limit also where there is none.
    fn quota(&self, api: Option<Api>, headers: &HeaderMap, peer: IpAddr) -> Option<Quota> {
        (api.is_some() || self.limiter.is_on()).then(|| self.limiter.take(headers, peer, now_ms()))
    }

    /// Does what is asked for, if the caller may ask and not too much waits, and for as long as it may take.
    pub(crate) async fn admitted<A, T, E: From<Refused>, W: Future<Output = Result<T, E>>>(
        &self,
        received: &Received<'_>,
        asked: Result<A, E>,
        work: impl FnOnce(A) -> W,
    ) -> Result<T, E> {
        if let Some(retry_after) = received.quota.and_then(|quota| quota.refused_for_s) {
            return Err(Refused::RateLimited { retry_after }.into());
        }
        let asked = asked?;
        let _begun = self.load.admit()?;
        let work = pin!(work(asked));
        self.load.in_time(received.began, Refused::Late.into(), work).await
    }

    /// Reads a body in the time that the request has.
    pub(crate) async fn read_body(
        &self,
        received: &Received<'_>,
        body: Incoming,
        bytes_max: usize,
    ) -> Result<Bytes, BodyError> {
        self.load.in_time(received.began, BodyError::Slow, body::read(body, bytes_max)).await
    }

    async fn answer_natively(&self, received: &Received<'_>, body: Incoming) -> (Route, Response<AnswerBody>) {
        let head = received.head;
        let asked = request::read(&head.method, head.uri.path(), head.uri.query());
        let route = route_of(asked.as_ref().ok());
        let answered = self.admitted(received, asked, |asked| self.look_up(asked, received, body)).await;
        (route, answered.unwrap_or_else(|problem| Refusal::from(&problem).response()))
    }

    async fn look_up(
        &self,
        asked: Asked,
        received: &Received<'_>,
        body: Incoming,
    ) -> Result<Response<AnswerBody>, Problem> {
        let view = received.view;
        let sent = match asked {
            // On the heap, here and below: every request would carry their room otherwise.
            Asked::Batch => Box::pin(self.batch(received, body)).await?,
            Asked::Events(user, fields) => return Box::pin(self.follow(received, &body, user, fields)).await,
            Asked::Page(asked) => return Box::pin(self.page(received, &body, asked)).await,
            Asked::User(user, fields) => {
                body::refuse(&body)?;
                self.user(&user, fields, view).await?
            }
            Asked::Username(username, fields) => {
                body::refuse(&body)?;
                let record = self.store.look_up(&username).await.map_err(store_failed)?;
                one(record.as_ref(), fields, view, || format!("the username {username}")).map(Representation::json)?
            }
            Asked::Users(users, fields) => {
                body::refuse(&body)?;
                let records = self.store.fetch_many(&users).await.map_err(store_failed)?;
                many(&users, &records, fields, view)?
            }
            Asked::OpenApi => {
                body::refuse(&body)?;
                Representation::json(openapi::document())
            }
        };
        Ok(representation::respond(&received.head.headers, sent).await)
    }

    async fn user(&self, user: &Id, fields: Fields, view: &View) -> Result<Representation, Problem> {
        let answer = |record: Option<UserRecord>| one(record.as_ref(), fields, view, || format!("the id {user}"));
        self.about(user, Form::Native(fields), store_failed, answer).await
    }

    /// What `answer` makes of a user's record, or what it made of it before.
    pub(crate) async fn about<E>(
        &self,
        user: &Id,
        form: Form,
        failed: impl FnOnce(StoreError) -> E,
        answer: impl FnOnce(Option<UserRecord>) -> Result<Bytes, E>,
    ) -> Result<Representation, E> {
        if let Some(hot) = &self.hot {
            let read = || self.store.get(user).map_err(failed).and_then(answer).map(Ready::new);
            return hot.get_or_read(user, form, read).map(Representation::from);
        }
        let record = self.store.fetch(user).await.map_err(failed)?;
        answer(record).map(Representation::json)
    }

    async fn batch(&self, received: &Received<'_>, body: Incoming) -> Result<Representation, Problem> {
        body::check_json(&received.head.headers)?;
        let batch = batch::parse(&self.read_body(received, body, BATCH_BYTES_MAX).await?)?;
        let records = batch::fetch(&self.store, &batch.users).await.map_err(store_failed)?;
        // It has no address that would give the same again.
        Ok(Representation { validator: Validator::None, ..many(&batch.users, &records, batch.fields, received.view)? })
    }

    async fn page(
        &self,
        received: &Received<'_>,
        body: &Incoming,
        asked: PageAsked,
    ) -> Result<Response<AnswerBody>, Problem> {
        body::refuse(body)?;
        let pages = self.pages.as_ref().ok_or(Problem::NoSuchPath)?;
        let page = pages.answer(asked, &self.store, received.view).await;
        Ok(pages.respond(&received.head.headers, page).await)
    }

    /// The user as they are and each change from then on, if they can be shown now.
    async fn follow(
        &self,
        received: &Received<'_>,
        body: &Incoming,
        user: Id,
        fields: Fields,
    ) -> Result<Response<AnswerBody>, Problem> {
        body::refuse(body)?;
        let mut opened = self.events.open(user.clone()).ok_or(Problem::TooManyStreams)?;
        let latest = opened.look().await.map_err(store_failed)?;
        latest.found().or_problem(latest.is_complete(), || format!("the id {user}"))?;
        let head = received.head;
        let known = head.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        Ok(stream_response(&head.method, opened.stream(fields, known)))
    }

    /// What a page of another origin may ask here.
    fn preflight(&self, request: &HeaderMap) -> Response<AnswerBody> {
        let mut response = Response::new(whole(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.cors.allow(request, response.headers_mut());
        response
    }

    fn add_headers(&self, received: &Received<'_>, response: &mut Response<AnswerBody>) {
        let (view, headers) = (received.view, response.headers_mut());
        self.cors.share(&received.head.headers, headers);
        let age = view.age_ms(now_ms()).map_or(UNKNOWN_AGE, HeaderValue::from);
        headers.insert(AGE_HEADER, age);
        headers.insert(POSITIONS_HEADER, view.positions.clone());
        if let Some(quota) = received.quota {
            quota.add_headers(headers);
        }
        if self.stopping.load(Ordering::Relaxed) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

fn one(
    record: Option<&UserRecord>,
    fields: Fields,
    view: &View,
    asked: impl FnOnce() -> String,
) -> Result<Bytes, Problem> {
    let shown = Found::of(record).or_problem(view.complete, asked)?;
    Ok(json(&UserAnswer::new(shown, fields)))
}

fn many(users: &[Id], records: &[Option<UserRecord>], fields: Fields, view: &View) -> Result<Representation, Problem> {
    let mut answer = UsersAnswer::default();
    for (user, record) in users.iter().zip(records) {
        match Found::of(record.as_ref()) {
            Found::Shown(shown) => answer.users.push(UserAnswer::new(shown, fields)),
            Found::Suspended(user) => answer.withheld.push(Withheld::suspended(user)),
            Found::Deactivated(user) => answer.withheld.push(Withheld::deactivated(user)),
            Found::Unknown if !view.complete => return Err(Problem::NotCaughtUp),
            Found::Unknown => answer.unknown.push(user.as_str()),
        }
    }
    Ok(Representation::json(json(&answer)))
}

fn route_of(asked: Option<&Asked>) -> Route {
    match asked {
        Some(Asked::User(..)) => Route::User,
        Some(Asked::Users(..)) => Route::Users,
        Some(Asked::Username(..)) => Route::Username,
        Some(Asked::Batch) => Route::Batch,
        Some(Asked::Events(..)) => Route::Events,
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
