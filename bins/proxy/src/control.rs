//! The control port: agents connect here, say who they are, and serve their device.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use daemon::exit::Failure;
use daemon::lifecycle::{self, Pulse};
use meeting_api::DeviceKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tunnel_frame::handshake::{Answer, Hello, Refusal};
use tunnel_frame::mux::{DeadAfter, MuxConfig};
use tunnel_frame::server::{HelloError, PendingAgent, ServerConfig, SessionEnd, TunnelDriver, receive};

use crate::admission::{Dropped, Ticket};
use crate::config::Config;
use crate::edge::Edge;
use crate::event::Event;
use crate::prove;
use crate::reason::{Ended, Reason};
use crate::sessions::Session;
use crate::source::Source;
use crate::transport::{self, Refused, Transport};

/// How long a refused agent may take to read its refusal.
const REFUSAL_GRACE: Duration = Duration::from_secs(1);
/// The loop says at least so often that it is alive.
const BEAT: Duration = Duration::from_secs(5);

/// Takes agents until a stop is asked for.
pub(crate) async fn serve(edge: Arc<Edge>, listener: TcpListener, pulse: Pulse) -> Result<(), Failure> {
    loop {
        pulse.beat();
        let (stream, peer) = tokio::select! {
            biased;
            () = edge.stop.gently.cancelled() => return Ok(()),
            accepted = daemon::net::accept(&listener) => accepted,
            () = tokio::time::sleep(BEAT) => continue,
        };
        match edge.gate.enter(Source::from(peer.ip()), edge.draw()) {
            Ok(ticket) => {
                // In a box, because each layer of futures around it would have room for it anew (row T2).
                let agent = Box::pin(agent(Arc::clone(&edge), stream, peer, ticket));
                edge.agents.spawn(async move {
                    // One bad device never ends the others.
                    if let Err(panic) = lifecycle::isolate(agent).await {
                        tracing::error!(%peer, panic, "a session ended in a defect");
                    }
                });
            }
            Err(dropped) => {
                let bound = match dropped {
                    Dropped::Source => "source",
                    Dropped::Total => "total",
                };
                edge.metrics.dropped(bound);
                tracing::debug!(%peer, bound, "connection dropped: too many are half-open");
            }
        }
    }
}

/// One agent, from its first byte to the end of its session.
///
/// What comes after the wait for the hello is boxed: strangers who say nothing would pay for it in memory (row T2).
async fn agent(edge: Arc<Edge>, stream: TcpStream, peer: SocketAddr, ticket: Ticket) {
    let mut half_open = Some(HalfOpen::new(&edge, ticket));
    let config = edge.config();
    let deadline = Instant::now() + config.control.handshake_timeout.duration();
    let opened = tokio::select! {
        biased;
        () = edge.stop.gently.cancelled() => return,
        opened = transport::open(&edge, &config, stream, deadline) => opened,
    };
    let mut transport = match opened {
        Ok(Some(transport)) => transport,
        // Nobody said anything: a health probe, or a port scan.
        Ok(None) => return,
        Err(Refused { reason, io: Some(mut io) }) => {
            return Box::pin(refuse(&edge, &mut io, None, peer, reason)).await;
        }
        Err(Refused { reason, io: None }) => return note_refusal(&edge, None, peer, reason),
    };
    let server = server_config(&config, deadline);
    let pending = tokio::select! {
        biased;
        () = edge.stop.gently.cancelled() => {
            return Box::pin(refuse(&edge, &mut transport, None, peer, Reason::Stopping)).await;
        }
        received = receive(&mut transport, server) => received,
    };
    let pending = match pending {
        Ok(pending) => pending,
        Err(error) => return Box::pin(no_hello(&edge, &mut transport, peer, &error)).await,
    };
    let greeted = Box::pin(greeted(&edge, &config, pending, peer, &mut half_open)).await;
    if let Err((reason, device)) = greeted {
        Box::pin(refuse(&edge, &mut transport, Some(device), peer, reason)).await;
    }
}

/// An agent that has said hello proves itself and is served; or why it is refused, and the name it gave.
async fn greeted(
    edge: &Arc<Edge>,
    config: &Config,
    pending: PendingAgent<&mut Transport>,
    peer: SocketAddr,
    half_open: &mut Option<HalfOpen<'_>>,
) -> Result<(), (Reason, Arc<str>)> {
    let hello: Hello = pending.hello().clone();
    let device: Arc<str> = Arc::from(hello.name().as_str());
    let certificate = pending.transport().peer_certificate();
    let proof = tokio::select! {
        biased;
        () = edge.stop.gently.cancelled() => Err(Reason::Stopping),
        proof = prove::agent(edge, config, &hello, peer, certificate.as_ref()) => proof,
    };
    let key = proof.map_err(|reason| (reason, Arc::clone(&device)))?;
    let encrypted = pending.transport().is_tls();
    let (tunnel, driver) = pending.accept();
    let session = Session::new(key, hello.token().clone(), tunnel);
    // The proof is done: from here on the connection is not half-open any more.
    drop(half_open.take());
    serve_device(edge, session, driver, peer, encrypted).await.map_err(|reason| (reason, device))
}

/// Serves a device that has proved itself until its session ends; a device that may not be served is refused before the
/// first byte goes out.
async fn serve_device<S: AsyncRead + AsyncWrite + Unpin>(
    edge: &Arc<Edge>,
    session: Session,
    driver: TunnelDriver<S>,
    peer: SocketAddr,
    tls: bool,
) -> Result<(), Reason> {
    let device = Arc::clone(session.device());
    let most = usize::try_from(edge.config().control.max_devices).unwrap_or(usize::MAX);
    if edge.sessions.count() >= most && !edge.sessions.is_up(&device) {
        return Err(Reason::TooManyDevices);
    }
    let claim = edge.sessions.claim(&session).map_err(|_| {
        tracing::warn!(%device, %peer, "sessions of this device replace each other too often: two agents with one name?");
        Reason::TooManyTakeovers
    })?;
    let takeover = claim.has_replaced();
    edge.metrics.accepted.inc();
    edge.metrics.takeovers.inc_by(u64::from(takeover));
    edge.metrics.devices.inc();
    tracing::info!(%device, %peer, tls, takeover, "device connected");
    edge.events.tell(&Event::DeviceConnected { device: Arc::clone(&device), peer, tls, takeover });
    // The first poll of the driver sends the good answer; the ports open beside it.
    let (end, ()) = tokio::join!(drive(edge, &session, driver), edge.look_at(&device));
    drop(claim);
    let reason = session.reason(&end);
    // First the ports, then the words: nobody who reads "disconnected" shall find a port open.
    edge.look_at(&device).await;
    edge.metrics.devices.dec();
    edge.metrics.ended(reason.as_str());
    tracing::info!(%device, %peer, %reason, detail = %end, "device disconnected");
    edge.events.tell(&Event::DeviceDisconnected { device, reason });
    Ok(())
}

async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    edge: &Edge,
    session: &Session,
    driver: TunnelDriver<S>,
) -> SessionEnd {
    let mut run = std::pin::pin!(driver.run());
    tokio::select! {
        biased;
        end = &mut run => return end,
        () = edge.end_sessions.cancelled() => session.end(Ended::Stopping),
    }
    run.await
}

fn server_config(config: &Config, deadline: Instant) -> ServerConfig {
    // Room for streams that are over for their visitor but still closing.
    let streams = config.tunnels.max_visitors_per_device.saturating_add(16);
    let mux = MuxConfig::default()
        .with_max_streams(usize::try_from(streams).unwrap_or(usize::MAX))
        .with_dead_after(DeadAfter::IfPeerProbes(config.control.dead_after.duration()));
    ServerConfig::default()
        .with_mux(mux)
        .with_hello_deadline(deadline.saturating_duration_since(Instant::now()))
}

async fn no_hello(edge: &Edge, transport: &mut Transport, peer: SocketAddr, error: &HelloError) {
    match error {
        HelloError::TimedOut => note_refusal(edge, None, peer, Reason::HandshakeTimeout),
        HelloError::Line(problem) => {
            tracing::debug!(%peer, %problem, "no hello");
            refuse(edge, transport, None, peer, Reason::MalformedHello).await;
        }
        // Nobody is there to be told.
        error => tracing::debug!(%peer, %error, "no hello"),
    }
}

/// Sends the error line and closes, so that the agent can read it. Source: meeting §4.1.
async fn refuse(
    edge: &Edge,
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    device: Option<Arc<str>>,
    peer: SocketAddr,
    reason: Reason,
) {
    note_refusal(edge, device, peer, reason);
    if !reason.is_told() {
        return;
    }
    let line = Answer::Refused(Refusal::auth_failed(reason.as_str())).encode();
    let farewell = async {
        io.write_all(line.as_bytes()).await?;
        io.shutdown().await?;
        // Closing with unread bytes would reset the connection, and the agent would lose the line.
        let mut scrap = [0; 512];
        while io.read(&mut scrap).await? > 0 {}
        std::io::Result::Ok(())
    };
    // The agent is refused all the same if it does not listen.
    let _ = tokio::time::timeout(REFUSAL_GRACE, farewell).await;
}

fn note_refusal(edge: &Edge, device: Option<Arc<str>>, peer: SocketAddr, reason: Reason) {
    edge.metrics.refused(reason.as_str());
    match edge.refusal_lines.line(std::time::Instant::now()) {
        Some(0) => tracing::info!(device = device.as_deref(), %peer, %reason, "agent refused"),
        Some(left_out) => {
            tracing::info!(device = device.as_deref(), %peer, %reason, left_out, "agent refused, as were others");
        }
        None => tracing::debug!(device = device.as_deref(), %peer, %reason, "agent refused"),
    }
    edge.events.tell(&Event::DeviceRefused { device, peer, reason });
}

/// A connection that has not proved itself.
struct HalfOpen<'a> {
    edge: &'a Edge,
    _ticket: Ticket,
}

impl<'a> HalfOpen<'a> {
    fn new(edge: &'a Edge, ticket: Ticket) -> Self {
        edge.metrics.half_open.inc();
        Self { edge, _ticket: ticket }
    }
}

impl Drop for HalfOpen<'_> {
    fn drop(&mut self) {
        self.edge.metrics.half_open.dec();
    }
}

/// The device's key as Meeting has it; the handshake's own type allows the same characters.
pub(crate) fn key_of(hello: &Hello) -> Option<DeviceKey> {
    DeviceKey::new(hello.name().as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T2: what a stranger who says nothing costs beside the kernel's part. The rest of a session is boxed when it begins.
    #[test]
    fn t2_a_half_open_connection_is_a_small_task() {
        fn size<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = size(agent);
        assert!(bytes <= 2048, "{bytes} bytes");
    }
}
