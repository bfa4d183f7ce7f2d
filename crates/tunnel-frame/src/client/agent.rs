//! Hello, answer, and serving streams.

use super::{AllowedPorts, Connector, LocalEvent};
use crate::driver::{Connection, Gate, SessionEnd, Shared, TunnelStream, now, relay};
use crate::handshake::{Answer, DeviceKey, Hello, LineError, MAX_ANSWER_BYTES, Refusal};
use crate::mux::{Counters, MuxConfig, Role, Session};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;

/// How long streams may finish locally when the tunnel is over.
const FINISH_GRACE: Duration = Duration::from_secs(1);

/// What a user can set about the agent's side.
#[derive(Clone, Copy, Debug)]
pub struct AgentConfig {
    mux: MuxConfig,
    answer_deadline: Duration,
    answer_bytes: usize,
    connect_timeout: Duration,
    write_stall: Duration,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            mux: MuxConfig::default(),
            answer_deadline: Duration::from_secs(10),
            answer_bytes: MAX_ANSWER_BYTES,
            connect_timeout: Duration::from_secs(10),
            write_stall: Duration::from_secs(60),
        }
    }
}

impl AgentConfig {
    /// Sets the session's bounds and habits.
    #[must_use]
    pub const fn with_mux(mut self, mux: MuxConfig) -> Self {
        self.mux = mux;
        self
    }

    /// Sets how long an answer is waited for before the proxy counts as one that gives none. Default 10 s.
    ///
    /// Choice: TF-1.
    #[must_use]
    pub const fn with_answer_deadline(mut self, deadline: Duration) -> Self {
        self.answer_deadline = deadline;
        self
    }

    /// Sets the longest answer that is read, in bytes. Default [`MAX_ANSWER_BYTES`].
    #[must_use]
    pub const fn with_answer_bytes(mut self, bytes: usize) -> Self {
        self.answer_bytes = bytes;
        self
    }

    /// Sets how long a local connection may take to come up. Default 10 s.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets for how long the proxy may take no byte before the connection counts as dead. Default 60 s.
    #[must_use]
    pub const fn with_write_stall(mut self, stall: Duration) -> Self {
        self.write_stall = stall;
        self
    }
}

/// Why a tunnel did not come up.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The proxy refused the device, in its own words.
    Refused(Refusal),
    /// The answer is neither a line of JSON nor frames.
    Answer(LineError),
    /// The proxy closed the connection without a word, as old proxies do with a wrong token.
    Closed,
    /// The transport failed.
    Io(io::Error),
}

impl ConnectError {
    /// Whether trying again soon may help. A refusal is worth a long pause first.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Closed)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "the proxy refused this device: {refusal}"),
            Self::Answer(error) => write!(f, "the proxy's answer: {error}"),
            Self::Closed => f.write_str("the proxy closed the connection without an answer"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Answer(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Refused(_) | Self::Closed => None,
        }
    }
}

/// How a proxy greeted the agent.
///
/// Choice: TF-1.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Greeting {
    /// It answered as the document says, with the device's name if it gave one.
    Authenticated(Option<DeviceKey>),
    /// It sent a frame instead of an answer.
    Legacy,
    /// It has said nothing so far. A late answer is still understood.
    Silent,
}

/// A tunnel that is up and serves nothing yet.
#[derive(Debug)]
pub struct Established<S> {
    io: S,
    early: Vec<u8>,
    greeting: Greeting,
    config: AgentConfig,
    monitor: Monitor,
}

/// A view of a tunnel for metrics; it may outlive the tunnel.
#[derive(Clone, Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
    local: Arc<Local>,
}

#[derive(Default, Debug)]
struct Local {
    not_allowed: AtomicU64,
    connect_failed: AtomicU64,
}

impl Monitor {
    /// What the session counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Streams refused because their port is not allowed (threat T7).
    #[must_use]
    pub fn not_allowed(&self) -> u64 {
        self.local.not_allowed.load(Ordering::Relaxed)
    }

    /// Streams closed because nobody answered on their port.
    #[must_use]
    pub fn connect_failed(&self) -> u64 {
        self.local.connect_failed.load(Ordering::Relaxed)
    }
}

/// Says hello over `io` and waits for the proxy's answer.
///
/// # Errors
/// [`ConnectError::Refused`], [`ConnectError::Answer`], [`ConnectError::Closed`] or [`ConnectError::Io`].
///
/// Source: meeting §4.1.
pub async fn connect<S>(mut io: S, hello: &Hello, config: AgentConfig) -> Result<Established<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut early = Vec::with_capacity(256);
    let exchange = async {
        io.write_all(hello.encode().as_bytes()).await.map_err(ConnectError::Io)?;
        io.flush().await.map_err(ConnectError::Io)?;
        read_answer(&mut io, &mut early, config.answer_bytes).await
    };
    let greeting = match tokio::time::timeout(config.answer_deadline, exchange).await {
        Ok(greeting) => greeting?,
        // Half an answer is no silence.
        Err(_) if early.is_empty() => Greeting::Silent,
        Err(_) => return Err(ConnectError::Io(io::ErrorKind::TimedOut.into())),
    };
    let shared = Shared::new(Session::new(Role::Agent, config.mux, now()));
    let monitor = Monitor { shared, local: Arc::default() };
    Ok(Established { io, early, greeting, config, monitor })
}

/// Reads the answer; what follows it stays in `early`.
async fn read_answer<S>(io: &mut S, early: &mut Vec<u8>, limit: usize) -> Result<Greeting, ConnectError>
where
    S: AsyncRead + Unpin,
{
    loop {
        if let Some((answer, used)) = Answer::decode(early, limit).map_err(ConnectError::Answer)? {
            early.drain(..used);
            return match answer {
                Answer::Authenticated { device_key } => Ok(Greeting::Authenticated(device_key)),
                Answer::Legacy => Ok(Greeting::Legacy),
                Answer::Refused(refusal) => Err(ConnectError::Refused(refusal)),
            };
        }
        let room = u64::try_from(limit.saturating_sub(early.len())).unwrap_or(u64::MAX);
        match io.take(room).read_buf(early).await {
            Ok(0) => return Err(ConnectError::Closed),
            Ok(_) => {}
            Err(error) => return Err(ConnectError::Io(error)),
        }
    }
}

/// Understands an answer that comes after the agent has given up waiting for one.
fn late_answer(limit: usize) -> Gate {
    Box::new(move |bytes| match Answer::decode(bytes, limit) {
        Ok(Some((Answer::Refused(refusal), _))) => Err(SessionEnd::Refused(refusal)),
        Ok(answer) => Ok(answer.map(|(_, used)| used)),
        Err(error) => Err(SessionEnd::Answer(error)),
    })
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Established<S> {
    /// How the proxy greeted this agent.
    #[must_use]
    pub const fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// A view of this tunnel for metrics.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Serves streams until the connection ends or `shutdown` is done, and says why it ended.
    ///
    /// Each stream's local connection is made in a task of its own; what the proxy sends meanwhile is queued. A port
    /// that is not among `ports` is answered with `C` and nothing is connected.
    ///
    /// Source: meeting §4.2.
    pub async fn serve<C: Connector>(
        self,
        ports: AllowedPorts,
        connector: C,
        shutdown: impl Future<Output = ()>,
    ) -> SessionEnd {
        let Self { io, early, greeting, config, monitor } = self;
        let gate = (greeting == Greeting::Silent).then(|| late_answer(config.answer_bytes));
        let shared = Arc::clone(&monitor.shared);
        let mut connection = Connection::new(io, Arc::clone(&shared), &early, gate, config.write_stall);
        let server =
            Arc::new(Server { ports, connector, timeout: config.connect_timeout, local: monitor.local });
        let mut tasks = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let mut stopping = false;
        let end = std::future::poll_fn(|cx| {
            if !stopping && shutdown.as_mut().poll(cx).is_ready() {
                stopping = true;
                shared.finish(SessionEnd::ShutDown);
            }
            if let Poll::Ready(end) = connection.poll(cx) {
                return Poll::Ready(end);
            }
            while let Some((stream, port)) = shared.next_opened() {
                tasks.spawn(Arc::clone(&server).serve(stream, port));
            }
            while let Poll::Ready(Some(_)) = tasks.poll_join_next(cx) {}
            Poll::Pending
        })
        .await;
        connection.close().await;
        let finish = async { while tasks.join_next().await.is_some() {} };
        // Whoever is not done by then is dropped with the set.
        let _ = tokio::time::timeout(FINISH_GRACE, finish).await;
        end
    }
}

struct Server<C> {
    ports: AllowedPorts,
    connector: C,
    timeout: Duration,
    local: Arc<Local>,
}

impl<C: Connector> Server<C> {
    async fn serve(self: Arc<Self>, mut stream: TunnelStream, port: u16) {
        if !self.ports.allows(port) {
            stream.abort();
            self.local.not_allowed.fetch_add(1, Ordering::Relaxed);
            self.connector.observe(LocalEvent::NotAllowed { port });
            return;
        }
        let connected = tokio::time::timeout(self.timeout, self.connector.connect(port)).await;
        let local = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(local) => local,
            Err(error) => {
                stream.abort();
                self.local.connect_failed.fetch_add(1, Ordering::Relaxed);
                self.connector.observe(LocalEvent::ConnectFailed { port, kind: error.kind() });
                return;
            }
        };
        self.connector.observe(LocalEvent::Connected { port });
        let report = relay(stream, local).await;
        self.connector.observe(LocalEvent::Ended { port, report });
    }
}
