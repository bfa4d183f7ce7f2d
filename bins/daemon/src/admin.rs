//! Health, readiness and metrics, as a service to mount or to serve on an address of its own.
//!
//! `/healthz` says whether the program's own loops turn; if not, restart it. `/readyz` says whether it can do its work,
//! with the reasons if not; restarting would not help. `/metrics` is OpenMetrics text for Prometheus.

use crate::config::ListenAddress;
use crate::http::{BoxBody, full, text};
use crate::lifecycle::Liveness;
use crate::tls::ServerTls;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower_service::Service;

/// The `[admin]` table: where health and metrics are served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<ListenAddress>,
    /// Certificate and key; with them the listener takes TLS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
}

/// What must hold before the program can do its work, by name. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, Option<String>>>>);

impl Readiness {
    /// Registers a condition that does not hold yet, and why.
    #[must_use]
    pub fn condition(&self, name: &'static str, why_not: impl Into<String>) -> Condition {
        let condition = Condition { readiness: self.clone(), name };
        condition.unmet(why_not);
        condition
    }

    /// The conditions that do not hold, each with its reason; empty when ready.
    #[must_use]
    pub fn unmet(&self) -> Vec<(&'static str, String)> {
        let conditions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.iter().filter_map(|(name, why)| Some((*name, why.clone()?))).collect()
    }

    fn set(&self, name: &'static str, why_not: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, why_not);
    }
}

/// One condition of [`Readiness`].
#[derive(Clone, Debug)]
pub struct Condition {
    readiness: Readiness,
    name: &'static str,
}

impl Condition {
    /// It holds.
    pub fn met(&self) {
        self.readiness.set(self.name, None);
    }

    /// It does not hold, for a reason that an operator can act on. The reason is public: no secret, no address.
    pub fn unmet(&self, why_not: impl Into<String>) {
        self.readiness.set(self.name, Some(why_not.into()));
    }
}

/// The administration service. Clones share their state.
#[derive(Clone, Debug)]
pub struct Admin {
    liveness: Liveness,
    readiness: Readiness,
    registry: Arc<Registry>,
}

impl Admin {
    /// Paths to mount it at.
    pub const PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

    /// A service over a finished registry.
    #[must_use]
    pub fn new(liveness: Liveness, readiness: Readiness, registry: Registry) -> Self {
        Self { liveness, readiness, registry: Arc::new(registry) }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<BoxBody> {
        if !Self::PATHS.contains(&path) {
            return text(StatusCode::NOT_FOUND, "not found\n");
        }
        if method != Method::GET && method != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let mut response = match path {
            "/healthz" => {
                report(self.liveness.stalled().into_iter().map(|name| format!("{name}: stands still")))
            }
            "/readyz" => {
                report(self.readiness.unmet().into_iter().map(|(name, why)| format!("{name}: {why}")))
            }
            _ => self.metrics(),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn metrics(&self) -> Response<BoxBody> {
        let mut body = String::new();
        if encode(&mut body, &self.registry).is_err() {
            return text(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written\n");
        }
        let mut response = Response::new(full(body));
        let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(openmetrics));
        response
    }
}

fn report(wrong: impl Iterator<Item = String>) -> Response<BoxBody> {
    let lines: Vec<String> = wrong.map(|line| line.replace(['\n', '\r'], " ")).collect();
    match lines.is_empty() {
        true => text(StatusCode::OK, "ok\n"),
        false => text(StatusCode::SERVICE_UNAVAILABLE, lines.join("\n") + "\n"),
    }
}

impl<B> Service<Request<B>> for Admin {
    type Response = Response<BoxBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<BoxBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method(), request.uri().path())))
    }
}
