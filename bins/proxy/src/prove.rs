//! An agent proves itself: Meeting is asked, the token compared, guessing counted (row T3).

use std::net::SocketAddr;
use std::time::Instant;

use daemon::tls::PeerCertificate;
use meeting_api::DeviceKey;
use tunnel_frame::handshake::Hello;

use crate::config::Config;
use crate::control::key_of;
use crate::edge::Edge;
use crate::lockout::{Denied, Scope};
use crate::meeting::{Found, Unavailable};
use crate::reason::Reason;
use crate::source::Source;
use crate::verdict::{self, Unchecked};

/// Whether the agent may serve the device it names; the device's key if so.
pub(crate) async fn agent(
    edge: &Edge,
    config: &Config,
    hello: &Hello,
    peer: SocketAddr,
    certificate: Option<&PeerCertificate>,
) -> Result<DeviceKey, Reason> {
    let key = key_of(hello).ok_or(Reason::MalformedHello)?;
    if config.control.certificate_names_device
        && !certificate.is_some_and(|shown| shown.dns_names().iter().any(|name| name == key.as_str()))
    {
        return Err(Reason::CertificateMismatch);
    }
    let source = Source::from(peer.ip());
    // Who is locked out is told so before Meeting is bothered.
    if let Err(denied) = edge.lockout().peek(key.as_str(), source, Instant::now()) {
        return Err(note(edge, &key, peer, denied));
    }
    let Found::Record(record) = edge.meeting.device(&key).await.map_err(unavailable)? else {
        return Err(Reason::DeviceNotFound);
    };
    let unchecked =
        if config.meeting.accept_without_token_check { Unchecked::Accept } else { Unchecked::Refuse };
    if record.token_code.is_some() {
        let presented = hello.token();
        let proof = || verdict::check_token(&record, presented, unchecked).is_ok();
        let attempt = edge.lockout().attempt(key.as_str(), source, Instant::now(), proof);
        attempt.map_err(|denied| note(edge, &key, peer, denied))?;
    } else {
        verdict::check_token(&record, hello.token(), unchecked)?;
    }
    if !record.authorized {
        return Err(Reason::NotAuthorized);
    }
    if config.meeting.require_heartbeat && !edge.meeting.is_online(&record).await.map_err(unavailable)? {
        return Err(Reason::NoRecentHeartbeat);
    }
    Ok(key)
}

fn unavailable(_: Unavailable) -> Reason {
    Reason::MeetingUnavailable
}

fn note(edge: &Edge, key: &DeviceKey, peer: SocketAddr, denied: Denied) -> Reason {
    match denied {
        Denied::Wrong { locked } => {
            if let Some(length) = locked {
                edge.metrics.locked("new");
                tracing::warn!(
                    device = %key, source = %Source::from(peer.ip()), seconds = length.as_secs(),
                    "too many wrong tokens: source locked out for this device"
                );
            }
            Reason::InvalidToken
        }
        Denied::Locked { scope, retry_after } => {
            let scope = match scope {
                Scope::Source => "source",
                Scope::Device => "device",
            };
            edge.metrics.locked(scope);
            tracing::debug!(device = %key, %peer, scope, seconds = retry_after.as_secs(), "attempt not looked at");
            Reason::LockedOut
        }
    }
}
