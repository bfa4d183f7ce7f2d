//! One request from its head to its answer: route, body, caller, rule, operation.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::authenticate::authenticate;
use super::call::Call;
use super::forwarded::{PeerAddress, client_address};
use super::route::{Found, Operation, Rule};
use super::store::Store;
use super::{MeetingServer, Settings, Shared, body, reply, routes};
use crate::{DeviceKey, Refusal};

impl<S: Store, B> Service<Request<B>> for MeetingServer<S>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
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

impl<S: Store> Shared<S> {
    async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let (parts, body) = request.into_parts();
        let (operation, response) = self.route(&parts, body).await;
        if let Some(observer) = &self.environment.observer {
            observer.answered(operation, response.status());
        }
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }

    async fn route<B>(&self, parts: &Parts, body: B) -> (Option<Operation>, Response<Full<Bytes>>)
    where
        B: Body + Send,
        B::Data: Send,
    {
        match self.router.find(&parts.method, parts.uri.path()) {
            Found::Nothing => (None, reply::refuse(&Refusal::new(404, "Not found"))),
            Found::OtherMethods(allowed) => (None, reply::methods(&allowed, parts.method == Method::OPTIONS)),
            Found::Rule(rule, segment) => {
                let response = match self.perform(parts, body, rule, segment).await {
                    Ok(reply) => reply.into_response(),
                    Err(refusal) => routes::refuse(rule.operation, &refusal),
                };
                (Some(rule.operation), response)
            }
        }
    }

    async fn perform<B>(
        &self,
        parts: &Parts,
        body: B,
        rule: Rule,
        segment: Option<&str>,
    ) -> Result<reply::Reply, Refusal>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let settings = self.settings();
        // Two lengths for one body are a smuggling attempt (threat R3).
        let headers = &parts.headers;
        if headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING) {
            return Err(Refusal::new(400, "Content-Length together with Transfer-Encoding"));
        }
        let body = body::collect(body, headers, settings.max_body_bytes, settings.body_deadline).await?;
        let device = path_device(rule, segment)?;
        let mut call = Call::new(self, &settings, parts, &body, device, segment, source(parts, &settings));
        call.principal = authenticate(&call).await?;
        rule.access.check(&call.principal, call.device.as_ref(), &settings)?;
        routes::perform(rule.operation, &call).await
    }
}

/// The device in the path. A text that no device can have as its key names no device: 404. Choice: MA-63.
fn path_device(rule: Rule, segment: Option<&str>) -> Result<Option<DeviceKey>, Refusal> {
    match segment {
        Some(segment) if rule.route.template.contains("{device_key}") => match segment.parse() {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(Refusal::new(404, Refusal::DEVICE_NOT_FOUND)),
        },
        _ => Ok(None),
    }
}

fn source(parts: &Parts, settings: &Settings) -> Option<std::net::IpAddr> {
    let peer = parts.extensions.get::<PeerAddress>()?;
    Some(client_address(peer.0.ip(), &parts.headers, &settings.trusted_proxies))
}

/// The answer to `HEAD`: that to `GET`, with its length and without its body.
fn without_body(response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Full::default())
}
