//! The tunnel: the way to the proxy, its word, and the local services behind it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::time::Duration;

use meeting_api::ServiceName;
use tunnel_frame::client::{ConnectError, Greeting};

use super::Options;
use super::report::Progress;
use crate::plan::Plan;
use crate::tunnel::{self, DialError};

/// How long a local service may take to accept.
const LOCAL_LIMIT: Duration = Duration::from_secs(3);

/// Asks the proxy.
pub(super) async fn check(plan: &Plan, options: Options, progress: &mut Progress<'_>) {
    const CONNECTION: &str = "Connection to the proxy (§4)";
    const HANDSHAKE: &str = "The proxy accepts the device (§4.1)";
    let skip = match &plan.tunnel {
        None if plan.config.tunnel.enabled => Some("there is no token"),
        None => Some("switched off"),
        Some(_) if options.skip_tunnel => Some("left out, as asked"),
        Some(_) => None,
    };
    let (Some(tunnel), None) = (&plan.tunnel, skip) else {
        return progress.skipped("tunnel", CONNECTION, skip.unwrap_or_default());
    };
    let dialled = match tunnel::dial(tunnel).await {
        Ok(dialled) => dialled,
        Err(error) => {
            let advice = match &error {
                DialError::Tcp { .. } => {
                    "tunnel.host and tunnel.port; whether the proxy runs; a firewall in the way"
                }
                DialError::Tls { .. } => {
                    "tunnel.tls, which must be as the proxy has it; tunnel.ca for an authority of your own"
                }
            };
            progress.failed("tunnel", CONNECTION, error.to_string(), advice);
            return progress.skipped("tunnel_handshake", HANDSHAKE, "there is no connection");
        }
    };
    let encrypted = if tunnel.tls.is_some() { "with TLS" } else { "not encrypted" };
    progress.ok("tunnel", CONNECTION, format!("{}, {encrypted}", dialled.proxy));
    match tunnel_frame::client::connect(dialled.stream, &tunnel.hello, tunnel::driver_config(tunnel)).await {
        Ok(up) => match up.greeting() {
            Greeting::Silent => progress.note(
                "tunnel_handshake",
                HANDSHAKE,
                "the proxy says nothing, as very old ones do",
                "whether this is a proxy at all; some close later when the token is wrong",
            ),
            _ => progress.ok("tunnel_handshake", HANDSHAKE, ""),
        },
        Err(ConnectError::Refused(refusal)) => {
            let advice = tunnel::refusal::advice(tunnel::words(&refusal));
            progress.failed("tunnel_handshake", HANDSHAKE, refusal.to_string(), advice);
        }
        Err(ConnectError::Closed) => progress.failed(
            "tunnel_handshake",
            HANDSHAKE,
            "the proxy closed the connection without a word",
            "the token: old proxies say nothing when it is wrong; tunnel.tls, when the proxy wants TLS",
        ),
        Err(error) => progress.failed(
            "tunnel_handshake",
            HANDSHAKE,
            error.to_string(),
            "whether this is a proxy, and tunnel.tls as the proxy has it",
        ),
    }
}

/// Tries each service of the allow-list.
pub(super) async fn check_services(
    services: &BTreeMap<ServiceName, NonZeroU16>,
    progress: &mut Progress<'_>,
) {
    const TITLE: &str = "Local service";
    if services.is_empty() {
        return progress.note(
            "service",
            TITLE,
            "[services] is empty: nothing can be reached through the tunnel",
            "for instance `ssh = 22` in [services]",
        );
    }
    for (name, port) in services {
        let connecting = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port.get()));
        let found = format!("{name} at 127.0.0.1:{port}");
        match tokio::time::timeout(LOCAL_LIMIT, connecting).await {
            Ok(Ok(_)) => progress.ok("service", TITLE, found),
            Ok(Err(error)) => progress.failed("service", TITLE, format!("{found}: {error}"), SERVICE_ADVICE),
            Err(_) => progress.failed("service", TITLE, format!("{found}: no answer"), SERVICE_ADVICE),
        }
    }
}

const SERVICE_ADVICE: &str = "start it, have it listen on 127.0.0.1 too, or correct its port in [services] (`ss -ltn` shows what listens)";
