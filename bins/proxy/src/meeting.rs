//! What the proxy asks the Meeting server, and how it bears that server's absence.
//!
//! - An answer about a device serves further attempts to connect for a moment ([`Meeting::device`]); many attempts at once ask once.
//! - At most [`AT_ONCE`] requests about devices are under way, so that a flood at the control port is no flood there.
//! - While Meeting does not answer, devices that are connected stay, ports stay open until they expire, and new devices are refused
//!   with `meeting_unavailable`: they come again by themselves. Choice: PX-5.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use meeting_api::DeviceKey;
use meeting_api::client::{Client, ClientError};
use meeting_api::endpoint::availability::AvailabilityStatus;
use meeting_api::endpoint::device::DeviceRecord;
use meeting_api::endpoint::tunnels::TunnelList;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use crate::event::{Event, Events};
use crate::metrics::Metrics;

/// Requests about devices under way at once.
const AT_ONCE: usize = 32;
/// Devices about which an answer is kept.
const MAX_CACHED: usize = 8192;
/// How long a failure to get an answer is kept.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

/// What Meeting says about a device.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// There is no such device.
    Nothing,
    /// Its record.
    Record(Arc<DeviceRecord>),
}

/// Meeting gave no usable answer; the reason has been logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable;

#[derive(Debug, Clone)]
struct Cached {
    since: Instant,
    answer: Arc<OnceCell<Result<Found, Unavailable>>>,
}

#[derive(Debug, Default)]
struct Reach {
    last_success: Option<Instant>,
    /// `None` before the first request has ended.
    reachable: Option<bool>,
    /// Whether the tunnels could be listed the last time.
    listing_good: bool,
}

/// The Meeting server as the proxy sees it.
pub(crate) struct Meeting {
    client: RwLock<(Arc<Client>, Duration)>,
    cache: Mutex<HashMap<DeviceKey, Cached>>,
    at_once: Semaphore,
    reach: Mutex<Reach>,
    metrics: Metrics,
    events: Events,
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Meeting {
    /// Asks through `client`; an answer about a device is kept for `cache`.
    pub(crate) fn new(client: Client, cache: Duration, metrics: Metrics, events: Events) -> Self {
        Self {
            client: RwLock::new((Arc::new(client), cache)),
            cache: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            reach: Mutex::default(),
            metrics,
            events,
        }
    }

    /// Asks through another client from now on.
    pub(crate) fn set_client(&self, client: Client, cache: Duration) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(client), cache);
        self.cached().clear();
    }

    /// Since when Meeting has not answered; `None` while it does.
    pub(crate) fn silent_for(&self, started: Instant) -> Option<Duration> {
        let reach = self.reach();
        match (reach.reachable, reach.last_success) {
            (Some(true), _) => None,
            (_, last) => Some(last.unwrap_or(started).elapsed()),
        }
    }

    /// Whether the tunnels could be listed the last time.
    pub(crate) fn is_listing_good(&self) -> bool {
        self.reach().listing_good
    }

    pub(crate) fn set_listing_good(&self, good: bool) {
        self.reach().listing_good = good;
    }

    /// Whether Meeting has ever answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.reach().last_success.is_some()
    }

    /// The device as Meeting has it now or had it a moment ago.
    pub(crate) async fn device(&self, key: &DeviceKey) -> Result<Found, Unavailable> {
        let keep = self.client().1;
        let answer = {
            let mut cache = self.cached();
            let fresh = cache.get(key).filter(|cached| cached.is_fresh(keep)).cloned();
            let cached = fresh.unwrap_or_else(|| {
                make_room(&mut cache, keep);
                let cached = Cached { since: Instant::now(), answer: Arc::default() };
                cache.insert(key.clone(), cached.clone());
                cached
            });
            cached.answer
        };
        answer.get_or_init(|| self.ask_device(key)).await.clone()
    }

    /// The device as Meeting has it now.
    pub(crate) async fn device_now(&self, key: &DeviceKey) -> Result<Found, Unavailable> {
        let answer = self.ask_device(key).await;
        let cell = Arc::new(OnceCell::new_with(Some(answer.clone())));
        let mut cache = self.cached();
        make_room(&mut cache, self.client().1);
        cache.insert(key.clone(), Cached { since: Instant::now(), answer: cell });
        answer
    }

    /// Whether the device has sent a heartbeat of late.
    pub(crate) async fn is_online(&self, record: &DeviceRecord) -> Result<bool, Unavailable> {
        // Our own server says so in the record; the origin has a route for it. Choice: PX-4.
        if let Some(online) = record.online {
            return Ok(online);
        }
        let _place = self.at_once.acquire().await;
        let client = self.client().0;
        let key = &record.device_key;
        match self.measured("availability", client.availability(key)).await {
            Ok(availability) => Ok(availability.status == AvailabilityStatus::Available),
            Err(error) if error.is_not_provisioned() => Ok(false),
            Err(_) => Err(Unavailable),
        }
    }

    /// The tunnels.
    pub(crate) async fn tunnels(&self) -> Result<TunnelList, Unavailable> {
        let client = self.client().0;
        let list = self.measured("tunnels", client.tunnels()).await.map_err(|_| Unavailable)?;
        if let Ok(now) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            self.metrics.last_listing.set(now.as_secs_f64());
        }
        Ok(list)
    }

    async fn ask_device(&self, key: &DeviceKey) -> Result<Found, Unavailable> {
        let _place = self.at_once.acquire().await;
        let client = self.client().0;
        match self.measured("device", client.device(key)).await {
            Ok(record) => Ok(Found::Record(Arc::new(record))),
            Err(error) if error.is_not_provisioned() => Ok(Found::Nothing),
            Err(_) => Err(Unavailable),
        }
    }

    async fn measured<T>(
        &self,
        request: &'static str,
        future: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let start = Instant::now();
        let result = future.await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(error) if error.is_not_provisioned() => "not_found",
            Err(ClientError::Refused(_)) => "refused",
            Err(_) => "failed",
        };
        self.metrics.request(request, outcome, start.elapsed());
        match &result {
            Err(error) if !error.is_not_provisioned() => self.note_failure(request, error),
            _ => self.note_success(),
        }
        result
    }

    fn note_success(&self) {
        let before = {
            let mut reach = self.reach();
            reach.last_success = Some(Instant::now());
            reach.reachable.replace(true)
        };
        if before != Some(true) {
            tracing::info!("Meeting answers");
            self.events.tell(&Event::MeetingReachable);
        }
    }

    fn note_failure(&self, request: &'static str, error: &ClientError) {
        let before = self.reach().reachable.replace(false);
        if before == Some(false) {
            tracing::debug!(request, %error, "Meeting still gives no answer");
            return;
        }
        tracing::warn!(
            request, %error, "Meeting gives no answer: devices that are connected stay, new ones are refused"
        );
        self.events.tell(&Event::MeetingUnreachable { error: error.to_string() });
    }

    fn client(&self) -> (Arc<Client>, Duration) {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<DeviceKey, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    fn is_fresh(&self, keep: Duration) -> bool {
        match self.answer.get() {
            // Being asked: join in.
            None => true,
            Some(Ok(_)) => self.since.elapsed() < keep,
            Some(Err(_)) => self.since.elapsed() < keep.min(FAILURE_KEPT),
        }
    }
}

/// Keeps the cache within its bound: what is stale goes, and if nothing is, everything.
fn make_room(cache: &mut HashMap<DeviceKey, Cached>, keep: Duration) {
    if cache.len() >= MAX_CACHED {
        cache.retain(|_, cached| cached.is_fresh(keep) && cached.answer.initialized());
    }
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
}
