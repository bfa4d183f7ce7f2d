//! Answers, as they go out.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::Refusal;

/// An answer that says yes.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Reply {
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", body: body.into() }
    }

    pub(crate) fn created(body: Vec<u8>) -> Self {
        Self { status: StatusCode::CREATED, content_type: "application/json", body: body.into() }
    }

    pub(crate) fn static_json(body: &'static [u8]) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", body: Bytes::from_static(body) }
    }

    pub(crate) fn text(body: String) -> Self {
        Self { status: StatusCode::OK, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // Answers hold secrets or the state of the moment.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// An answer that says no.
pub(crate) fn refuse(refusal: &Refusal) -> Response<Full<Bytes>> {
    refuse_with_body(refusal, refusal.encode())
}

pub(crate) fn refuse_with_body(refusal: &Refusal, body: Vec<u8>) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Reply::json(body).with_status(status).into_response();
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    match refusal.status {
        401 => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"meeting\""));
        }
        // The rest of the body is not read; the connection cannot serve another request.
        408 | 413 => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}

/// 405, or the answer to `OPTIONS`.
pub(crate) fn methods(allowed: &str, asked: bool) -> Response<Full<Bytes>> {
    let mut response = if asked {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        refuse(&Refusal::new(405, "Method not allowed"))
    };
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
