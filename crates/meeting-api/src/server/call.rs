//! A request on its way through the rules.

use std::net::IpAddr;

use http::request::Parts;

use super::access::Principal;
use super::store::{DeviceRecord, Store, StoreError};
use super::{Settings, Shared};
use crate::{DecodeError, DeviceKey, Refusal, UtcTimestamp};

/// A request, whose body is read and whose route is known.
#[derive(Debug)]
pub(crate) struct Call<'a, S> {
    pub(super) shared: &'a Shared<S>,
    pub(super) settings: &'a Settings,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
    /// The device in the path.
    pub(super) device: Option<DeviceKey>,
    /// The one segment of the path that varies, whatever it means.
    pub(super) segment: Option<&'a str>,
    /// Who asks.
    pub(super) principal: Principal,
    /// The address the request came from.
    pub(super) source: Option<IpAddr>,
    pub(super) now: UtcTimestamp,
}

impl<'a, S: Store> Call<'a, S> {
    pub(super) fn new(
        shared: &'a Shared<S>,
        settings: &'a Settings,
        parts: &'a Parts,
        body: &'a [u8],
        device: Option<DeviceKey>,
        segment: Option<&'a str>,
        source: Option<IpAddr>,
    ) -> Self {
        let now = shared.environment.clock.now();
        Self { shared, settings, parts, body, device, segment, principal: Principal::Anonymous, source, now }
    }

    pub(super) fn store(&self) -> &'a S {
        &self.shared.store
    }

    /// The device in the path; the table gives one to every operation that asks.
    pub(super) fn device_key(&self) -> Result<&DeviceKey, Refusal> {
        self.device.as_ref().ok_or_else(device_not_found)
    }

    /// Reads the device in the path, or refuses with 404.
    pub(super) async fn device_record(&self) -> Result<DeviceRecord, Refusal> {
        self.store().device(self.device_key()?).await.map_err(unavailable)?.ok_or_else(device_not_found)
    }

    pub(super) fn query(&self) -> &'a str {
        self.parts.uri.query().unwrap_or("")
    }

    /// The value of a query parameter, as it stands: the parameters of this API need no escaping.
    pub(super) fn query_value(&self, name: &str) -> Option<&'a str> {
        self.query()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    pub(super) fn is_operator(&self) -> bool {
        self.principal == Principal::Operator
    }

    /// Whether the caller may see secrets of devices.
    pub(super) fn may_see_secrets(&self) -> bool {
        matches!(self.principal, Principal::Operator | Principal::Proxy)
    }

    /// Whether the last heartbeat is recent. Source: meeting §1.4. Choice: MA-55.
    pub(super) fn is_online(&self, last_seen: Option<UtcTimestamp>) -> bool {
        last_seen.is_some_and(|seen| self.now.seconds_since(seen) <= self.settings.online_window.as_secs())
    }

    /// When something that lasts so long from now ends.
    pub(super) fn after(&self, duration: std::time::Duration) -> UtcTimestamp {
        self.now.plus_seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
    }
}

pub(super) fn device_not_found() -> Refusal {
    Refusal::new(404, Refusal::DEVICE_NOT_FOUND)
}

/// 503: the store does not do its work now.
pub(super) fn unavailable(error: StoreError) -> Refusal {
    tracing::error!(%error, "the store fails");
    Refusal::new(503, "Database not available").with_retry_after(error.retry_after())
}

/// 503: the system has no randomness for a new secret.
pub(super) fn no_randomness(error: std::io::Error) -> Refusal {
    tracing::error!(%error, "no randomness");
    Refusal::new(503, "No randomness available").with_retry_after(std::time::Duration::from_secs(5))
}

/// 400, naming the field where there is one.
pub(super) fn bad_request(error: DecodeError) -> Refusal {
    let words = match error {
        DecodeError::Json { .. } | DecodeError::NotUtf8 => format!("Invalid JSON: {error}"),
        _ => error.to_string(),
    };
    let refusal = Refusal::new(400, words);
    match error.field() {
        Some(field) => refusal.with_field(field),
        None => refusal,
    }
}
