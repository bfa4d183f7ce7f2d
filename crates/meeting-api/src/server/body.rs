//! Request bodies: bounded in size and time (threat R3).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_exchange::body::{self, BodyError, BodyLimits};

use crate::Refusal;

/// Of a body that is too large so much is read and thrown away.
const MAX_DRAINED_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a body whole.
///
/// # Errors
/// A refusal with 413 for a body above the limit, 408 for one that does not end in time, 400 for one that breaks off.
///
/// Choice: MA-52.
pub(crate) async fn collect<B: Body>(
    body: B,
    headers: &HeaderMap,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, Refusal> {
    let limits = BodyLimits { kept_bytes: limit, drained_bytes: MAX_DRAINED_BYTES, time: deadline };
    body::collect(body, headers, limits).await.map_err(|error| {
        let words = match error {
            BodyError::TooLong => format!("Body larger than {limit} bytes"),
            BodyError::Late => "Body not complete in time".to_owned(),
            _ => "Body breaks off".to_owned(),
        };
        Refusal::new(error.status(), words)
    })
}
