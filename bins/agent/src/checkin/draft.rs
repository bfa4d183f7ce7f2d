//! A check-in as a bot has it, before it has a hash.

use std::time::SystemTime;

use checkin_api::meshcore::{ChannelKey, GroupText, Packet};
use checkin_api::{CheckIn, PacketHash, Timestamp};
use serde::Deserialize;

/// What a bot says. Fields are those of the check-in; in place of `packet_hash` it may give what the hash is computed from. Unknown
/// fields pass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) packet_hash: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) source_bot: Option<String>,
    /// The MeshCore packet as it was heard, in hex digits.
    pub(crate) raw_packet: Option<String>,
    /// When the sender sent it, in seconds since 1970 by the sender's clock, as MeshCore says it.
    pub(crate) sender_timestamp: Option<u32>,
    /// The key of a channel whose name does not give it, in hex digits.
    pub(crate) channel_key: Option<String>,
}

impl Draft {
    /// The check-in, of the time `heard` if it names none.
    ///
    /// # Errors
    /// What is missing or wrong, in words.
    pub(crate) fn finish(self, source_bot: Option<&str>, heard: SystemTime) -> Result<CheckIn, String> {
        let packet = self.raw_packet.as_deref().map(Packet::bytes_from_hex).transpose();
        let packet = packet.map_err(|error| format!("raw_packet: {error}"))?;
        let packet = packet.as_deref().map(Packet::decode).transpose();
        let packet = packet.map_err(|error| format!("raw_packet: {error}"))?;
        let text = match &packet {
            // Without its key, the packet gives a hash and no text.
            Some(packet) => self.key().ok().and_then(|key| packet.group_text(&key)),
            None => None,
        };
        let said = text.as_ref().and_then(GroupText::name_and_message);
        let (said_by, said) = said.map_or((None, None), |(name, message)| (Some(name), Some(message)));
        let username = self.username.clone().or(said_by).ok_or("username is missing")?;
        let message = self.message.clone().or(said).ok_or("message is missing")?;
        let packet_hash = match (&self.packet_hash, packet) {
            (Some(hash), _) => PacketHash::new(hash).map_err(|error| error.to_string())?,
            (None, Some(packet)) => packet.packet_hash(),
            (None, None) => self.computed(&username, &message)?,
        };
        let check_in = CheckIn {
            packet_hash,
            username,
            message,
            channel: self.channel.ok_or("channel is missing")?,
            timestamp: self.timestamp.map_or_else(|| Timestamp::from(heard), Timestamp::new),
            source_bot: self
                .source_bot
                .or_else(|| source_bot.map(str::to_owned))
                .filter(|name| !name.is_empty()),
        };
        check_in.validate().map_err(|error| error.to_string())?;
        Ok(check_in)
    }

    /// The hash that every bot computes that heard the same message.
    fn computed(&self, username: &str, message: &str) -> Result<PacketHash, String> {
        let Some(sent) = self.sender_timestamp else {
            return Err(
                "packet_hash is missing, and so is what it is computed from: sender_timestamp, or raw_packet"
                    .into(),
            );
        };
        let text = GroupText::from_parts(sent, username, message).map_err(|error| error.to_string())?;
        Ok(text.packet_hash(&self.key()?))
    }

    fn key(&self) -> Result<ChannelKey, String> {
        let channel = self.channel.as_deref().unwrap_or_default();
        match &self.channel_key {
            Some(key) => ChannelKey::from_hex(key).map_err(|error| format!("channel_key: {error}")),
            None => ChannelKey::of_channel(channel).map_err(|error| format!("channel {channel}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(json: &str) -> Result<CheckIn, String> {
        let heard = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_741_037_400);
        serde_json::from_str::<Draft>(json).map_err(|error| error.to_string())?.finish(Some("bot-1"), heard)
    }

    #[test]
    fn the_documents_fields_are_a_check_in() {
        let check_in = draft(
            r##"{"packet_hash":"A1","username":"HOWL","message":"","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00","source_bot":"own","snr":-7}"##,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(check_in.encode()).unwrap(),
            r##"{"packet_hash":"A1","username":"HOWL","message":"","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00","source_bot":"own"}"##
        );
    }

    /// A real packet: from its bytes, from the text with the sender's timestamp, and from the bytes with everything said again.
    #[test]
    fn a_hash_is_computed_from_what_the_bot_has() {
        let raw = "150011C3C1354D619BAE9590E4D177DB7EEAF982F5BDCF78005D75157D9535FA90178F785D";
        for json in [
            format!(r#"{{"raw_packet":"{raw}","channel":"Public"}}"#),
            r#"{"sender_timestamp":1758484279,"channel":"Public","username":"🌲 Tree","message":"☁️"}"#.to_owned(),
            format!(r#"{{"raw_packet":"{raw}","channel":"home","username":"🌲 Tree","message":"☁️"}}"#),
            r#"{"sender_timestamp":1758484279,"channel":"home","channel_key":"8b3387e9c5cdea6ac9e5edbaa115cd72","username":"🌲 Tree","message":"☁️"}"#.to_owned(),
        ] {
            let check_in = draft(&json).unwrap();
            assert_eq!(check_in.packet_hash.as_str(), "B35E8EC0E974A30B", "{json}");
            assert_eq!((check_in.username.as_str(), check_in.message.as_str()), ("🌲 Tree", "☁️"));
            assert_eq!(check_in.timestamp.as_str(), "2025-03-03T21:30:00+00:00");
            assert_eq!(check_in.source_bot.as_deref(), Some("bot-1"));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (json, words) in [
            ("{}", "username is missing"),
            (r##"{"username":"a","message":"b","channel":"#c"}"##, "packet_hash is missing, and so is"),
            (
                r#"{"username":"a","message":"b","channel":"c","sender_timestamp":1}"#,
                "channel c: a key follows from",
            ),
            (
                r##"{"packet_hash":"","username":"a","message":"b","channel":"#c"}"##,
                "a packet hash is not empty",
            ),
            (r#"{"packet_hash":"A","username":"a","message":"b"}"#, "channel is missing"),
            (
                r#"{"packet_hash":"A","username":"","message":"b","channel":""}"#,
                "username empty, channel empty",
            ),
            (r#"{"raw_packet":"15","channel":"Public"}"#, "raw_packet: the packet ends early"),
            (r#"{"raw_packet":"zz","channel":"Public"}"#, "raw_packet: the packet is not written in hex"),
            (r#"{"raw_packet":"1500AABBCC","channel":"Public"}"#, "username is missing"),
            (
                r##"{"channel_key":"aa","channel":"#c","username":"a","message":"b","sender_timestamp":1}"##,
                "channel_key: a channel key",
            ),
            ("[", "EOF while parsing"),
        ] {
            let error = draft(json).unwrap_err();
            assert!(error.starts_with(words), "{json}: {error}");
        }
    }
}
