//! The way to the Meeting server: name, TCP, TLS, HTTP, clock.

use std::time::{Duration, SystemTime};

use daemon::tls::{Connector, Stream};
use hyper::Uri;
use meeting_api::UtcTimestamp;
use tokio::net::TcpStream;

use super::http_probe::{self, Answer};
use super::report::Progress;
use crate::config::CredentialKind;
use crate::plan::{Plan, is_https};

/// A clock that is off by less is right enough for everything.
const FINE_SKEW: u64 = 60;
/// Signed requests are refused beyond this.
const SIGNATURE_WINDOW: u64 = 300;

/// Whether the server answers.
pub(super) async fn check(plan: &Plan, progress: &mut Progress<'_>) -> bool {
    let text = plan.config.meeting.url.as_deref().unwrap_or_default();
    let Ok(url) = text.parse::<Uri>() else { return false };
    let limit = plan.config.meeting.timeout.duration();
    let host = plan.client.host();
    let port = url.port_u16().unwrap_or(if is_https(text) { 443 } else { 80 });
    if !resolves(host, port, progress).await {
        return false;
    }
    let Some(stream) = connects(host, port, limit, progress).await else { return false };
    let stream = match is_https(text) {
        true => match encrypts(plan, host, stream, limit, progress).await {
            Some(stream) => stream,
            None => return false,
        },
        false => {
            progress.note("tls", "TLS", "the URL is plain http", "https, unless the network itself is safe");
            Stream::Plain(stream)
        }
    };
    match http_probe::ask(stream, &url, limit).await {
        Ok(answer) => {
            answers(&answer, progress);
            clock(plan, answer.date, progress);
            true
        }
        Err(error) => {
            progress.failed("api", API, error, "whether meeting.url is the address of a web server");
            false
        }
    }
}

const API: &str = "The API answers (GET /api)";

async fn resolves(host: &str, port: u16, progress: &mut Progress<'_>) -> bool {
    const TITLE: &str = "The server's name resolves";
    match tokio::net::lookup_host((host, port)).await.map(Iterator::collect::<Vec<_>>) {
        Ok(addresses) if !addresses.is_empty() => {
            let mut shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            shown.dedup();
            progress.ok("name", TITLE, format!("{host} is {}", shown.join(", ")));
            true
        }
        outcome => {
            let why = outcome.err().map_or_else(|| "no address".to_owned(), |error| error.to_string());
            let advice = "the spelling of meeting.url; the name servers of this machine (/etc/resolv.conf)";
            progress.failed("name", TITLE, format!("{host}: {why}"), advice);
            false
        }
    }
}

async fn connects(host: &str, port: u16, limit: Duration, progress: &mut Progress<'_>) -> Option<TcpStream> {
    const TITLE: &str = "TCP connection to the server";
    match daemon::net::connect(host, port, limit).await {
        Ok(stream) => {
            let peer = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
            progress.ok("tcp", TITLE, peer);
            Some(stream)
        }
        Err(error) => {
            let advice = "whether the server runs and listens there, and whether a firewall is in the way";
            progress.failed("tcp", TITLE, format!("{host}:{port}: {error}"), advice);
            None
        }
    }
}

async fn encrypts(
    plan: &Plan,
    host: &str,
    stream: TcpStream,
    limit: Duration,
    progress: &mut Progress<'_>,
) -> Option<Stream<TcpStream>> {
    const TITLE: &str = "TLS, with a certificate that is trusted";
    let connector = match Connector::new(&plan.config.meeting.tls, &["http/1.1"]) {
        Ok(connector) => connector,
        Err(failure) => {
            progress.failed("tls", TITLE, failure.to_string(), "the files named in [meeting.tls]");
            return None;
        }
    };
    match connector.connect(host, stream, limit).await {
        Ok(stream) => {
            progress.ok("tls", TITLE, host);
            Some(stream)
        }
        Err(error) => {
            let advice = "meeting.tls.ca for a certificate of your own authority; the date of this machine, \
                          when the certificate is said to be expired or not yet valid";
            progress.failed("tls", TITLE, error.to_string(), advice);
            None
        }
    }
}

fn answers(answer: &Answer, progress: &mut Progress<'_>) {
    match &answer.api {
        Some(api) if answer.status == 200 => {
            progress.ok("api", API, format!("{} {}", api.status, api.version));
        }
        _ => progress.note(
            "api",
            API,
            format!("HTTP {}, not in the form of a Meeting server", answer.status),
            "whether meeting.url is right; servers that lack this route may still take heartbeats",
        ),
    }
}

fn clock(plan: &Plan, date: Option<UtcTimestamp>, progress: &mut Progress<'_>) {
    const TITLE: &str = "This machine's clock";
    let Some(date) = date else {
        return progress.skipped("clock", TITLE, "the server gives no date");
    };
    let now = UtcTimestamp::from_system_time(SystemTime::now());
    let skew = now.unix().abs_diff(date.unix());
    let direction = if now.unix() > date.unix() { "ahead of" } else { "behind" };
    let found = format!("{skew} s {direction} the server's");
    let advice = "set the clock, for instance with systemd-timesyncd";
    if skew <= FINE_SKEW {
        progress.ok("clock", TITLE, found);
    } else if skew > SIGNATURE_WINDOW && plan.config.meeting.credential == CredentialKind::Signature {
        progress.failed("clock", TITLE, format!("{found}; signed requests are refused"), advice);
    } else {
        progress.note("clock", TITLE, found, advice);
    }
}
