//! The hello of an agent, and the answer to it.

use super::tunnel::{Tunnel, TunnelDriver};
use crate::driver::{Connection, Shared, now};
use crate::handshake::{Answer, Hello, LineError, MAX_HELLO_BYTES, Refusal};
use crate::mux::{MuxConfig, Role, Session};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a refused agent may take to read its refusal.
const REFUSAL_GRACE: Duration = Duration::from_secs(1);

/// What a user can set about the proxy's side.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    mux: MuxConfig,
    hello_deadline: Duration,
    hello_bytes: usize,
    write_stall: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            mux: MuxConfig::default(),
            hello_deadline: Duration::from_secs(5),
            hello_bytes: MAX_HELLO_BYTES,
            write_stall: Duration::from_secs(60),
        }
    }
}

impl ServerConfig {
    /// Sets the session's bounds and habits.
    #[must_use]
    pub const fn with_mux(mut self, mux: MuxConfig) -> Self {
        self.mux = mux;
        self
    }

    /// Sets within what time the whole hello must have come (threat T2). Default 5 s.
    #[must_use]
    pub const fn with_hello_deadline(mut self, deadline: Duration) -> Self {
        self.hello_deadline = deadline;
        self
    }

    /// Sets the longest hello that is read, in bytes (threat T2). Default [`MAX_HELLO_BYTES`].
    #[must_use]
    pub const fn with_hello_bytes(mut self, bytes: usize) -> Self {
        self.hello_bytes = bytes;
        self
    }

    /// Sets for how long an agent may take no byte before its connection counts as dead. Default 60 s.
    #[must_use]
    pub const fn with_write_stall(mut self, stall: Duration) -> Self {
        self.write_stall = stall;
        self
    }
}

/// Why there is no hello. The connection is closed without an answer: nobody is there to read one.
#[derive(Debug)]
#[non_exhaustive]
pub enum HelloError {
    /// It did not come in time.
    TimedOut,
    /// The connection ended first.
    Closed,
    /// It is not the line that the document says.
    Line(LineError),
    /// The transport failed.
    Io(io::Error),
}

impl fmt::Display for HelloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no hello in time"),
            Self::Closed => f.write_str("the connection ended before a hello"),
            Self::Line(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HelloError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Line(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::TimedOut | Self::Closed => None,
        }
    }
}

/// An agent that has said hello and waits for the answer.
#[derive(Debug)]
pub struct PendingAgent<S> {
    io: S,
    early: Vec<u8>,
    hello: Hello,
    config: ServerConfig,
}

/// Reads the hello of an agent that has connected.
///
/// Memory for it grows with what has come and stops at the cap.
///
/// # Errors
/// [`HelloError`]; the connection is then of no more use.
///
/// Source: meeting §4.1.
pub async fn receive<S>(mut io: S, config: ServerConfig) -> Result<PendingAgent<S>, HelloError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut early = Vec::new();
    let reading = async {
        loop {
            let limit = config.hello_bytes;
            if let Some((hello, used)) = Hello::decode(&early, limit).map_err(HelloError::Line)? {
                early.drain(..used);
                return Ok(hello);
            }
            let room = u64::try_from(limit.saturating_sub(early.len())).unwrap_or(u64::MAX);
            match (&mut io).take(room).read_buf(&mut early).await {
                Ok(0) => return Err(HelloError::Closed),
                Ok(_) => {}
                Err(error) => return Err(HelloError::Io(error)),
            }
        }
    };
    let hello =
        tokio::time::timeout(config.hello_deadline, reading).await.unwrap_or(Err(HelloError::TimedOut))?;
    Ok(PendingAgent { io, early, hello, config })
}

impl<S: AsyncRead + AsyncWrite + Unpin> PendingAgent<S> {
    /// What the agent said.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The transport, for instance to ask for its peer's certificate.
    #[must_use]
    pub const fn transport(&self) -> &S {
        &self.io
    }

    /// Accepts the agent: the tunnel, and the driver that must run for the tunnel to do anything.
    ///
    /// The good answer is the first thing that the driver sends. To let a new connection replace an old one, claim the
    /// device in a [`Registry`](super::Registry) before running the driver.
    pub fn accept(self) -> (Tunnel, TunnelDriver<S>) {
        let session = Session::new(Role::Proxy, self.config.mux, now());
        let shared = Shared::new(session);
        let answer = Answer::authenticated(self.hello.name().clone()).encode();
        let tunnel = Tunnel::new(std::sync::Arc::clone(&shared), self.hello.name().clone());
        let connection = Connection::new(self.io, shared, &self.early, None, self.config.write_stall);
        (tunnel, TunnelDriver::new(connection.with_greeting(answer.as_bytes())))
    }

    /// Refuses the agent: the error line, then the end of the connection. It takes at most a second or so.
    ///
    /// # Errors
    /// Whatever the transport says; the agent is refused all the same.
    ///
    /// Source: meeting §4.1.
    pub async fn refuse(mut self, refusal: Refusal) -> io::Result<()> {
        let line = Answer::Refused(refusal).encode();
        let farewell = async {
            self.io.write_all(line.as_bytes()).await?;
            self.io.shutdown().await?;
            // Closing with unread bytes would reset the connection and the agent would lose the line.
            let mut scrap = [0; 512];
            while self.io.read(&mut scrap).await? > 0 {}
            Ok(())
        };
        tokio::time::timeout(REFUSAL_GRACE, farewell).await.unwrap_or(Ok(()))
    }
}
