//! One connection to a broker, in MQTT 3.1.1 or 5. Which library speaks it stands in the two modules below and nowhere else.
//!
//! A connection has a client and a session of its own that end with it: what waited when it broke is never sent over the next, so that nothing is
//! carried out after its sender was told that it failed. Whoever wants to stay connected connects again, and subscribes again.
//!
//! Choice: IM-40, IM-41.

mod v4;
mod v5;

use std::fmt;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Publication, Qos};

/// What may wait for the network: more is refused.
const QUEUE: usize = 4096;

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// 3.1.1: without [`Properties`](crate::Properties).
    V3,
    /// 5.
    #[default]
    V5,
}

/// A password. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// This password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The broker's name or address.
    pub host: String,
    /// Its port: 8883 with TLS, 1883 without.
    pub port: u16,
    /// What the client calls itself; of two with one name, a broker throws the first out.
    pub client_id: String,
    /// User and password.
    pub login: Option<(String, Password)>,
    /// The version of the protocol.
    pub version: Version,
    /// After how much silence a ping goes out. Default: 60 s.
    ///
    /// Source: ipwatch §6.2.
    pub keep_alive: Duration,
    /// What the broker publishes when the connection is lost.
    pub will: Option<Publication>,
    transport: Transport,
}

#[derive(Clone)]
enum Transport {
    Plain,
    #[cfg(feature = "tls")]
    Tls(Arc<rustls::ClientConfig>),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "TLS",
        })
    }
}

impl Settings {
    /// Over TLS: what the configuration does not verify is not spoken to.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    #[must_use]
    pub fn tls(host: impl Into<String>, port: u16, config: Arc<rustls::ClientConfig>) -> Self {
        Self { transport: Transport::Tls(config), ..Self::plain(host, port) }
    }

    /// Without TLS: passwords and commands can be read and changed on their way.
    #[must_use]
    pub fn plain(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            client_id: String::new(),
            login: None,
            version: Version::default(),
            keep_alive: Duration::from_secs(60),
            will: None,
            transport: Transport::Plain,
        }
    }

    /// In whole seconds, as it goes over the wire.
    fn keep_alive_seconds(&self) -> u16 {
        u16::try_from(self.keep_alive.as_secs().max(5)).unwrap_or(u16::MAX)
    }
}

/// What happens on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted it.
    Connected,
    /// A message came.
    Received(Publication),
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Ended {
    /// The broker does not accept user or password, or not this user.
    #[error("the broker refuses user or password")]
    Refused,
    /// The broker cannot be reached, or the connection broke.
    #[error("{0}")]
    Broken(String),
    /// The client ended it.
    #[error("the connection was closed")]
    Closed,
}

/// Why a publication is not known to have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// The connection broke before the broker acknowledged it: it may have arrived.
    #[error("the connection broke before the broker had acknowledged it")]
    Lost,
    /// The broker does not take it.
    #[error("the broker does not take it: {0}")]
    Refused(String),
    /// Too much waits for the network.
    #[error("too much waits for the network")]
    Full,
}

/// The way out. Clones are one.
#[derive(Clone)]
pub struct Link(Client);

#[derive(Clone)]
enum Client {
    V3(v4::Client),
    V5(v5::Client),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// An acknowledgement that is to come.
#[derive(Debug)]
pub struct Receipt(Notice);

#[derive(Debug)]
enum Notice {
    V3(v4::Notice),
    V5(v5::Notice),
}

impl Receipt {
    /// Waits until the broker has the publication; one with QoS 0 until it is sent.
    ///
    /// # Errors
    /// It is not known to have arrived.
    pub async fn taken(self) -> Result<(), NotTaken> {
        match self.0 {
            Notice::V3(notice) => v4::taken(notice).await,
            Notice::V5(notice) => v5::taken(notice).await,
        }
    }
}

impl Link {
    /// Hands a message to the connection. It never waits, so that whoever polls [`Events`] may call it.
    ///
    /// # Errors
    /// [`NotTaken::Full`].
    pub fn publish(&self, publication: Publication) -> Result<Receipt, NotTaken> {
        Ok(Receipt(match &self.0 {
            Client::V3(client) => Notice::V3(v4::publish(client, publication)?),
            Client::V5(client) => Notice::V5(v5::publish(client, publication)?),
        }))
    }

    /// Subscribes. What the broker does not allow is not heard. On MQTT 5, what comes in has the retain bit of whoever published it; on 3.1.1
    /// only what the broker had kept has one.
    ///
    /// # Errors
    /// [`NotTaken::Full`].
    pub fn subscribe(&self, filters: &[(String, Qos)]) -> Result<(), NotTaken> {
        filters.iter().try_for_each(|(filter, qos)| match &self.0 {
            Client::V3(client) => v4::subscribe(client, filter, *qos),
            Client::V5(client) => v5::subscribe(client, filter, *qos),
        })
    }

    /// Ends the connection in an orderly way, after what waits: the broker publishes no will.
    pub fn disconnect(&self) {
        match &self.0 {
            Client::V3(client) => v4::disconnect(client),
            Client::V5(client) => v5::disconnect(client),
        }
    }
}

/// The connection. It moves only while [`Self::next`] is awaited.
pub struct Events(Loop);

enum Loop {
    V3(Box<v4::Loop>),
    V5(Box<v5::Loop>),
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// What happens next. It is to be awaited in a task of its own: dropped before the broker has accepted the connection, it begins that anew.
    ///
    /// # Errors
    /// The connection ended; there is no other after it.
    pub async fn next(&mut self) -> Result<Event, Ended> {
        match &mut self.0 {
            Loop::V3(events) => v4::next(events).await,
            Loop::V5(events) => v5::next(events).await,
        }
    }
}

/// A connection, begun when [`Events::next`] is first awaited.
#[must_use]
pub fn connect(settings: &Settings) -> (Link, Events) {
    match settings.version {
        Version::V3 => {
            let (client, events) = v4::connect(settings);
            (Link(Client::V3(client)), Events(Loop::V3(Box::new(events))))
        }
        Version::V5 => {
            let (client, events) = v5::connect(settings);
            (Link(Client::V5(client)), Events(Loop::V5(Box::new(events))))
        }
    }
}

/// A topic as text; what is no UTF-8 is no topic.
fn topic(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}
