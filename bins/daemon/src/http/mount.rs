//! Several protocols on one listener: a request goes to the service with the longest matching path prefix.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Any response body, boxed.
pub type BoxBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

type Answer = Pin<Box<dyn Future<Output = Result<Response<BoxBody>, BoxError>> + Send>>;
type Route<R> = Arc<dyn Fn(Request<R>) -> Answer + Send + Sync>;

/// Services side by side. Paths are passed on whole: a prefix selects, it is not cut off.
///
/// `/api` matches `/api`, `/api/` and `/api/devices`, not `/apis`. What no service matches is 404.
pub struct Mount<R = Incoming> {
    routes: Arc<Vec<(String, Route<R>)>>,
}

impl<R: Send + 'static> Mount<R> {
    /// A mount without services.
    #[must_use]
    pub fn new() -> Self {
        Self { routes: Arc::new(Vec::new()) }
    }

    /// Adds a service under a prefix; `/` takes all that no other service matches.
    #[must_use]
    pub fn at<S, B>(self, prefix: &str, service: S) -> Self
    where
        S: Service<Request<R>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let route: Route<R> = Arc::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                let response = service.call(request).await.map_err(Into::into)?;
                Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
            })
        });
        let mut routes: Vec<_> = self.routes.iter().cloned().collect();
        routes.push((prefix.trim_end_matches('/').to_owned(), route));
        // Longest first, so that the first match is the right one.
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self { routes: Arc::new(routes) }
    }
}

fn matches(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl<R: Send + 'static> Default for Mount<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for Mount<R> {
    fn clone(&self) -> Self {
        Self { routes: self.routes.clone() }
    }
}

impl<R> fmt::Debug for Mount<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|(prefix, _)| prefix)).finish()
    }
}

impl<R: Send + 'static> Service<Request<R>> for Mount<R> {
    type Response = Response<BoxBody>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Answer {
        match self.routes.iter().find(|(prefix, _)| matches(prefix, request.uri().path())) {
            Some((_, route)) => route(request),
            None => Box::pin(std::future::ready(Ok(text(StatusCode::NOT_FOUND, "not found\n")))),
        }
    }
}

/// A body of bytes, boxed.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> BoxBody {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A plain-text response.
#[must_use]
pub fn text(status: StatusCode, words: impl Into<Bytes>) -> Response<BoxBody> {
    let mut response = Response::new(full(words));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
