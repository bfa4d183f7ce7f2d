//! Answers, as they go out.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use super::access::KEY_MISSING;
use super::store::StoreError;
use crate::Refusal;

/// The body of an answer: whole, or streamed and able to break off.
pub type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// A body of bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> ReplyBody {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// An answer with a body.
pub(crate) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<ReplyBody> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is said is the state of the moment.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer of JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<ReplyBody> {
    reply(status, "application/json", body)
}

/// An answer that says no. Every error looks the same: `{"error":"…"}`, with `"fields":[…]` where fields are at fault.
///
/// Source: checkin §5. Choice: CI-30.
pub(crate) fn refuse(refusal: &Refusal) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, refusal.encode());
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if refusal.status == 401 {
        let challenge = if refusal.error == KEY_MISSING {
            "Bearer realm=\"check-in\""
        } else {
            "Bearer realm=\"check-in\", error=\"invalid_token\""
        };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// The connection serves no further request: the rest of this one's body is not read.
pub(crate) fn close(response: &mut Response<ReplyBody>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// 405, or the answer to `OPTIONS`.
pub(crate) fn methods(allowed: &'static str, asked: bool) -> Response<ReplyBody> {
    let mut response = if asked {
        let mut response = Response::new(full(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        refuse(&Refusal::new(405, "method not allowed"))
    };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// 503: the store does not do its work now. What it says is for the log.
pub(crate) fn unavailable(error: &StoreError) -> Refusal {
    let words = match error {
        StoreError::Busy => "too many check-ins wait for the disk",
        _ => "the database is not available",
    };
    if !matches!(error, StoreError::Busy) {
        tracing::error!(%error, "the store fails");
    }
    Refusal::new(503, words).with_retry_after(error.retry_after())
}
