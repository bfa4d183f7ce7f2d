//! MQTT 3.1.1.

use rumqttc_v4 as rumqttc;

use rumqttc::mqttbytes::v4::{ConnectReturnCode, LastWill, Packet, Publish};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, PublishNotice, PublishOptions, QoS,
};

use super::{Ended, NotTaken, QUEUE, Settings, Transport};
use crate::{MAX_PACKET_BYTES, Properties, Publication, Qos};

pub(super) type Client = AsyncClient;
pub(super) type Loop = EventLoop;
pub(super) type Notice = PublishNotice;

pub(super) fn connect(settings: &Settings) -> (Client, Loop) {
    let mut options = MqttOptions::new(settings.client_id.clone(), (settings.host.clone(), settings.port));
    options.set_clean_session(true);
    options.set_keep_alive(settings.keep_alive_seconds());
    options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    if let Some((user, password)) = &settings.login {
        options.set_credentials(user.clone(), password.0.as_bytes().to_vec());
    }
    if let Some(will) = &settings.will {
        let payload = will.payload.to_vec();
        options.set_last_will(LastWill::new(will.topic.clone(), payload, quality(will.qos), will.retain));
    }
    match &settings.transport {
        Transport::Plain => {}
        #[cfg(feature = "tls")]
        Transport::Tls(config) => {
            let config = rumqttc::TlsConfiguration::Rustls(config.clone());
            options.set_transport(rumqttc::Transport::tls_with_config(config));
        }
    }
    AsyncClient::builder(options).capacity(QUEUE).build()
}

pub(super) fn publish(client: &Client, publication: Publication) -> Result<Notice, NotTaken> {
    let options = PublishOptions::new(quality(publication.qos)).retain(publication.retain);
    let Publication { topic, payload, .. } = publication;
    client.try_publish_tracked(topic, payload, options).map_err(|_| NotTaken::Full)
}

pub(super) async fn taken(notice: Notice) -> Result<(), NotTaken> {
    notice.wait_async().await.map(|_| ()).map_err(|_| NotTaken::Lost)
}

pub(super) fn subscribe(client: &Client, filter: &str, qos: Qos) -> Result<(), NotTaken> {
    client.try_subscribe(filter, quality(qos)).map_err(|_| NotTaken::Full)
}

pub(super) fn disconnect(client: &Client) {
    // A full queue means that the connection does not move: its end will be noticed otherwise.
    let _ = client.try_disconnect();
}

pub(super) async fn next(events: &mut Loop) -> Result<super::Event, Ended> {
    loop {
        match events.poll().await.map_err(|error| ended(&error))? {
            Event::Incoming(Packet::ConnAck(_)) => return Ok(super::Event::Connected),
            Event::Incoming(Packet::Publish(publish)) => {
                if let Some(publication) = publication(publish) {
                    return Ok(super::Event::Received(publication));
                }
            }
            Event::Outgoing(rumqttc::Outgoing::Disconnect) => return Err(Ended::Closed),
            _ => {}
        }
    }
}

fn ended(error: &ConnectionError) -> Ended {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => Ended::Refused,
        ConnectionError::RequestsDone => Ended::Closed,
        other => Ended::Broken(other.to_string()),
    }
}

fn publication(publish: Publish) -> Option<Publication> {
    Some(Publication {
        topic: super::topic(&publish.topic)?,
        payload: publish.payload,
        qos: match publish.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce => Qos::AtLeastOnce,
            QoS::ExactlyOnce => Qos::ExactlyOnce,
        },
        retain: publish.retain,
        properties: Properties::default(),
    })
}

const fn quality(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}
