//! `[checkin]`: where check-ins go, and where they wait.

use std::num::NonZeroU32;
use std::path::PathBuf;

use daemon::config::{Period, SecretSource};
use daemon::tls::ClientTls;
use serde::{Deserialize, Serialize};

use crate::config::Problem;

/// `[checkin]`: the receiver of check-ins. Off unless it has a `url`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckInSettings {
    /// Where check-ins are posted, as `https://example.org/checkins`. Default: none, and nothing is sent.
    pub url: Option<String>,
    /// The key that the receiver gave. Default: none.
    pub api_key: Option<SecretSource>,
    /// The bot's name on check-ins that say none themselves. Default: none.
    pub source_bot: Option<String>,
    /// The folder in which check-ins wait for the receiver. Default: `checkin-outbox` in the state directory.
    pub outbox: PathBuf,
    /// The folder in which bots leave check-ins, one JSON file each. Default: none.
    pub spool: Option<PathBuf>,
    /// How often the spool folder is looked into. Default 2 s; 1 s to 1 h.
    pub poll_every: Period,
    /// How many check-ins may wait. Default 10,000.
    pub max_waiting: NonZeroU32,
    /// Longest wait before the first of several is sent, so that bots which flush at the same moment do not all call then. Default 5 s; at
    /// most 1 h.
    pub spread: Period,
    /// Whether to send many in one request; the receiver of this workspace takes that, others need not. Default: no.
    pub batches: bool,
    /// Time for one request with its answer. Default 10 s; 1 s to 2 m.
    pub timeout: Period,
    /// Allows the key to be sent over plain `http` to another machine. Default: no.
    pub allow_insecure: bool,
    /// TLS of the connection to the receiver.
    pub tls: ClientTls,
}

impl Default for CheckInSettings {
    fn default() -> Self {
        Self {
            url: None,
            api_key: None,
            source_bot: None,
            outbox: "checkin-outbox".into(),
            spool: None,
            poll_every: Period::from_secs(2),
            max_waiting: const { NonZeroU32::new(10_000).unwrap() },
            spread: Period::from_secs(5),
            batches: false,
            timeout: Period::from_secs(10),
            allow_insecure: false,
            tls: ClientTls::default(),
        }
    }
}

impl CheckInSettings {
    /// The first rule between these settings that is broken, if any.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let broken = |key, message: &str| Some(Problem { key, message: message.to_owned() });
        if self.spool.is_some() && self.url.is_none() {
            return broken("checkin.url", "is not set, though checkin.spool is: where do check-ins go?");
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return broken(
                "checkin.tls.certificate",
                "certificate and key belong together: set both or neither",
            );
        }
        if self.source_bot.as_ref().is_some_and(|name| name.is_empty() || name.len() > 255) {
            return broken("checkin.source_bot", "a name has 1 to 255 bytes");
        }
        let ranges = [
            ("checkin.poll_every", self.poll_every, 1, 3600),
            ("checkin.spread", self.spread, 0, 3600),
            ("checkin.timeout", self.timeout, 1, 120),
        ];
        let bad = ranges.into_iter().find(|(_, period, low, high)| {
            !(Period::from_secs(*low)..=Period::from_secs(*high)).contains(period)
        });
        bad.map(|(key, period, low, high)| {
            let (low, high) = (Period::from_secs(low), Period::from_secs(high));
            Problem { key, message: format!("{period} is out of range: {low} to {high}") }
        })
    }
}
