//! Small bodies of requests, read within limits of size and time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

/// Longest body in bytes. A hundred usernames of 256 bytes, percent-encoded, take 77 KB.
pub const BODY_BYTES_MAX: usize = 128 * 1024;

/// How long a body may take to arrive: that of the largest one over a slow phone.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than [`BODY_BYTES_MAX`].
    TooLarge,
    /// It did not arrive within [`BODY_TIMEOUT`], or broke off.
    Incomplete,
}

/// Reads a body. What follows one that was not read is no request, so the connection must be closed then.
pub async fn read(body: Incoming) -> Result<Bytes, BodyError> {
    let collected = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) | Err(_) => Err(BodyError::Incomplete),
    }
}
