//! Twitter's own APIs, so that clients which were written for them work here: v1.1 under `/1.1/`, v2 under `/2/`.
//!
//! What a request asks for and what is answered are pure functions of parameters and records ([`v1`], [`v2`]); here is the
//! shell that reads bodies and the store. Nobody has to authenticate: an `Authorization` header is taken and not checked.

pub mod links;
pub mod parameters;
pub mod v1;
pub mod v2;

use bytes::Bytes;
use futures_util::future::try_join_all;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header;
use hyper::http::request::Parts;
use user_info_core::Id;
use user_info_store::{Store, StoreError, UserRecord};

use crate::body::AnswerBody;
use crate::found::Shown;
use crate::hot::Form;
use crate::metrics::Route;
use crate::public::{Public, Received};
use crate::refusal::Refusal;
use crate::representation::{self, Representation};
use parameters::Parameters;

/// Users in one request, as Twitter published it.
pub const USERS_MAX: usize = 100;

/// Longest form in bytes. A hundred usernames of 256 bytes, percent-encoded, take 77 KB.
const FORM_BYTES_MAX: usize = 128 * 1024;

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
    /// The id, if it is one and nothing else.
    fn only_id(&self) -> Option<&Id> {
        if let ([user], []) = (&self.ids[..], &self.usernames[..]) { Some(user) } else { None }
    }

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

/// Adds who is not there yet: a user may be asked for twice, for instance by id and by name.
fn push_once<'record>(users: &mut Vec<Shown<'record>>, user: Shown<'record>) {
    if !users.iter().any(|other| other.user == user.user) {
        users.push(user);
    }
}

/// Answers a request to `api`.
pub(crate) async fn answer(
    public: &Public,
    api: Api,
    received: &Received<'_>,
    body: Incoming,
) -> (Route, Response<AnswerBody>) {
    let head = received.head;
    match api {
        Api::V1 => {
            let endpoint = v1::Endpoint::of(&head.method, head.uri.path());
            let asked = endpoint.ok_or(v1::Error::NoSuchPage);
            let answered = public.admitted(received, asked, |endpoint| show_v1(public, endpoint, received, body)).await;
            let route = endpoint.map_or(Route::Other, v1::Endpoint::route);
            (route, answered.unwrap_or_else(|error| Refusal::from(&error).response()))
        }
        Api::V2 => {
            let endpoint = v2::Endpoint::of(head.uri.path());
            let asked = v2::read(&head.method, head.uri.path(), &Parameters::read(head.uri.query(), &[]));
            let answered = public.admitted(received, asked, |asked| show_v2(public, asked, received)).await;
            let route = endpoint.map_or(Route::Other, |(endpoint, _)| endpoint.route());
            (route, answered.unwrap_or_else(|problem| Refusal::from(&problem).response()))
        }
    }
}

async fn show_v1(
    public: &Public,
    endpoint: v1::Endpoint,
    received: &Received<'_>,
    body: Incoming,
) -> Result<Response<AnswerBody>, v1::Error> {
    let head = received.head;
    let form = if has_form(head) { public.read_body(received, body, FORM_BYTES_MAX).await? } else { Bytes::new() };
    let asked = v1::read(endpoint, &Parameters::read(head.uri.query(), &form))?;
    let (complete, entities) = (received.view.complete, asked.entities);
    let sent = match (endpoint, asked.wanted.only_id()) {
        (v1::Endpoint::Show, Some(user)) => {
            let answer = |record| v1::answer(endpoint, &[record], complete, entities);
            public.about(user, Form::V1 { entities }, v1::Error::from, answer).await?
        }
        (v1::Endpoint::Show | v1::Endpoint::Lookup, _) => {
            let records = asked.wanted.fetch(&public.store).await?;
            Representation::json(v1::answer(endpoint, &records, complete, entities)?)
        }
    };
    Ok(representation::respond(&head.headers, sent).await)
}

async fn show_v2(
    public: &Public,
    asked: v2::Asked,
    received: &Received<'_>,
) -> Result<Response<AnswerBody>, v2::Problem> {
    let answer = |records: &[_]| v2::answer(&asked, records, received.view.complete, public.v2_missing_user);
    let sent = match (asked.endpoint, asked.wanted.only_id()) {
        (v2::Endpoint::User, Some(user)) => {
            let answer = |record| answer(&[record]);
            public.about(user, Form::V2(asked.fields), v2::Problem::from, answer).await?
        }
        (v2::Endpoint::User | v2::Endpoint::Users | v2::Endpoint::Username | v2::Endpoint::Usernames, _) => {
            Representation::json(answer(&asked.wanted.fetch(&public.store).await?)?)
        }
    };
    Ok(representation::respond(&received.head.headers, sent).await)
}

/// Parameters may stand in the body of a POST; whatever else comes with a request is left unread.
fn has_form(head: &Parts) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    head.method == hyper::Method::POST && kind.is_some_and(|kind| kind.trim_start().starts_with(FORM))
}
