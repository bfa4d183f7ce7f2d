//! Visitors of public ports: from the listener through the tunnel to the device and back.
//!
//! The document's frames have no half-close: `C` ends both directions. A visitor who has ended his side may still wait for an answer, or
//! may be gone; TCP shows the same. So the tunnel holds the `C` back as long as an answer may come (`tunnel_frame`, up to 30 s of
//! silence). Here that is cut short when the device had the last word: a visitor who ends his side after an answer, or without having
//! asked anything, is taken as gone after [`Tunnels::linger`](crate::config::Tunnels::linger) of silence. Otherwise each
//! visitor who leaves first would hold his place and the device's connection for those 30 s. Choice: PX-8.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use daemon::lifecycle;
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tunnel_frame::mux::{OpenError, StreamEnd};
use tunnel_frame::server::{LocalStream, RelayEnd, TunnelStream, relay};

use crate::edge::Edge;
use crate::event::Event;
use crate::places::Bounds;
use crate::plan::Route;

/// How often the bytes of a visit are told to an observer.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Takes visitors of one public port until the task is aborted.
pub(crate) async fn accept(edge: Arc<Edge>, listener: TcpListener, route: watch::Receiver<Route>) {
    loop {
        let (stream, peer) = daemon::net::accept(&listener).await;
        let route = route.borrow().clone();
        // In a box, because each layer of futures around it would have room for it anew.
        let visit = Box::pin(visit(Arc::clone(&edge), stream, peer, route));
        edge.visits.spawn(async move {
            if let Err(panic) = lifecycle::isolate(visit).await {
                tracing::error!(%peer, panic, "a visit ended in a defect");
            }
        });
    }
}

async fn visit(edge: Arc<Edge>, stream: TcpStream, peer: SocketAddr, route: Route) {
    let config = edge.config();
    let bounds = Bounds {
        per_device: config.tunnels.max_visitors_per_device,
        per_source: config.tunnels.max_visitors_per_source,
        wait: config.tunnels.wait_for_place.duration(),
    };
    let _place = match edge.places.take(&route.device, peer.ip(), bounds).await {
        Ok(place) => place,
        Err(full) => return refuse(&edge, stream, peer, &route, full.as_str()),
    };
    // The device may have gone while the visitor was on the way: he sees a reset, not an orderly end without a word.
    let Some(session) = edge.sessions.find(&route.device) else {
        return refuse(&edge, stream, peer, &route, "device_gone");
    };
    let tunnel = match session.tunnel().open(route.local_port) {
        Ok(tunnel) => tunnel,
        Err(OpenError::TooManyStreams) => return refuse(&edge, stream, peer, &route, "too_many_for_device"),
        Err(_) => return refuse(&edge, stream, peer, &route, "device_gone"),
    };
    edge.metrics.visits.inc();
    edge.metrics.visitors.inc();
    let visit = edge.next_visit();
    tracing::info!(visit, device = %route.device, service = %route.service, port = route.port, %peer, "visitor");
    edge.events.tell(&Event::VisitorOpened { visit, route: route.clone(), peer });
    let start = Instant::now();
    let traffic = Arc::new(Traffic::new(&edge, start));
    let limits =
        Limits { idle: config.tunnels.idle_timeout.duration(), linger: config.tunnels.linger.duration() };
    let end = pass(&edge, visit, tunnel, stream, &traffic, limits).await;
    let (to_device, to_visitor) = traffic.bytes();
    let duration = start.elapsed();
    edge.metrics.visitors.dec();
    tracing::info!(
        visit, device = %route.device, service = %route.service, port = route.port, %peer,
        to_device, to_visitor, seconds = duration.as_secs_f64(), end, "visitor left"
    );
    edge.events.tell(&Event::VisitorClosed { visit, route, to_device, to_visitor, duration });
}

/// Passes the bytes of a visit until one side ends it, nothing has moved for too long, or the proxy ends at once.
async fn pass(
    edge: &Edge,
    visit: u64,
    tunnel: TunnelStream,
    stream: TcpStream,
    traffic: &Arc<Traffic>,
    limits: Limits,
) -> &'static str {
    let visitor = Visitor { stream, traffic: Arc::clone(traffic) };
    let mut relay = std::pin::pin!(relay(tunnel, visitor));
    let mut told = (0, 0);
    loop {
        let quiet = traffic.quiet();
        let (limit, word) =
            if traffic.has_left() { (limits.linger, "closed_by_visitor") } else { (limits.idle, "idle") };
        if quiet >= limit {
            return word;
        }
        let mut wait = limit.saturating_sub(quiet);
        if edge.events.is_observed() {
            wait = wait.min(TELL_EVERY);
        }
        tokio::select! {
            biased;
            report = &mut relay => return describe(edge, report.end),
            () = edge.stop.at_once.cancelled() => return "stopping",
            () = traffic.ended.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        let bytes = traffic.bytes();
        if bytes != told && edge.events.is_observed() {
            told = bytes;
            edge.events.tell(&Event::VisitorBytes { visit, to_device: bytes.0, to_visitor: bytes.1 });
        }
    }
}

/// How long silence may last.
#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: Duration,
    linger: Duration,
}

fn describe(edge: &Edge, end: RelayEnd) -> &'static str {
    match end {
        RelayEnd::Stream(StreamEnd::Refused) => {
            edge.metrics.visit_refused("refused_by_device");
            "refused_by_device"
        }
        RelayEnd::Stream(StreamEnd::Session) => "device_gone",
        RelayEnd::Stream(end) if end.is_clean() => "closed",
        RelayEnd::Stream(_) => "broken_by_device",
        RelayEnd::Local(_) => "broken_by_visitor",
        _ => "ended",
    }
}

/// Turns a visitor away with a reset, so that his program says "connection reset" and not that the peer spoke nonsense.
fn refuse(edge: &Edge, mut stream: TcpStream, peer: SocketAddr, route: &Route, reason: &'static str) {
    edge.metrics.visit_refused(reason);
    match edge.turned_away_lines.line(std::time::Instant::now()) {
        Some(0) => {
            tracing::info!(device = %route.device, port = route.port, %peer, reason, "visitor turned away")
        }
        Some(left_out) => {
            let device = &*route.device;
            tracing::info!(device, port = route.port, %peer, reason, left_out, "visitor turned away, as were others");
        }
        None => {
            tracing::debug!(device = %route.device, port = route.port, %peer, reason, "visitor turned away")
        }
    }
    LocalStream::reset(&mut stream);
}

/// What has moved in a visit, and what that says about the visitor.
#[derive(Debug)]
struct Traffic {
    start: Instant,
    to_device: AtomicU64,
    to_visitor: AtomicU64,
    /// Milliseconds from `start` to the last byte.
    last: AtomicU64,
    /// The last byte went to the device: an answer may follow.
    asked: AtomicBool,
    /// The visitor has ended his side.
    over: AtomicBool,
    /// Bytes wait for the visitor to take them.
    blocked: AtomicBool,
    /// Woken when the visitor ends his side.
    ended: Notify,
    all_to_device: Counter,
    all_to_visitor: Counter,
}

impl Traffic {
    fn new(edge: &Edge, start: Instant) -> Self {
        Self {
            start,
            to_device: AtomicU64::new(0),
            to_visitor: AtomicU64::new(0),
            last: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            over: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            ended: Notify::new(),
            all_to_device: edge.metrics.to_device.clone(),
            all_to_visitor: edge.metrics.to_visitor.clone(),
        }
    }

    fn received(&self, count: usize) {
        self.asked.store(true, Ordering::Relaxed);
        self.moved(count, &self.to_device, &self.all_to_device);
    }

    fn sent(&self, count: usize) {
        self.asked.store(false, Ordering::Relaxed);
        self.moved(count, &self.to_visitor, &self.all_to_visitor);
    }

    fn moved(&self, count: usize, bytes: &AtomicU64, all: &Counter) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        bytes.fetch_add(count, Ordering::Relaxed);
        all.inc_by(count);
        self.touch();
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    fn end(&self) {
        if !self.over.swap(true, Ordering::Relaxed) {
            self.touch();
            self.ended.notify_one();
        }
    }

    /// Whether the visitor has most likely left, and has been given all there was.
    fn has_left(&self) -> bool {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is(&self.over) && !is(&self.asked) && !is(&self.blocked)
    }

    fn bytes(&self) -> (u64, u64) {
        (self.to_device.load(Ordering::Relaxed), self.to_visitor.load(Ordering::Relaxed))
    }

    fn quiet(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// A visitor's socket whose bytes are counted.
struct Visitor {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = poll {
            match buf.filled().len().saturating_sub(before) {
                0 => self.traffic.end(),
                count => self.traffic.received(count),
            }
        }
        poll
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.traffic.blocked.store(poll.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(count)) = poll {
            self.traffic.sent(count);
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl LocalStream for Visitor {
    fn reset(&mut self) {
        LocalStream::reset(&mut self.stream);
    }
}
