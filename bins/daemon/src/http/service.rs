//! A tower service as hyper wants it, with the refusals, the peer and the panic guard of one connection round it.

use super::Peer;
use super::connection::Shared;
use super::mount::BoxError;
use super::server::Extend;
use crate::lifecycle::isolate;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tower_service::Service;

/// The service of one connection.
pub(super) struct Guarded<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) shared: Arc<Shared>,
    pub(super) extend: Option<Extend>,
}

impl<S, B, E> hyper::service::Service<Request<Incoming>> for Guarded<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = E> + Clone + Send + 'static,
    S::Future: Send,
    E: Into<BoxError>,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let shared = self.shared.clone();
        let flight = Flight::begin(&shared);
        let number = shared.begun.fetch_add(1, Ordering::AcqRel);
        if number >= shared.refused_from.load(Ordering::Acquire)
            || number >= shared.unjudged_from.load(Ordering::Acquire)
        {
            tracing::debug!(peer = %self.peer.address, "refused a request of ambiguous length");
            let refusal = own(StatusCode::BAD_REQUEST, "ambiguous request length\n", flight);
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        request.extensions_mut().insert(self.peer.clone());
        if let Some(extend) = &self.extend {
            extend(&self.peer, request.extensions_mut());
        }
        let mut service = self.service.clone();
        let peer = self.peer.address;
        Box::pin(async move {
            let called = isolate(async {
                poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(request).await
            });
            let mut answer = match called.await {
                Ok(Ok(response)) => {
                    response.map(|body| Answer { body: Some(body), own: None, flight: Some(flight) })
                }
                Ok(Err(error)) => {
                    let error: BoxError = error.into();
                    tracing::error!(%peer, %error, "a service failed");
                    own(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n", flight)
                }
                Err(panic) => {
                    tracing::error!(%peer, panic, "a service panicked");
                    own(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n", flight)
                }
            };
            let last = shared.unjudged_from.load(Ordering::Acquire) <= number + 1;
            if last && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                // The upgrade was not taken; what follows cannot be judged, so nothing may follow.
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        })
    }
}

fn own<B>(status: StatusCode, words: &'static str, flight: Flight) -> Response<Answer<B>> {
    let body = Full::new(Bytes::from_static(words.as_bytes()));
    let mut response = Response::new(Answer { body: None, own: Some(body), flight: Some(flight) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request under way; counted until its answer is sent or dropped.
struct Flight(Arc<Shared>);

impl Flight {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(shared.clone())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A service's body, or one of our own.
pub(super) struct Answer<B> {
    body: Option<B>,
    own: Option<Full<Bytes>>,
    flight: Option<Flight>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = match (&mut this.body, &mut this.own) {
            (Some(body), _) => Pin::new(body).poll_frame(cx),
            (None, Some(own)) => Pin::new(own).poll_frame(cx).map_err(|never| match never {}),
            (None, None) => Poll::Ready(None),
        };
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.flight = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match (&self.body, &self.own) {
            (Some(body), _) => body.is_end_stream(),
            (None, Some(own)) => own.is_end_stream(),
            (None, None) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, &self.own) {
            (Some(body), _) => body.size_hint(),
            (None, Some(own)) => own.size_hint(),
            (None, None) => SizeHint::with_exact(0),
        }
    }
}
