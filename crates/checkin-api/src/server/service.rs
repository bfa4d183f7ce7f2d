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
use tower_service::Service;

use super::access::{Caller, admit};
use super::observer::Rejection;
use super::reply::{self, ReplyBody};
use super::route::{Found, Operation, Rule};
use super::store::CheckInStore;
use super::{CheckInServer, Settings, Shared, body, reading, routes};
use crate::Refusal;

impl<S: CheckInStore, B> Service<Request<B>> for CheckInServer<S>
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

/// A request whose route is known and whose caller may go there.
#[derive(Debug)]
pub(crate) struct Call<'a, S> {
    pub(super) shared: &'a Shared<S>,
    pub(super) settings: &'a Settings,
    pub(super) parts: &'a Parts,
    /// The segments of the path that vary, as they stand in it.
    pub(super) segments: &'a [String],
    /// Whose key was shown; nobody's on public routes.
    pub(super) caller: Option<Caller>,
    pub(super) now: jiff::Timestamp,
}

impl<S: CheckInStore> Shared<S> {
    async fn answer<B>(&self, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let (parts, body) = request.into_parts();
        let settings = self.settings();
        let found = self.router.find(&settings, &parts.method, parts.uri.path());
        let operation = match &found {
            Found::Rule(rule, _) => Some(rule.operation),
            _ => None,
        };
        let response = self.respond(&settings, &parts, body, found).await;
        if let Some(observer) = &self.environment.observer {
            observer.answered(operation, response.status());
        }
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }

    async fn respond<B>(
        &self,
        settings: &Settings,
        parts: &Parts,
        body: B,
        found: Found,
    ) -> Response<ReplyBody>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let mut body = Some(body);
        let mut response = match found {
            Found::Nothing => reply::refuse(&Refusal::new(404, "not found")),
            Found::OtherMethods(allowed) => reply::methods(allowed, parts.method == Method::OPTIONS),
            Found::Rule(rule, segments) => {
                match self.perform(settings, parts, &mut body, rule, &segments).await {
                    Ok(response) => response,
                    Err(refusal) => {
                        self.note_refusal(rule.operation, &refusal);
                        let mut response = reply::refuse(&refusal);
                        // The body was left in the middle, or does not end where it says.
                        if matches!(refusal.status, 408 | 413) || ambiguous(parts) {
                            reply::close(&mut response);
                        }
                        response
                    }
                }
            }
        };
        if let Some(unread) = body
            && !body::drain(unread, &parts.headers).await
        {
            reply::close(&mut response);
        }
        response
    }

    async fn perform<B>(
        &self,
        settings: &Settings,
        parts: &Parts,
        body: &mut Option<B>,
        rule: Rule,
        segments: &[String],
    ) -> Result<Response<ReplyBody>, Refusal>
    where
        B: Body + Send,
        B::Data: Send,
    {
        if ambiguous(parts) {
            return Err(Refusal::new(400, "Content-Length together with Transfer-Encoding"));
        }
        let now = self.environment.clock.now();
        let (headers, store) = (&parts.headers, &self.store);
        let caller = admit(rule.access, headers, settings, &self.known_keys, store, now).await?;
        let call = Call { shared: self, settings, parts, segments, caller, now };
        match rule.operation {
            Operation::Submit => routes::submit::one(&call, read(&call, body, settings.max_body_bytes)).await,
            Operation::SubmitBatch => {
                routes::batch::many(&call, read(&call, body, settings.max_batch_bytes)).await
            }
            Operation::Status => Ok(routes::public::status()),
            Operation::Health => Ok(routes::public::status()),
            Operation::OpenApi => Ok(routes::public::openapi()),
            Operation::Ready => Ok(routes::public::ready(&call).await),
            question => reading::answer(&call, question).await,
        }
    }

    fn note_refusal(&self, operation: Operation, refusal: &Refusal) {
        if matches!(operation, Operation::Submit | Operation::SubmitBatch) {
            self.observe_rejection(Rejection::of(refusal.status));
        }
    }

    pub(super) fn observe_rejection(&self, reason: Rejection) {
        if let Some(observer) = &self.environment.observer {
            observer.rejected(reason);
        }
    }
}

/// Two lengths for one body are a smuggling attempt. Servers that drop one of them before a service sees it must refuse such a
/// request themselves, as the receiver's listener does.
fn ambiguous(parts: &Parts) -> bool {
    let headers = &parts.headers;
    headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH)
}

async fn read<S, B: Body>(call: &Call<'_, S>, body: &mut Option<B>, limit: usize) -> Result<Bytes, Refusal> {
    let Some(body) = body.take() else { return Ok(Bytes::new()) };
    body::collect(body, &call.parts.headers, limit, call.settings.body_deadline).await
}

/// The answer to `HEAD`: that to `GET`, with its length and without its body.
fn without_body(response: Response<ReplyBody>) -> Response<ReplyBody> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, reply::full(Bytes::new()))
}
