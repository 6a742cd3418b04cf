//! As much HTTP/1.1 as answers with a length need (RFC 9112). Pure.

/// Headers of an answer; more are malformed.
const HEADERS_MAX: usize = 64;

/// Longest answer in bytes: a batch of a thousand users has 600 KB.
pub const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An answer that is there as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'bytes> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'bytes [u8],
    /// Whether the server closes the connection after it.
    pub closes: bool,
    /// Bytes of head and body.
    pub length: usize,
}

/// What is no answer of the kind that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no HTTP/1.1.
    #[error("the answer is no HTTP/1.1")]
    NotHttp,
    /// It does not say how long its body is.
    #[error("the answer has no content-length")]
    NoLength,
    /// It is longer than [`RESPONSE_BYTES_MAX`].
    #[error("the answer has more than {RESPONSE_BYTES_MAX} bytes")]
    TooLong,
}

/// Reads the answer that `bytes` begin with; `None` if more of it is to come.
pub fn parse(bytes: &[u8]) -> Result<Option<Response<'_>>, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let head_length = match head.parse(bytes).map_err(|_| Malformed::NotHttp)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial if bytes.len() > RESPONSE_BYTES_MAX => return Err(Malformed::TooLong),
        httparse::Status::Partial => return Ok(None),
    };
    let status = head.code.ok_or(Malformed::NotHttp)?;
    let body_length = if matches!(status, 204 | 304) { 0 } else { content_length(head.headers)? };
    let length = head_length.checked_add(body_length).filter(|length| *length <= RESPONSE_BYTES_MAX);
    let length = length.ok_or(Malformed::TooLong)?;
    let closes = value(head.headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    Ok(bytes.get(head_length..length).map(|body| Response { status, body, closes, length }))
}

/// The text of a header of the answer that `bytes` begin with; `None` if it has none of this name, or it is no text.
pub fn header<'bytes>(bytes: &'bytes [u8], name: &str) -> Option<&'bytes str> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    head.parse(bytes).ok()?;
    value(head.headers, name).and_then(|value| std::str::from_utf8(value).ok())
}

fn content_length(headers: &[httparse::Header<'_>]) -> Result<usize, Malformed> {
    let text = value(headers, "content-length").and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|text| text.trim().parse().ok()).ok_or(Malformed::NoLength)
}

fn value<'bytes>(headers: &[httparse::Header<'bytes>], name: &str) -> Option<&'bytes [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}
