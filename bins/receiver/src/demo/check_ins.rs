//! Check-ins in the demo: a net that is open today, and what a bot would send, to try.

use std::path::PathBuf;

use checkin_api::net::Definition;
use daemon::config::SecretSource;
use daemon::exit::Failure;
use daemon::secret::SecretString;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::CheckIn;

const CHANNEL: &str = "#demo";

/// The key of the demo's bots.
#[derive(Debug)]
pub(super) struct CheckIns {
    key: String,
}

impl CheckIns {
    pub(super) fn new() -> Result<Self, Failure> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Failure::io("no random numbers", std::io::Error::other(error)))?;
        Ok(Self { key: random.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    /// Anybody may read: the demo listens on this machine only.
    pub(super) fn settings(&self, path: PathBuf) -> CheckIn {
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        let net = Definition {
            name: "Demo".to_owned(),
            channel: CHANNEL.to_owned(),
            weekday: today.strftime("%A").to_string(),
            opens: checkin_api::net::LocalTime::START_OF_DAY,
            closes: checkin_api::net::LocalTime::END_OF_DAY,
            zone: "UTC".to_owned(),
            phrase: None,
        };
        CheckIn {
            path,
            secret: Some(SecretSource::Inline(SecretString::new(self.key.clone()))),
            public_reading: true,
            net: vec![net],
            ..CheckIn::default()
        }
    }

    /// What to try.
    pub(super) fn invitation(&self, port: u16) -> String {
        format!(
            "\nIt takes check-ins of mesh-radio bots too. Open the page, send one, and see it arrive:\n\n\
             \x20   http://127.0.0.1:{port}/console/checkins/#/board\n\
             \x20   curl -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:{port}/checkins\n",
            self.key,
            example(),
        )
    }
}

fn example() -> String {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        r#"{{"packet_hash":"A1B2C3D4E5F67890","username":"HOWL","message":"check in","channel":"{CHANNEL}","timestamp":"{now}","source_bot":"demo"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_tried_would_be_taken_and_counted() {
        let settings = CheckIns::new().unwrap().settings("checkins.db".into()).settings().unwrap();
        let check_in = checkin_api::CheckIn::decode(example().as_bytes()).unwrap();
        assert_eq!(check_in.channel, settings.nets[0].channel());
        let sent = check_in.timestamp.instant().unwrap();
        let moment = checkin_api::net::Moment::Instant(sent);
        assert!(settings.nets[0].week_of(moment, &check_in.message).is_some());
    }
}
