//! Request bodies: bounded in size and time, and never left where they could be taken for the next request (threat C5).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_exchange::body::{self, BodyError, BodyLimits};

use crate::Refusal;

/// Of a body that nobody wants so much is read and thrown away. Choice: CI-31.
const MAX_DRAINED_BYTES: u64 = 1024 * 1024;

/// Reads a body whole.
///
/// # Errors
/// 413 for a body above the limit, 408 for one that does not end in time, 400 for one that breaks off.
pub(super) async fn collect<B: Body>(
    body: B,
    headers: &HeaderMap,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Refusal> {
    let limits = BodyLimits { kept_bytes: limit, drained_bytes: MAX_DRAINED_BYTES, time: deadline };
    body::collect(body, headers, limits).await.map_err(|error| match error {
        BodyError::TooLong => Refusal::new(413, format!("the body is larger than {limit} bytes")),
        error => Refusal::new(error.status(), error.to_string()),
    })
}

/// Reads the body of a request that is refused already and throws it away; whether that came to its end.
pub(super) async fn drain<B: Body>(body: B, headers: &HeaderMap) -> bool {
    body::drain(body, headers, MAX_DRAINED_BYTES).await
}
