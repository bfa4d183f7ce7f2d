use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::Availability;

/// Who is there, with `offline` told only when it lasts.
#[derive(Debug, Default)]
pub(super) struct Presence {
    told: HashMap<IpAddr, Availability>,
    /// `offline` was heard of these, and is told then.
    leaving: HashMap<IpAddr, Duration>,
}

impl Presence {
    /// The most machines that are kept apart; of more, nothing is told.
    const MAX_MACHINES: usize = 65_536;

    /// What is to be told at once.
    pub(super) fn heard(
        &mut self,
        device: IpAddr,
        availability: Availability,
        is_old_news: bool,
        tell_at: Duration,
    ) -> Option<Availability> {
        let told = self.told.get(&device).copied();
        if told.is_none() && self.told.len() >= Self::MAX_MACHINES {
            return None;
        }
        match availability {
            Availability::Online => {
                self.leaving.remove(&device);
            }
            Availability::Offline if told == Some(Availability::Online) && !is_old_news => {
                self.leaving.entry(device).or_insert(tell_at);
                return None;
            }
            Availability::Offline => {}
        }
        if told == Some(availability) {
            return None;
        }
        self.told.insert(device, availability);
        Some(availability)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.leaving.values().min().copied()
    }

    /// The machines that are gone for good now.
    pub(super) fn gone(&mut self, now: Duration) -> Vec<IpAddr> {
        let mut gone: Vec<IpAddr> =
            self.leaving.extract_if(|_, at| *at <= now).map(|(device, _)| device).collect();
        gone.sort_unstable();
        for device in &gone {
            self.told.insert(*device, Availability::Offline);
        }
        gone
    }
}
