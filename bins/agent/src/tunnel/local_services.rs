//! The local end of the tunnel: 127.0.0.1 only, allowed ports only, and told of (T7).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tunnel_frame::client::{Connector, LocalEvent, Loopback};

use crate::events::Event;
use crate::journal::Journal;

/// Connects to the services of the allow-list. The driver asks only for ports that are on it; this asks once more.
pub(crate) struct LocalServices {
    journal: Journal,
    services: Arc<BTreeMap<u16, String>>,
}

impl LocalServices {
    pub(crate) fn new(journal: Journal, services: Arc<BTreeMap<u16, String>>) -> Self {
        Self { journal, services }
    }

    fn name(&self, port: u16) -> String {
        self.services.get(&port).cloned().unwrap_or_default()
    }
}

impl Connector for LocalServices {
    type Stream = TcpStream;

    async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        if !self.services.contains_key(&port) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Loopback.connect(port).await
    }

    fn observe(&self, event: LocalEvent) {
        let event = match event {
            LocalEvent::NotAllowed { port } => Event::PortRefused { port },
            LocalEvent::ConnectFailed { port, kind } => {
                Event::ServiceUnreachable { port, reason: kind.to_string() }
            }
            LocalEvent::Connected { port } => Event::ConnectionOpened { service: self.name(port), port },
            LocalEvent::Ended { port, report } => Event::ConnectionClosed {
                service: self.name(port),
                port,
                received: report.received_bytes,
                sent: report.sent_bytes,
            },
            _ => return,
        };
        self.journal.tell(&event);
    }
}
