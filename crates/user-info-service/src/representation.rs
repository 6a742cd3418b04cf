//! A body on its way out: not at all if the client has it already, packed if that pays.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::answer::{etag, matches};
use crate::body::{AnswerBody, whole};
use crate::encoding::{Coding, PACKED_BYTES_MIN};
use crate::hot::Ready;
use crate::public::JSON;

/// Bodies from here on are packed on a thread of their own: it takes up to some milliseconds, and others wait
/// for this one.
const ASIDE_BYTES_MIN: usize = 32 * 1024;

/// An answer may be kept, and is asked for again before it is used.
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// What is sent to who asks for it.
pub struct Representation {
    /// The bytes, not packed.
    pub body: Bytes,
    /// What they are.
    pub kind: HeaderValue,
    /// What a client can ask with whether it has changed.
    pub validator: Validator,
}

/// The entity tag of a body.
#[derive(Clone, Debug)]
pub enum Validator {
    /// The one that follows from its bytes.
    Computed,
    /// This one, computed before.
    Known(HeaderValue),
    /// None, because no address would give the same again.
    None,
}

impl Representation {
    /// An answer that the same address gives again while nothing changes.
    pub fn json(body: Bytes) -> Self {
        Self { body, kind: JSON, validator: Validator::Computed }
    }
}

impl From<Ready> for Representation {
    fn from(ready: Ready) -> Self {
        Self { body: ready.body, kind: JSON, validator: Validator::Known(ready.etag) }
    }
}

/// The answer to a request with these headers.
pub async fn respond(request: &HeaderMap, sent: Representation) -> Response<AnswerBody> {
    let packable = sent.body.len() >= PACKED_BYTES_MIN;
    let coding = if packable { Coding::accepted(values(request, &header::ACCEPT_ENCODING)) } else { None };
    let etag = match &sent.validator {
        Validator::Computed => Some(etag(&sent.body)),
        Validator::Known(etag) => Some(etag.clone()),
        Validator::None => None,
    };
    let is_known = etag.as_ref().is_some_and(|etag| is_known(request, etag));
    let mut response = if is_known { not_modified() } else { fresh(sent, coding).await };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    if let Some(etag) = etag {
        headers.insert(header::ETAG, for_coding(etag, coding));
    }
    if packable {
        headers.insert(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
    }
    response
}

fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let etag = text(etag);
    values(request, &header::IF_NONE_MATCH).any(|asked| matches(asked, etag))
}

/// The values of a header, as far as they are text.
pub(crate) fn values<'request>(
    request: &'request HeaderMap,
    name: &'request HeaderName,
) -> impl Iterator<Item = &'request str> {
    request.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

/// Weak if the body is packed: its bytes are others, what they say is the same (RFC 9110, section 8.8.1).
fn for_coding(etag: HeaderValue, coding: Option<Coding>) -> HeaderValue {
    match coding {
        None => etag,
        Some(_) => HeaderValue::try_from(format!("W/{}", text(&etag))).expect("an entity tag is visible ASCII"),
    }
}

fn text(etag: &HeaderValue) -> &str {
    etag.to_str().expect("an entity tag is visible ASCII")
}

fn not_modified() -> Response<AnswerBody> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

async fn fresh(sent: Representation, coding: Option<Coding>) -> Response<AnswerBody> {
    let mut response = match coding {
        None => Response::new(whole(sent.body)),
        // On the heap: every request would carry its room otherwise.
        Some(coding) => Box::pin(packed(coding, sent.body)).await,
    };
    response.headers_mut().insert(header::CONTENT_TYPE, sent.kind);
    response
}

async fn packed(coding: Coding, body: Bytes) -> Response<AnswerBody> {
    let body = if body.len() < ASIDE_BYTES_MIN {
        coding.pack(&body)
    } else {
        let packing = tokio::task::spawn_blocking(move || coding.pack(&body));
        packing.await.expect("packing does not panic")
    };
    let mut response = Response::new(whole(body));
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    response
}
