//! The HTTP front of a peer: the service's own code for connections, requests and answers, with another place to look a user up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::try_join_all;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_core::Id;
use user_info_service::answer::{Problem, UserAnswer, UsersAnswer, Withheld, json};
use user_info_service::body::{AnswerBody, whole};
use user_info_service::fields::Fields;
use user_info_service::found::Found;
use user_info_service::listen::{self, Closing, ConnectionCounts, ListenLimits};
use user_info_service::representation::{Representation, respond};
use user_info_service::request::{self, Asked};

use super::feed::Standing;
use super::gateway::Gateway;
use super::page::Page;
use super::tables::Tables;

/// How long clients have to take their last answers.
const GRACE: Duration = Duration::from_secs(1);

/// Where a peer looks a user up.
pub(super) enum Source {
    Tables(Tables),
    Gateway(Box<Gateway>),
}

/// Answers until told to stop.
pub(super) async fn serve(listener: TcpListener, source: Source, stop: CancellationToken) {
    let source = Arc::new(source);
    let service_for = move |_| {
        let source = Arc::clone(&source);
        service_fn(move |request: Request<Incoming>| {
            let source = Arc::clone(&source);
            async move { Ok::<_, Infallible>(answer(&source, &request).await) }
        })
    };
    let closing = Closing { signal: stop, grace: GRACE };
    listen::serve(listener, None, service_for, ListenLimits::default(), ConnectionCounts::default(), closing).await;
}

/// `/ready` is 200 once everything that the topics hold is in the tables, as with all peers.
pub(super) fn readiness(standing: &Standing) -> Response<AnswerBody> {
    let status = if standing.is_at_end() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    bare(status)
}

pub(super) fn bare(status: StatusCode) -> Response<AnswerBody> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

async fn answer(source: &Source, request: &Request<Incoming>) -> Response<AnswerBody> {
    if request.uri().path() == "/ready" {
        return source.readiness().await;
    }
    match body(source, request).await {
        Ok(body) => respond(request.headers(), Representation::json(body)).await,
        Err(problem) => refusal(&problem),
    }
}

async fn body(source: &Source, request: &Request<Incoming>) -> Result<Bytes, Problem> {
    match request::read(request.method(), request.uri().path(), request.uri().query())? {
        Asked::User(user, fields) => source.body(&user, fields).await,
        Asked::Users(users, fields) => many(source, &users, fields).await,
        Asked::Events(..) | Asked::Username(..) | Asked::Batch | Asked::OpenApi | Asked::Page(_) => {
            Err(Problem::NoSuchPath)
        }
    }
}

/// Of one user; as bytes, so that a cache can keep them.
pub(super) fn rendered(page: Option<&Page>, user: &Id, fields: Fields) -> Result<Bytes, Problem> {
    let found = page.map_or(Found::Unknown, Page::found);
    let shown = found.or_problem(true, || format!("user {user}"))?;
    Ok(json(&UserAnswer::new(shown, fields)))
}

async fn many(source: &Source, users: &[Id], fields: Fields) -> Result<Bytes, Problem> {
    let pages = try_join_all(users.iter().map(|user| source.page(user))).await.map_err(|error| failed(&error))?;
    let mut answer = UsersAnswer::default();
    for (user, page) in users.iter().zip(&pages) {
        match page.as_ref().map_or(Found::Unknown, Page::found) {
            Found::Shown(shown) => answer.users.push(UserAnswer::new(shown, fields)),
            Found::Suspended(user) => answer.withheld.push(Withheld::suspended(user)),
            Found::Deactivated(user) => answer.withheld.push(Withheld::deactivated(user)),
            Found::Unknown => answer.unknown.push(user.as_str()),
        }
    }
    Ok(json(&answer))
}

/// What went wrong goes to standard error, once for each request: a peer that fails is not measured.
#[expect(clippy::print_stderr, reason = "a peer has no other way to say it")]
pub(super) fn failed(error: &anyhow::Error) -> Problem {
    eprintln!("a request failed: {error:#}");
    Problem::StoreFailed
}

fn refusal(problem: &Problem) -> Response<AnswerBody> {
    let mut response = Response::new(whole(problem.body()));
    *response.status_mut() = problem.status();
    response
}

impl Source {
    async fn readiness(&self) -> Response<AnswerBody> {
        match self {
            Self::Tables(tables) => readiness(&tables.standing),
            Self::Gateway(gateway) => bare(gateway.readiness().await),
        }
    }

    async fn body(&self, user: &Id, fields: Fields) -> Result<Bytes, Problem> {
        match self {
            Self::Tables(tables) => {
                let page = tables.page(user).await.map_err(|error| failed(&error))?;
                rendered(page.as_ref(), user, fields)
            }
            Self::Gateway(gateway) => gateway.body(user, fields).await,
        }
    }

    async fn page(&self, user: &Id) -> Result<Option<Page>> {
        match self {
            Self::Tables(tables) => tables.page(user).await,
            Self::Gateway(gateway) => gateway.page(user).await,
        }
    }
}
