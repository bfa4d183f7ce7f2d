//! The sessions that were accepted: one at most for each device (rows T4, T5).

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use meeting_api::DeviceKey;
use tunnel_frame::handshake::Token;
use tunnel_frame::mux::SessionError;
use tunnel_frame::server::{Claim, ClaimError, Evict, Registry, SessionEnd, Tunnel};

use crate::reason::Ended;

/// One accepted agent. Clones are the same session.
#[derive(Clone)]
pub(crate) struct Session(Arc<Inner>);

struct Inner {
    device: Arc<str>,
    key: DeviceKey,
    token: Token,
    tunnel: Tunnel,
    ended: OnceLock<Ended>,
}

impl Session {
    pub(crate) fn new(key: DeviceKey, token: Token, tunnel: Tunnel) -> Self {
        let device = Arc::from(key.as_str());
        Self(Arc::new(Inner { device, key, token, tunnel, ended: OnceLock::new() }))
    }

    /// The device's key, as events carry it.
    pub(crate) fn device(&self) -> &Arc<str> {
        &self.0.device
    }

    /// The device's key, as Meeting is asked for it.
    pub(crate) fn key(&self) -> &DeviceKey {
        &self.0.key
    }

    /// The token with which the agent proved itself.
    pub(crate) fn token(&self) -> &Token {
        &self.0.token
    }

    pub(crate) fn tunnel(&self) -> &Tunnel {
        &self.0.tunnel
    }

    /// Ends the session; the first reason counts.
    pub(crate) fn end(&self, reason: Ended) {
        // A reason given before stands.
        let _ = self.0.ended.set(reason);
        self.0.tunnel.shutdown();
    }

    /// Why the session ended, from what its driver says and from what it was told.
    pub(crate) fn reason(&self, end: &SessionEnd) -> Ended {
        match end {
            SessionEnd::ShutDown => self.0.ended.get().copied().unwrap_or(Ended::Stopping),
            SessionEnd::Replaced => Ended::Replaced,
            SessionEnd::Peer => Ended::ByAgent,
            SessionEnd::IdsExhausted => Ended::IdsExhausted,
            SessionEnd::Truncated
            | SessionEnd::Io(_)
            | SessionEnd::Stalled(_)
            | SessionEnd::Protocol(SessionError::Silent(_)) => Ended::Lost,
            _ => Ended::Protocol,
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("device", &self.0.device).finish_non_exhaustive()
    }
}

impl Evict for Session {
    fn evict(&self) {
        self.0.tunnel.evict();
    }
}

/// The accepted sessions of all devices.
#[derive(Debug)]
pub(crate) struct Sessions(Registry<Session>);

impl Sessions {
    pub(crate) fn new(takeovers_per_minute: u32) -> Self {
        Self(Registry::with_max_swaps(usize::try_from(takeovers_per_minute).unwrap_or(usize::MAX)))
    }

    /// Makes `session` the one that serves its device; an older one is ended first.
    pub(crate) fn claim(&self, session: &Session) -> Result<Claim<Session>, ClaimError> {
        self.0.claim(session.device(), session.clone(), Instant::now())
    }

    /// The session that serves `device`, if it can.
    pub(crate) fn find(&self, device: &str) -> Option<Session> {
        self.0.owner(device).filter(|session| session.tunnel().is_open())
    }

    pub(crate) fn is_up(&self, device: &str) -> bool {
        self.find(device).is_some()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn all(&self) -> Vec<Session> {
        self.0.names().iter().filter_map(|name| self.find(name)).collect()
    }
}
