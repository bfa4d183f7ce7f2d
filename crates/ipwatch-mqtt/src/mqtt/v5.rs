//! MQTT 5.

use std::time::Duration;

use rumqttc::mqttbytes::v5::{
    ConnectReturnCode, LastWill, Packet, PubAckReason, Publish, PublishProperties, SubscribeFilter,
};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, PublishNotice, PublishOptions,
    PublishResult, QoS, SessionMode,
};

use super::{Ended, NotTaken, QUEUE, Settings, Transport};
use crate::{MAX_PACKET_BYTES, Properties, Publication, Qos};

pub(super) type Client = AsyncClient;
pub(super) type Loop = EventLoop;
pub(super) type Notice = PublishNotice;

pub(super) fn connect(settings: &Settings) -> (Client, Loop) {
    let mut options = MqttOptions::new(settings.client_id.clone(), (settings.host.clone(), settings.port));
    options.set_session_mode(SessionMode::Clean);
    options.set_keep_alive(settings.keep_alive_seconds());
    options.set_max_packet_size(u32::try_from(MAX_PACKET_BYTES).ok());
    if let Some((user, password)) = &settings.login {
        options.set_credentials(user.clone(), password.0.as_bytes().to_vec());
    }
    if let Some(will) = &settings.will {
        let payload = will.payload.to_vec();
        let will = LastWill::new(will.topic.clone(), payload, quality(will.qos), will.retain, None);
        options.set_last_will(will);
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
    let Publication { topic, payload, qos, retain, properties } = publication;
    let seconds = |expiry: Duration| u32::try_from(expiry.as_secs().max(1)).unwrap_or(u32::MAX);
    let properties = PublishProperties {
        message_expiry_interval: properties.expiry.map(seconds),
        response_topic: properties.response_topic,
        correlation_data: properties.correlation,
        content_type: properties.content_type,
        ..PublishProperties::default()
    };
    let options = PublishOptions::new(quality(qos)).retain(retain).properties(properties);
    client.try_publish_tracked(topic, payload, options).map_err(|_| NotTaken::Full)
}

pub(super) async fn taken(notice: Notice) -> Result<(), NotTaken> {
    match notice.wait_async().await {
        Ok(PublishResult::Qos1(acknowledged)) => match acknowledged.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
            reason => Err(NotTaken::Refused(format!("{reason:?}"))),
        },
        Ok(_) => Ok(()),
        Err(_) => Err(NotTaken::Lost),
    }
}

pub(super) fn subscribe(client: &Client, filter: &str, qos: Qos) -> Result<(), NotTaken> {
    let mut filter = SubscribeFilter::new(filter, quality(qos));
    // So that a command that was meant to be kept is known for it even when it comes at once.
    filter.preserve_retain = true;
    client.try_subscribe_many([filter]).map_err(|_| NotTaken::Full)
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
    let properties = publish.properties.unwrap_or_default();
    Some(Publication {
        topic: super::topic(&publish.topic)?,
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

const fn quality(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}
