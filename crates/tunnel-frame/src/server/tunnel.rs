//! An accepted agent.

use crate::driver::{Connection, SessionEnd, Shared, TunnelStream};
use crate::handshake::DeviceKey;
use crate::mux::{Counters, HalfClose, OpenError};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// A tunnel to a device, on which streams are opened. Clones are the same tunnel.
#[derive(Clone, Debug)]
pub struct Tunnel {
    shared: Arc<Shared>,
    device_key: DeviceKey,
}

impl Tunnel {
    pub(super) const fn new(shared: Arc<Shared>, device_key: DeviceKey) -> Self {
        Self { shared, device_key }
    }

    /// The device at the other end.
    #[must_use]
    pub const fn device_key(&self) -> &DeviceKey {
        &self.device_key
    }

    /// Opens a stream to a port of 127.0.0.1 on the device.
    ///
    /// There is no answer to wait for: write at once. A device that refuses shows as an error of kind
    /// [`ConnectionRefused`](std::io::ErrorKind::ConnectionRefused) on reading.
    ///
    /// # Errors
    /// [`OpenError`], of which only [`OpenError::TooManyStreams`] passes by itself.
    ///
    /// Source: meeting §4.2.
    pub fn open(&self, port: u16) -> Result<TunnelStream, OpenError> {
        self.shared.open(port, None).map(|key| TunnelStream::new(Arc::clone(&self.shared), key))
    }

    /// Opens a stream with a half-close habit of its own.
    ///
    /// # Errors
    /// As [`Tunnel::open`].
    pub fn open_with(&self, port: u16, half_close: HalfClose) -> Result<TunnelStream, OpenError> {
        self.shared.open(port, Some(half_close)).map(|key| TunnelStream::new(Arc::clone(&self.shared), key))
    }

    /// What the session counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Whether streams can still pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.end().is_none()
    }

    /// Waits for the end of the tunnel and says why.
    pub async fn closed(&self) -> SessionEnd {
        let mut ended = self.shared.ended();
        match ended.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            // The sender lives in `self`, so there is always an end.
            _ => SessionEnd::ShutDown,
        }
    }

    /// Ends the tunnel. When this returns, no byte passes any more in either direction; the connection closes as the
    /// driver gets to it.
    pub fn shutdown(&self) {
        self.shared.finish(SessionEnd::ShutDown);
    }
}

impl super::Evict for Tunnel {
    fn evict(&self) {
        self.shared.finish(SessionEnd::Replaced);
    }
}

/// What moves the bytes of a tunnel. Dropping it ends the tunnel.
#[derive(Debug)]
#[must_use = "a tunnel does nothing unless its driver runs"]
pub struct TunnelDriver<S> {
    connection: Connection<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TunnelDriver<S> {
    pub(super) const fn new(connection: Connection<S>) -> Self {
        Self { connection }
    }

    /// Drives the tunnel to its end and says why it ended.
    pub async fn run(self) -> SessionEnd {
        self.connection.run().await
    }
}
