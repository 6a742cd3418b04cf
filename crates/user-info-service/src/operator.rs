//! The operator's page, at `/` of the operator's address: is the service healthy, and if not, why; how it went in the last hour and
//! day; where every partition stands.
//!
//! `health` judges and `charts` draws, both from values that are handed in; `page` fills the template. The page is whole
//! without JavaScript; a script of ours renews it in place. Nothing in it comes from another host or stands inline, so the policy
//! that goes with it is strict. Whatever comes from records is escaped by the template.
//!
//! Invariant: a page costs what it shows, and makes ingest wait for nothing: it reads immutable values and asks the store what
//! `/status` asks.

pub(crate) mod charts;
mod health;
mod page;
mod partitions;
mod plot;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::admin::{Admin, aside, store_failed};
use crate::encoding::Coding;
use crate::history::Range;
use crate::representation::values;

/// Nothing but what this address serves; no inline script, no inline style, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What goes with everything that a browser shows.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
];

/// The page and what belongs to it.
pub(crate) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/", get(show))
        .route("/operator.css", get(|| asset("text/css; charset=utf-8", include_str!("../assets/operator.css"))))
        .route("/operator.js", get(|| asset("text/javascript; charset=utf-8", include_str!("../assets/operator.js"))))
        .route("/operator.svg", get(|| asset("image/svg+xml", include_str!("../assets/operator.svg"))))
}

async fn show(State(admin): State<Arc<Admin>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let answers = admin.store.answers().await;
    let range = range_of(query.as_deref().unwrap_or_default());
    let rendered = aside(move || {
        let page = page::render(&admin, &admin.status(answers)?, range);
        Ok(packed(page, Coding::accepted(values(&headers, &ACCEPT_ENCODING))))
    });
    match rendered.await {
        Ok(page) => asset("text/html; charset=utf-8", page).await,
        Err(error) => store_failed(&error),
    }
}

/// A page is read over and over, and three quarters of it are the numbers of lines.
fn packed(page: String, coding: Option<Coding>) -> Response {
    let vary = [(VARY, ACCEPT_ENCODING.as_str())];
    match coding {
        None => (vary, page).into_response(),
        Some(coding) => (vary, [(CONTENT_ENCODING, coding.name())], coding.pack(page.as_bytes())).into_response(),
    }
}

async fn asset(kind: &'static str, body: impl IntoResponse) -> Response {
    (HEADERS, [(CONTENT_TYPE, kind)], body).into_response()
}

fn range_of(query: &str) -> Range {
    if query.split('&').any(|pair| pair == "range=day") { Range::Day } else { Range::Hour }
}
