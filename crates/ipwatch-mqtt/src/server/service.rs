//! One request from its head to its answer: route, key, limits, body, operation.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_exchange::body::{self, BodyError, BodyLimits};
use tower_service::Service;

use super::access::{Caller, admit};
use super::fleet::Fleet;
use super::refusal::Refusal;
use super::reply::{self, ReplyBody};
use super::route::{Found, Rule};
use super::store::Store;
use super::{IpWatchServer, Settings, Shared, routes};

/// Of a body that nobody wants so much is read and thrown away.
const MAX_DRAINED_BYTES: u64 = 1024 * 1024;

impl<S: Store, F: Fleet, B> Service<Request<B>> for IpWatchServer<S, F>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}

/// A request whose route is known, whose caller may go there, and whose body is read.
#[derive(Debug)]
pub(super) struct Call<'a, S, F> {
    pub(super) shared: &'a Arc<Shared<S, F>>,
    pub(super) settings: &'a Arc<Settings>,
    pub(super) parts: &'a Parts,
    pub(super) body: Bytes,
    segment: Option<&'a str>,
    caller: Option<Caller>,
}

impl<S, F> Call<'_, S, F> {
    /// The segment of the path that varies, read.
    pub(super) fn segment<T: std::str::FromStr>(&self) -> Option<T> {
        routes::decoded(self.segment?)?.parse().ok()
    }

    /// Whose key was shown; the table gives one to every operation that asks.
    pub(super) fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(|| Refusal::new(401, "key_refused", "the key is refused"))
    }
}

impl<S: Store, F: Fleet> Shared<S, F> {
    async fn answer<B>(self: &Arc<Self>, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let (parts, body) = request.into_parts();
        let settings = self.settings();
        let mut body = Some(body);
        let mut response = match self.router.find(&parts.method, parts.uri.path()) {
            Found::Nothing => reply::refuse(&Refusal::not_found()),
            Found::OtherMethods(allowed) => reply::methods(&allowed, parts.method == Method::OPTIONS),
            Found::Rule(rule, segment) => {
                match self.perform(&settings, &parts, &mut body, rule, segment.as_deref()).await {
                    Ok(response) => response,
                    Err(refusal) => {
                        let mut response = reply::refuse(&refusal);
                        // The body was left in the middle, or does not end where it says.
                        if matches!(refusal.status, 408 | 413) || ambiguous(&parts) {
                            reply::close(&mut response);
                        }
                        response
                    }
                }
            }
        };
        if let Some(unread) = body
            && !body::drain(unread, &parts.headers, MAX_DRAINED_BYTES).await
        {
            reply::close(&mut response);
        }
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }

    async fn perform<B>(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        parts: &Parts,
        body: &mut Option<B>,
        rule: Rule,
        segment: Option<&str>,
    ) -> Result<Response<ReplyBody>, Refusal>
    where
        B: Body + Send,
        B::Data: Send,
    {
        if ambiguous(parts) {
            return Err(Refusal::invalid("Content-Length together with Transfer-Encoding"));
        }
        let now = self.environment.clock.now();
        let caller = admit(rule.access, &parts.headers, settings, &self.known_keys, &self.store, now).await?;
        let body = match body.take() {
            Some(body) => read(body, parts, settings).await?,
            None => Bytes::new(),
        };
        let call = Call { shared: self, settings, parts, body, segment, caller };
        routes::perform(rule.operation, &call).await
    }
}

async fn read<B: Body>(body: B, parts: &Parts, settings: &Settings) -> Result<Bytes, Refusal> {
    let limits = BodyLimits {
        kept_bytes: settings.max_body_bytes,
        drained_bytes: MAX_DRAINED_BYTES,
        time: settings.body_deadline,
    };
    body::collect(body, &parts.headers, limits).await.map_err(|error| {
        let code = match error {
            BodyError::TooLong => "too_long",
            BodyError::Late => "too_late",
            _ => "broken_off",
        };
        Refusal::new(error.status(), code, error.to_string())
    })
}

/// Two lengths for one body are a smuggling attempt. Servers that drop one of them before a service sees it must refuse such a request
/// themselves, as the receiver's listener does.
fn ambiguous(parts: &Parts) -> bool {
    let headers = &parts.headers;
    headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH)
}

/// The answer to `HEAD`: that to `GET`, with its length and without its body.
fn without_body(response: Response<ReplyBody>) -> Response<ReplyBody> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, reply::full(Bytes::new()))
}
