//! What machines say, read from the messages that come in.

use std::net::IpAddr;

use ipwatch_mqtt::server::News;
use ipwatch_mqtt::{Availability, Leaf, Publication, Response, Status, Topic};

/// What the receiver listens to.
pub(super) const LISTENED: [Leaf; 3] = [Leaf::Availability, Leaf::Status, Leaf::Response];

/// What a machine said.
#[derive(Debug)]
pub(super) enum Said {
    News(News),
    /// The answer to the command of this id, where it names one.
    Answer(Option<String>, Response),
}

/// Reads a message; nothing when it is none of a machine's. Only whether a machine is there is kept by the broker: anything else that it kept is
/// of the past, and not taken.
///
/// Source: ipwatch §2.2.
pub(super) fn read(message: &Publication) -> Option<(IpAddr, Said)> {
    let Ok(Topic::Device(device, leaf)) = Topic::parse(&message.topic) else { return None };
    let said = match leaf {
        Leaf::Availability => Said::News(News::Availability(Availability::decode(&message.payload).ok()?)),
        Leaf::Status if !message.retain => {
            Said::News(News::Status(Box::new(Status::decode(&message.payload).ok()?)))
        }
        Leaf::Response if !message.retain => {
            let response = Response::decode(&message.payload).ok()?;
            let correlation = message.properties.correlation.as_ref();
            let correlation = correlation.and_then(|data| std::str::from_utf8(data).ok());
            let id = response.id.clone().or_else(|| correlation.map(str::to_owned));
            Said::Answer(id, response)
        }
        _ => return None,
    };
    Some((device, said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipwatch_mqtt::Properties;

    fn message(topic: &str, payload: &str, retain: bool) -> Publication {
        let topic = Topic::parse(topic).unwrap();
        Publication { retain, ..Publication::new(&topic, payload.to_owned()) }
    }

    fn id_of(message: &Publication) -> Option<String> {
        match read(message) {
            Some((_, Said::Answer(id, _))) => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_known_by_its_id_or_by_what_it_was_sent_with() {
        let answer = |payload| message("ipwatch/device/192.0.2.7/response", payload, false);
        assert_eq!(id_of(&answer(r#"{"success":true,"message":"Shutdown en cours..."}"#)), None);
        assert_eq!(id_of(&answer(r#"{"success":true,"id":"1f"}"#)), Some("1f".to_owned()));
        let properties = Properties { correlation: Some("2f".into()), ..Properties::default() };
        assert_eq!(id_of(&answer(r#"{"success":true}"#).with(properties.clone())), Some("2f".to_owned()));
        assert_eq!(id_of(&answer(r#"{"success":true,"id":"1f"}"#).with(properties)), Some("1f".to_owned()));
    }

    #[test]
    fn only_whether_a_machine_is_there_may_be_of_the_past() {
        for (topic, payload, fresh, kept) in [
            ("ipwatch/device/192.0.2.7/availability", "online", true, true),
            ("ipwatch/device/192.0.2.7/status", "{}", true, false),
            ("ipwatch/device/192.0.2.7/response", r#"{"success":true}"#, true, false),
            ("ipwatch/device/192.0.2.7/command", r#"{"command":"shutdown"}"#, false, false),
            ("ipwatch/device/192.0.2.7/availability", "perhaps", false, false),
            ("ipwatch/device/192.0.2.7/response", "{", false, false),
            ("ipwatch/group/lab/command", "{}", false, false),
        ] {
            assert_eq!(read(&message(topic, payload, false)).is_some(), fresh, "{topic} {payload}");
            assert_eq!(read(&message(topic, payload, true)).is_some(), kept, "{topic} {payload}, retained");
        }
    }
}
