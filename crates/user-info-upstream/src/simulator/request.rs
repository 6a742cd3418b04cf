//! What a client asks of the stream, by parameters and headers. Pure.

use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

use crate::simulator::framing::Framing;
use crate::simulator::refusal::Refusal;

/// How a client wants its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamRequest {
    pub(super) framing: Framing,
    pub(super) stall_warnings: bool,
    pub(super) gzip: bool,
}

impl StreamRequest {
    /// Reads the parameters of query and form; of a repeated one the last counts, and unknown ones are ignored.
    pub(super) fn new(parameters: &[(String, String)], headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut request = Self { framing: Framing::Lines, stall_warnings: false, gzip: accepts_gzip(headers) };
        for (name, value) in parameters {
            match name.as_str() {
                "delimited" => request.framing = framing(value)?,
                "stall_warnings" => {
                    request.stall_warnings = boolean(value).ok_or(Refusal::NotAcceptable("stall_warnings"))?;
                }
                _ => {}
            }
        }
        Ok(request)
    }
}

/// Clients that can do without say so in different ways.
fn framing(value: &str) -> Result<Framing, Refusal> {
    if value.eq_ignore_ascii_case("length") {
        Ok(Framing::Length)
    } else if value.is_empty() || boolean(value) == Some(false) {
        Ok(Framing::Lines)
    } else {
        Err(Refusal::NotAcceptable("delimited"))
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Some(true),
        "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// Whether gzip is named, and not with a quality of zero.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.trim().parse() == Ok(0.0));
        matches!(name.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip") && !refused
    })
}
