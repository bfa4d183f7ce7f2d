//! Which public ports are open: what Meeting lists, as far as the device's agent is here (row T8).
//!
//! A port is open exactly while all of this holds: the listing has it and it has not expired, it is within the configured range and not
//! one of the proxy's own, and the device it belongs to has an accepted session. [`Plan::reconcile`] compares that with what is open and
//! says what to do; a port that is to stay is not touched. No IO and no clock here.
//!
//! Two rows for one port are a fault of the listing. The row that held the port keeps it for as long as it is listed, otherwise the
//! first row has it; whether a device is connected plays no part, so that a visitor never meets another device because the right
//! one went away. Choice: PX-7.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// One tunnel as Meeting lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it leads.
    pub route: Route,
    /// When it ends, in seconds since 1970 UTC; `None` means never.
    pub expires_at: Option<i64>,
}

/// A public port and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The public port.
    pub port: u16,
    /// The device's key.
    pub device: Arc<str>,
    /// The service's name, for logs.
    pub service: Arc<str>,
    /// The port on the device.
    pub local_port: u16,
}

impl Route {
    fn same_tunnel(&self, other: &Self) -> bool {
        self.device == other.device && self.service == other.service
    }
}

/// Which ports may be opened at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The range public ports must lie in.
    pub ports: RangeInclusive<u16>,
    /// Ports the proxy itself uses.
    pub reserved: BTreeSet<u16>,
}

/// What is to be done to a port. Closings come before openings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Stop listening. Connections that exist are not concerned: they end with the device's session.
    Close(Route, CloseReason),
    /// The listener stays, but new visitors go to this local port.
    Reroute(Route),
    /// Start listening.
    Open(Route),
}

/// Why a public port is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Meeting no longer lists the tunnel.
    Withdrawn,
    /// Its time is over.
    Expired,
    /// The device's agent is gone or no longer authorised.
    DeviceGone,
    /// Another tunnel has the port now.
    Replaced,
    /// The configuration no longer allows the port.
    Forbidden,
    /// The proxy stops.
    Stopping,
}

impl CloseReason {
    /// The word for it in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::DeviceGone => "device_gone",
            Self::Replaced => "replaced",
            Self::Forbidden => "forbidden",
            Self::Stopping => "stopping",
        }
    }
}

/// A row of the listing that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The port lies outside of the configured range.
    OutOfRange(Route),
    /// The port is one of the proxy's own.
    Reserved(Route),
    /// Another tunnel has the port.
    Conflict {
        /// The row that is left out.
        refused: Route,
        /// The row that has the port.
        holder: Route,
    },
}

/// Desired and open ports.
#[derive(Debug)]
pub struct Plan {
    rules: Rules,
    listing: Vec<Listed>,
    up: HashSet<Arc<str>>,
    /// Who holds a port, whether or not it is open.
    holders: BTreeMap<u16, Listed>,
    open: BTreeMap<u16, Route>,
    faults: Vec<Fault>,
}

impl Plan {
    /// Nothing is listed, nothing is open.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            listing: Vec::new(),
            up: HashSet::new(),
            holders: BTreeMap::new(),
            open: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// Takes the latest listing; returns the faults that the one before did not have.
    pub fn set_listing(&mut self, listing: Vec<Listed>) -> Vec<Fault> {
        self.listing = listing;
        self.assign()
    }

    /// Takes new rules; returns faults as [`set_listing`](Self::set_listing) does.
    pub fn set_rules(&mut self, rules: Rules) -> Vec<Fault> {
        self.rules = rules;
        self.assign()
    }

    /// The device has an accepted session.
    pub fn device_up(&mut self, device: &Arc<str>) {
        self.up.insert(Arc::clone(device));
    }

    /// The device has no accepted session any more.
    pub fn device_down(&mut self, device: &str) {
        self.up.remove(device);
    }

    /// A port that should have been opened could not be; the next reconciliation tries again.
    pub fn open_failed(&mut self, port: u16) {
        self.open.remove(&port);
    }

    /// The tunnels that are open.
    pub fn open(&self) -> impl Iterator<Item = &Route> {
        self.open.values()
    }

    /// The tunnels of `device` that the listing has and that may be served.
    pub fn listed_for<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a Listed> {
        self.holders.values().filter(move |held| &*held.route.device == device)
    }

    /// What has to be done so that exactly the right ports are open at `now` (seconds since 1970 UTC). The plan takes
    /// it as done; report a failure with [`open_failed`](Self::open_failed).
    pub fn reconcile(&mut self, now: i64) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut reroutes = Vec::new();
        let mut opens = Vec::new();
        let ports: BTreeSet<u16> = self.open.keys().chain(self.holders.keys()).copied().collect();
        for port in ports {
            let wanted = self.wanted(port, now);
            match (self.open.get(&port), wanted) {
                (None, Some(route)) => opens.push(route),
                (Some(open), Some(route)) if !open.same_tunnel(&route) => {
                    actions.push(Action::Close(open.clone(), CloseReason::Replaced));
                    opens.push(route);
                }
                (Some(open), Some(route)) if open.local_port != route.local_port => reroutes.push(route),
                (Some(open), None) => actions.push(Action::Close(open.clone(), self.why_closed(open, now))),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        actions.extend(reroutes.into_iter().map(Action::Reroute));
        actions.extend(opens.into_iter().map(Action::Open));
        for action in &actions {
            match action {
                Action::Close(route, _) => self.open.remove(&route.port),
                Action::Reroute(route) | Action::Open(route) => self.open.insert(route.port, route.clone()),
            };
        }
        actions
    }

    /// When the next open tunnel expires, in seconds since 1970 UTC.
    #[must_use]
    pub fn next_expiry(&self) -> Option<i64> {
        self.open.keys().filter_map(|port| self.holders.get(port)?.expires_at).min()
    }

    fn wanted(&self, port: u16, now: i64) -> Option<Route> {
        let held = self.holders.get(&port)?;
        let live = held.expires_at.is_none_or(|end| now < end);
        (live && self.up.contains(&held.route.device)).then(|| held.route.clone())
    }

    fn why_closed(&self, open: &Route, now: i64) -> CloseReason {
        if !self.rules.ports.contains(&open.port) || self.rules.reserved.contains(&open.port) {
            return CloseReason::Forbidden;
        }
        match self.holders.get(&open.port) {
            Some(held) if held.expires_at.is_some_and(|end| now >= end) => CloseReason::Expired,
            Some(_) => CloseReason::DeviceGone,
            None => CloseReason::Withdrawn,
        }
    }

    fn assign(&mut self) -> Vec<Fault> {
        let before = std::mem::take(&mut self.holders);
        let mut faults = Vec::new();
        let mut holders: BTreeMap<u16, Listed> = BTreeMap::new();
        // Rows that held their port come first, so that they keep it.
        let holds =
            |row: &Listed| before.get(&row.route.port).is_some_and(|held| held.route.same_tunnel(&row.route));
        let (holding, rest): (Vec<_>, Vec<_>) = self.listing.iter().partition(|row| holds(row));
        for row in holding.into_iter().chain(rest) {
            let route = &row.route;
            if !self.rules.ports.contains(&route.port) {
                faults.push(Fault::OutOfRange(route.clone()));
            } else if self.rules.reserved.contains(&route.port) {
                faults.push(Fault::Reserved(route.clone()));
            } else if let Some(held) = holders.get(&route.port) {
                if !held.route.same_tunnel(route) {
                    faults.push(Fault::Conflict { refused: route.clone(), holder: held.route.clone() });
                }
            } else {
                holders.insert(route.port, row.clone());
            }
        }
        self.holders = holders;
        let new = faults.iter().filter(|fault| !self.faults.contains(fault)).cloned().collect();
        self.faults = faults;
        new
    }
}

#[cfg(test)]
mod tests;
