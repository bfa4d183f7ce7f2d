//! How many visitors a device may have at once, altogether and from one source (row T8).
//!
//! A visitor who finds all places of a device taken may wait a moment for one, first come first served; one whose own source has
//! too many is turned away at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::source::Source;

/// The bounds in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Visitors of one device.
    pub per_device: u32,
    /// Visitors of one device from one source, unless that is a loopback address.
    pub per_source: u32,
    /// How long a visitor may wait for a place of the device.
    pub wait: Duration,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The source has as many visitors as it may.
    Source,
    /// The device has as many visitors as it may, and waiting did not help.
    Device,
}

impl Full {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "too_many_from_source",
            Self::Device => "too_many_for_device",
        }
    }
}

/// The places of all devices. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<Arc<str>, Device>>>);

#[derive(Debug, Default)]
struct Device {
    taken: u32,
    waiting: u32,
    by_source: HashMap<Source, u32>,
    freed: Arc<Notify>,
}

impl Places {
    /// Takes a place of `device` for a visitor from `address`, waiting for one if need be.
    ///
    /// # Errors
    /// [`Full`] when there is none.
    pub async fn take(&self, device: &Arc<str>, address: IpAddr, bounds: Bounds) -> Result<Place, Full> {
        let source = Some(Source::from(address)).filter(|_| !address.to_canonical().is_loopback());
        let freed = {
            let mut devices = self.lock();
            let entry = devices.entry(Arc::clone(device)).or_default();
            let mine = source.and_then(|source| entry.by_source.get(&source)).copied().unwrap_or(0);
            if mine >= bounds.per_source {
                forget_if_empty(&mut devices, device);
                return Err(Full::Source);
            }
            if let Some(source) = source {
                entry.by_source.insert(source, mine.saturating_add(1));
            }
            if entry.waiting == 0 && entry.taken < bounds.per_device {
                entry.taken = entry.taken.saturating_add(1);
                return Ok(Place { places: self.clone(), device: Arc::clone(device), source, seated: true });
            }
            if entry.waiting >= bounds.per_device {
                leave_source(entry, source);
                return Err(Full::Device);
            }
            entry.waiting = entry.waiting.saturating_add(1);
            Arc::clone(&entry.freed)
        };
        // From here on the visitor is counted as waiting, whatever ends the wait.
        let mut place = Place { places: self.clone(), device: Arc::clone(device), source, seated: false };
        let seated = tokio::time::timeout(bounds.wait, async {
            loop {
                let woken = freed.notified();
                if place.sit(bounds.per_device) {
                    break;
                }
                woken.await;
            }
        });
        match seated.await {
            Ok(()) => Ok(place),
            Err(_) => Err(Full::Device),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Device>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave_source(entry: &mut Device, source: Option<Source>) {
    if let Some(source) = source
        && let Some(count) = entry.by_source.get_mut(&source)
    {
        *count = count.saturating_sub(1);
        if *count == 0 {
            entry.by_source.remove(&source);
        }
    }
}

fn forget_if_empty(devices: &mut HashMap<Arc<str>, Device>, device: &Arc<str>) {
    if devices.get(device).is_some_and(|entry| entry.taken == 0 && entry.waiting == 0) {
        devices.remove(device);
    }
}

/// One place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    device: Arc<str>,
    source: Option<Source>,
    seated: bool,
}

impl Place {
    fn sit(&mut self, per_device: u32) -> bool {
        let mut devices = self.places.lock();
        let Some(entry) = devices.get_mut(&self.device) else { return false };
        if entry.taken >= per_device {
            return false;
        }
        entry.waiting = entry.waiting.saturating_sub(1);
        entry.taken = entry.taken.saturating_add(1);
        self.seated = true;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut devices = self.places.lock();
        let Some(entry) = devices.get_mut(&self.device) else { return };
        leave_source(entry, self.source);
        let count = if self.seated { &mut entry.taken } else { &mut entry.waiting };
        *count = count.saturating_sub(1);
        entry.freed.notify_one();
        forget_if_empty(&mut devices, &self.device);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    const BOUNDS: Bounds = Bounds { per_device: 3, per_source: 2, wait: Duration::from_secs(5) };

    fn device() -> Arc<str> {
        Arc::from("d")
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    async fn take(places: &Places, n: u8) -> Result<Place, Full> {
        places.take(&device(), address(n), BOUNDS).await
    }

    #[tokio::test(start_paused = true)]
    async fn t8_one_source_has_its_own_bound_and_loopback_none() {
        let places = Places::default();
        let _held = [take(&places, 1).await.unwrap(), take(&places, 1).await.unwrap()];
        assert_eq!(take(&places, 1).await.unwrap_err(), Full::Source);
        assert!(take(&places, 2).await.is_ok());
        let other: Arc<str> = Arc::from("e");
        let local = IpAddr::from([127, 0, 0, 1]);
        let bounds = Bounds { per_source: 1, ..BOUNDS };
        let first = places.take(&other, local, bounds).await.unwrap();
        let second = places.take(&other, local, bounds).await.unwrap();
        drop((first, second));
    }

    #[tokio::test(start_paused = true)]
    async fn t8_a_full_device_makes_visitors_wait_and_then_turns_them_away() {
        let places = Places::default();
        let held = [take(&places, 1).await, take(&places, 2).await, take(&places, 3).await];
        let start = tokio::time::Instant::now();
        assert_eq!(take(&places, 4).await.unwrap_err(), Full::Device);
        assert_eq!(start.elapsed(), BOUNDS.wait);
        drop(held);
        assert!(places.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_handed_on_in_the_order_of_arrival() {
        let places = Places::default();
        let mut held = vec![take(&places, 1).await, take(&places, 2).await, take(&places, 3).await];
        let mut first = Box::pin(take(&places, 4));
        let mut second = Box::pin(take(&places, 5));
        assert!(futures_poll(&mut first).is_pending());
        assert!(futures_poll(&mut second).is_pending());
        held.pop();
        assert!(futures_poll(&mut second).is_pending());
        let Poll::Ready(Ok(_place)) = futures_poll(&mut first) else {
            panic!("the first in line has no place")
        };
        held.pop();
        let Poll::Ready(Ok(_other)) = futures_poll(&mut second) else {
            panic!("the second in line has no place")
        };
    }

    #[tokio::test(start_paused = true)]
    async fn a_visitor_who_gives_up_waiting_leaves_nothing_behind() {
        let places = Places::default();
        let held = [take(&places, 1).await, take(&places, 2).await, take(&places, 3).await];
        let mut waiting = Box::pin(take(&places, 4));
        assert!(futures_poll(&mut waiting).is_pending());
        drop(waiting);
        drop(held);
        assert!(places.lock().is_empty());
    }

    fn futures_poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        let waker = std::task::Waker::noop();
        std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(waker))
    }
}
