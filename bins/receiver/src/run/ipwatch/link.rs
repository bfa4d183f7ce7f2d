//! The connection to the broker, over MQTT 5. Nothing else knows which library it is.
//!
//! Each connection has a client of its own, and a session that ends with it: what waited when one broke is never sent over the next, so that no
//! command is carried out after whoever gave it was told that it failed (threat M2).
//!
//! Choice: IM-111.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use daemon::tls::{Connector, Stream};
use ipwatch_mqtt::{MAX_PACKET_BYTES, Properties, Publication, Qos};
use rumqttc::mqttbytes::v5::{ConnectReturnCode, Packet, PubAckReason, Publish, PublishProperties};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, PublishOptions, PublishResult, QoS,
    SessionMode,
};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::words::LISTENED;
use crate::config::BrokerAccess;
use crate::metrics::IpWatchMetrics;

/// Commands that wait for the network.
const QUEUE: usize = 4096;
const KEEP_ALIVE_SECONDS: u16 = 30;
/// For the connection, and again for TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What became of it.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The broker has it.
    Taken,
    /// The broker has it, and nobody listens to it.
    NobodyThere,
    /// There is no connection.
    Away,
    /// The connection broke before the broker had acknowledged it.
    Lost,
    /// The broker does not take it.
    Refused(String),
}

/// The way out: the client of the connection that stands, if one does.
#[derive(Clone, Default)]
pub(super) struct Outgoing(Arc<Mutex<Option<AsyncClient>>>);

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

impl Outgoing {
    fn set(&self, client: Option<AsyncClient>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// Publishes with QoS 1.
    ///
    /// Source: ipwatch §2.2.
    pub(super) async fn publish(&self, message: Publication) -> Delivery {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(client) = client else { return Delivery::Away };
        let Properties { response_topic, correlation, expiry, content_type } = message.properties;
        let seconds = |expiry: Duration| u32::try_from(expiry.as_secs().max(1)).unwrap_or(u32::MAX);
        let properties = PublishProperties {
            message_expiry_interval: expiry.map(seconds),
            response_topic,
            correlation_data: correlation,
            content_type,
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(message.retain).properties(properties);
        let notice = match client.try_publish_tracked(message.topic, message.payload, options) {
            Ok(notice) => notice,
            Err(error) => return Delivery::Refused(error.to_string()),
        };
        match notice.wait_async().await {
            Ok(PublishResult::Qos1(acknowledged)) => match acknowledged.reason {
                PubAckReason::Success => Delivery::Taken,
                PubAckReason::NoMatchingSubscribers => Delivery::NobodyThere,
                reason => Delivery::Refused(format!("{reason:?}")),
            },
            Ok(_) => Delivery::Taken,
            Err(_) => Delivery::Lost,
        }
    }
}

/// The connection, kept up.
pub(super) struct Link {
    access: BrokerAccess,
    outgoing: Outgoing,
    metrics: IpWatchMetrics,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(super) const fn new(access: BrokerAccess, outgoing: Outgoing, metrics: IpWatchMetrics) -> Self {
        Self { access, outgoing, metrics }
    }

    /// Connects, again and again, and gives what comes in to `take`, until it is told to stop.
    pub(super) async fn keep(self, stop: Stop, take: impl Fn(&Publication) + Send + Sync) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let why = tokio::select! {
                () = stop.gently.cancelled() => return self.down(),
                why = self.connection(&take) => why,
            };
            self.down();
            // One that stood for a while is no reason to wait longer.
            pause =
                if begun.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tracing::warn!(broker = %self.access.address, %why, "no connection to the broker; it is tried again");
            tokio::select! {
                () = stop.gently.cancelled() => return,
                () = tokio::time::sleep(pause.mul_f64(jitter())) => {}
            }
        }
    }

    fn down(&self) {
        self.outgoing.set(None);
        self.metrics.connected(false);
    }

    /// One connection, from its beginning to its end; why it ended.
    async fn connection(&self, take: &(impl Fn(&Publication) + Sync)) -> String {
        let options = match self.options() {
            Ok(options) => options,
            Err(failure) => return failure.to_string(),
        };
        let (client, mut events) = AsyncClient::builder(options).capacity(QUEUE).build();
        loop {
            match next(&mut events).await {
                Ok(Some(Packet::ConnAck(_))) => {
                    for leaf in LISTENED {
                        if let Err(error) = client.try_subscribe(leaf.filter(), QoS::AtLeastOnce) {
                            return error.to_string();
                        }
                    }
                    tracing::info!(broker = %self.access.address, "connected to the broker");
                    self.outgoing.set(Some(client.clone()));
                    self.metrics.connected(true);
                }
                Ok(Some(Packet::Publish(publish))) => {
                    if let Some(message) = publication(publish) {
                        take(&message);
                    }
                }
                Ok(_) => {}
                Err(error) => return told(&error),
            }
        }
    }

    /// Files are read each time: a certificate may have been renewed.
    fn options(&self) -> Result<MqttOptions, Failure> {
        let BrokerAccess { host, port, user, .. } = &self.access;
        let mut options = MqttOptions::new(client_id(), (host.clone(), *port));
        options.set_session_mode(SessionMode::Clean);
        options.set_keep_alive(KEEP_ALIVE_SECONDS);
        options.set_max_packet_size(u32::try_from(MAX_PACKET_BYTES).ok());
        if let Some(password) = self.access.password()? {
            options.set_credentials(user.clone(), password.expose_secret().to_owned());
        }
        // Sockets are ours: the library's own TLS knows no other name for the broker than the one that it connects to.
        let (address, tls) = ((host.clone(), *port), self.access.connector()?);
        options.set_socket_connector(move |_, _| socket(address.clone(), tls.clone()));
        Ok(options)
    }
}

/// A connection, encrypted where it is to be. There is no way around that.
async fn socket((host, port): (String, u16), tls: Option<Connector>) -> io::Result<Stream<TcpStream>> {
    let connecting = TcpStream::connect((host.as_str(), port));
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection within the time limit"))??;
    stream.set_nodelay(true)?;
    match tls {
        Some(connector) => connector.connect(&host, stream, CONNECT_TIMEOUT).await,
        None => Ok(Stream::Plain(stream)),
    }
}

/// A message as it came in.
fn publication(publish: Publish) -> Option<Publication> {
    let properties = publish.properties.unwrap_or_default();
    Some(Publication {
        topic: String::from_utf8(publish.topic.to_vec()).ok()?,
        payload: publish.payload,
        qos: match publish.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce => Qos::AtLeastOnce,
            QoS::ExactlyOnce => Qos::ExactlyOnce,
        },
        retain: publish.retain,
        properties: Properties {
            response_topic: properties.response_topic,
            correlation: properties.correlation_data,
            expiry: properties.message_expiry_interval.map(|seconds| Duration::from_secs(seconds.into())),
            content_type: properties.content_type,
        },
    })
}

async fn next(events: &mut EventLoop) -> Result<Option<Packet>, ConnectionError> {
    match events.poll().await? {
        Event::Incoming(packet) => Ok(Some(packet)),
        _ => Ok(None),
    }
}

/// In words that tell an operator what to look at.
fn told(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => "the broker refuses user or password: see `ipwatch.broker.user` and `ipwatch.broker.password`"
            .to_owned(),
        other => other.to_string(),
    }
}

/// Two receivers on one broker would throw each other out under one name.
fn client_id() -> String {
    let mut random = [0_u8; 4];
    // Without randomness the process is known by its number.
    if getrandom::fill(&mut random).is_err() {
        random = std::process::id().to_le_bytes();
    }
    random.iter().fold("ipwatch-receiver-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// Receivers that lost a broker together do not come back together.
fn jitter() -> f64 {
    let mut random = [0_u8; 1];
    let _ = getrandom::fill(&mut random);
    0.5 + f64::from(random[0]) / 255.0
}
