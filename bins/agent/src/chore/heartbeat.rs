//! The heartbeat.
//!
//! Source: meeting §3.1.

use std::net::SocketAddr;
use std::time::Duration;

use meeting_api::endpoint::heartbeat::{Heartbeat, HeartbeatReply};

use super::ChoreError;
use crate::addresses::{Addresses, Network};
use crate::config::AddressSettings;
use crate::plan::{Plan, is_https};

/// How long the name of the server may take to resolve before the default route is asked instead.
const RESOLVE_LIMIT: Duration = Duration::from_secs(5);

/// What a heartbeat brought.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) reply: HeartbeatReply,
}

/// The addresses of the Meeting server; empty when its name does not resolve now.
pub(crate) async fn resolve_server(plan: &Plan) -> Vec<SocketAddr> {
    let port = if plan.config.meeting.url.as_deref().is_some_and(is_https) { 443 } else { 80 };
    let lookup = tokio::time::timeout(RESOLVE_LIMIT, tokio::net::lookup_host((plan.client.host(), port)));
    lookup.await.ok().and_then(Result::ok).map(Iterator::collect).unwrap_or_default()
}

/// The body: what the settings say, and where they are silent what was seen.
pub(crate) fn body(settings: &AddressSettings, seen: &Addresses) -> Heartbeat {
    Heartbeat {
        ip_address: settings.main,
        ip_lan: settings.lan.or(seen.lan),
        ip_public: settings.public,
        // The MAC is that of `ip_lan`; of an address that was set by hand it is not known.
        mac: seen.mac.filter(|_| settings.lan.is_none() || settings.lan == seen.lan),
        cluster_ip: settings.cluster.clone(),
        note: settings.note.clone(),
    }
}

/// Sends one heartbeat with the addresses of this moment.
pub(crate) async fn send(plan: &Plan, seen: &Addresses) -> Result<Accepted, ChoreError> {
    let heartbeat = body(&plan.config.addresses, seen);
    let reply = plan.client.heartbeat(&plan.identity.device_key, &heartbeat).await?;
    Ok(Accepted { reply })
}

/// The addresses of this moment, and the server's, by which they were found.
pub(crate) async fn observe(plan: &Plan, network: &dyn Network) -> (Addresses, Vec<SocketAddr>) {
    let server = resolve_server(plan).await;
    (Addresses::observe(network, &server), server)
}

#[cfg(test)]
mod tests {
    use meeting_api::MacAddress;

    use super::*;

    #[test]
    fn settings_win_over_what_was_seen_and_the_mac_stays_with_its_address() {
        let seen = Addresses {
            lan: Some("192.0.2.10".parse().unwrap()),
            interface: Some("eth0".to_owned()),
            mac: Some(MacAddress::new([2, 0, 0, 0, 0, 1])),
        };
        let found = body(&AddressSettings::default(), &seen);
        assert_eq!((found.ip_address, found.ip_lan, found.mac), (None, seen.lan, seen.mac));

        let settings = AddressSettings {
            lan: Some("198.51.100.7".parse().unwrap()),
            public: Some("203.0.113.10".parse().unwrap()),
            ..AddressSettings::default()
        };
        let told = body(&settings, &seen);
        assert_eq!((told.ip_lan, told.ip_public, told.mac), (settings.lan, settings.public, None));
    }
}
