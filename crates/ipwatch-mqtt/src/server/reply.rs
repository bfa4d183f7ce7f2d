//! Answers, as they go out.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde::Serialize;

use super::access::KEY_MISSING;
use super::refusal::Refusal;
use super::store::StoreError;

/// The body of an answer: whole, or a stream of events.
pub type ReplyBody = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) fn full(bytes: impl Into<Bytes>) -> ReplyBody {
    Full::new(bytes.into()).boxed_unsync()
}

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
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<ReplyBody> {
    match serde_json::to_vec(value) {
        Ok(body) => reply(status, "application/json", body),
        Err(_) => refuse(&Refusal::new(500, "internal", "the answer cannot be written")),
    }
}

/// An answer without anything to say.
pub(crate) fn no_content() -> Response<ReplyBody> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An answer that says no. Choice: IM-87.
pub(crate) fn refuse(refusal: &Refusal) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = reply(status, "application/json", refusal.encode());
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if refusal.status == 401 {
        let challenge = if refusal.code == KEY_MISSING {
            "Bearer realm=\"ipwatch\""
        } else {
            "Bearer realm=\"ipwatch\", error=\"invalid_token\""
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
pub(crate) fn methods(allowed: &str, asked: bool) -> Response<ReplyBody> {
    let mut response = if asked {
        no_content()
    } else {
        refuse(&Refusal::new(405, "method_not_allowed", "method not allowed"))
    };
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// 503: the store does not do its work now. What it says is for the log.
pub(crate) fn unavailable(error: &StoreError) -> Refusal {
    tracing::error!(%error, "the store fails");
    Refusal::new(503, "database", "the database is not available").with_retry_after(error.retry_after())
}
