//! The headers of pages: what a browser may load, run and frame, and how long it may keep what it got.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::images::ImageOrigin;
use crate::answer::Problem;
use crate::body::{AnswerBody, whole};
use crate::refusal::Refusal;
use crate::representation::{self, Representation, Validator};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// Pictures follow from the id alone, so a day could be longer; but they may be drawn better some day.
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// What stands at a path that its content decides.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A picture loads and runs nothing, also when it is opened as a page.
const PICTURE_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// What a page's answer is.
#[derive(Debug)]
pub struct PageAnswer {
    pub(super) body: Bytes,
    pub(super) kind: Kind,
    /// Why it is not what was asked for; decides the status.
    pub(super) problem: Option<Problem>,
}

/// What browsers may do with it.
#[derive(Debug)]
pub(super) enum Kind {
    /// A page of ours, which nobody may frame.
    Page,
    /// The operator's own page, whose rules are the operator's.
    Foreign,
    /// A home card, which everybody may.
    Card,
    /// A generated picture.
    Picture,
    /// What pages refer to, of this content type.
    Asset(HeaderValue),
}

/// The Content-Security-Policies of one configuration.
#[derive(Debug)]
pub(super) struct Policies {
    page: HeaderValue,
    card: HeaderValue,
}

impl Policies {
    pub(super) fn new(images: &[ImageOrigin]) -> Self {
        let images: String = images.iter().map(|origin| format!(" {}", origin.as_str())).collect();
        let policy = |ancestors: &str| {
            let text = format!(
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'{images}; \
                 frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
            );
            HeaderValue::from_str(&text).expect("origins of images are visible ASCII")
        };
        Self { page: policy("'none'"), card: policy("*") }
    }
}

impl PageAnswer {
    /// As an answer to a request with these headers.
    pub(super) async fn into_response(self, request: &HeaderMap, policies: &Policies) -> Response<AnswerBody> {
        let kind = match &self.kind {
            Kind::Page | Kind::Foreign | Kind::Card => HTML,
            Kind::Picture => SVG,
            Kind::Asset(kind) => kind.clone(),
        };
        let mut response = match &self.problem {
            None => {
                let sent = Representation { body: self.body, kind, validator: Validator::Computed };
                representation::respond(request, sent).await
            }
            Some(problem) => {
                let mut response = Refusal::from(problem).response();
                *response.body_mut() = whole(self.body);
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
        };
        add_headers(response.headers_mut(), &self.kind, policies);
        response
    }
}

fn add_headers(headers: &mut HeaderMap, kind: &Kind, policies: &Policies) {
    let set =
        |headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue| drop(headers.insert(name, value.clone()));
    set(headers, header::X_CONTENT_TYPE_OPTIONS, &HeaderValue::from_static("nosniff"));
    set(headers, header::REFERRER_POLICY, &HeaderValue::from_static("no-referrer"));
    match kind {
        Kind::Page => {
            set(headers, header::CONTENT_SECURITY_POLICY, &policies.page);
            set(headers, header::X_FRAME_OPTIONS, &HeaderValue::from_static("DENY"));
        }
        Kind::Card => set(headers, header::CONTENT_SECURITY_POLICY, &policies.card),
        Kind::Foreign => {}
        Kind::Picture => {
            set(headers, header::CONTENT_SECURITY_POLICY, &PICTURE_POLICY);
            set(headers, header::CACHE_CONTROL, &A_DAY);
        }
        Kind::Asset(_) => set(headers, header::CACHE_CONTROL, &FOR_EVER),
    }
}
