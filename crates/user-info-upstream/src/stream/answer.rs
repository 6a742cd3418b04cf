//! What the status of a server's answer means to a client of the stream, and what its farewell does.

use hyper::StatusCode;

/// What to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Read it.
    Follow,
    /// Try again, later and later: it may pass.
    Retry,
    /// Try again, much later: the server says that the client comes too often.
    RateLimited,
    /// Give up: it does not pass by itself.
    Fatal {
        /// What to do next.
        next: &'static str,
    },
}

/// Twitter's own way to say what 429 says elsewhere.
const ENHANCE_YOUR_CALM: u16 = 420;

/// Judges a status. Fatal is what Twitter's client or the most used ones of others give up at.
pub fn judge(status: StatusCode) -> Verdict {
    let fatal = |next| Verdict::Fatal { next };
    match status.as_u16() {
        200 => Verdict::Follow,
        ENHANCE_YOUR_CALM | 429 => Verdict::RateLimited,
        401 => {
            fatal("it does not accept the credentials: check --stream-bearer-token or the OAuth keys, and the clock")
        }
        403 => fatal("the account may not read this stream: ask its operator, or use other credentials"),
        404 => fatal("there is no such stream: check the path in --stream"),
        410 => fatal("this stream was shut down: name another one in --stream"),
        400 => fatal("it does not understand the request: check the credentials and what follows the ? in --stream"),
        406 | 413 | 416 | 422 => fatal("it does not accept the parameters: check what follows the ? in --stream"),
        _ => Verdict::Retry,
    }
}

/// What Twitter's code of a disconnect message stands for.
pub fn disconnect_reason(code: Option<u64>) -> &'static str {
    match code {
        Some(1) => "the server is shut down",
        Some(2) => "the account connected once too often",
        Some(3) => "it was asked for",
        Some(4) => "this client reads too slowly",
        Some(5) => "normal end",
        Some(6) => "the token was revoked",
        Some(7) => "the account connected elsewhere",
        Some(9) => "the most messages there are for a connection were sent",
        Some(10) => "failure in the server",
        Some(11) => "the server's own source stalled",
        Some(12) => "the server is overloaded",
        Some(_) | None => "unknown reason",
    }
}
