//! Check-ins as they come in.

use std::borrow::Cow;
use std::future::Future;

use sha2::{Digest, Sha256};

use super::StoreError;
use crate::CheckIn;

/// One copy of a check-in, as one bot sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The check-in.
    pub check_in: CheckIn,
    /// When it came in.
    pub received_at: jiff::Timestamp,
    /// The name of the key that was shown with it.
    pub key: String,
}

impl Submission {
    /// Who heard it: the bot's own name, or that of its key where it gives none.
    #[must_use]
    pub fn bot(&self) -> &str {
        self.check_in.source_bot.as_deref().unwrap_or(&self.key)
    }

    /// What makes it one check-in: its packet hash.
    ///
    /// An all-zero hash says that the bot could not compute one. Then the identity is made of what was said: the hash, a
    /// slash, and half the SHA-256 of sender, channel, message and time. A retry is the same check-in, another sender's is not.
    ///
    /// Source: checkin §4. Choice: CI-21.
    #[must_use]
    pub fn identity(&self) -> Cow<'_, str> {
        let check_in = &self.check_in;
        let hash = check_in.packet_hash.as_str();
        if !check_in.packet_hash.is_all_zero() {
            return Cow::Borrowed(hash);
        }
        let time = match check_in.timestamp.instant() {
            Some(instant) => instant.to_string(),
            None => check_in.timestamp.as_str().to_owned(),
        };
        let mut digest = Sha256::new();
        for part in [&check_in.username, &check_in.channel, &check_in.message, &time] {
            // With its length before it, no part can be mistaken for the end of the one before.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        let half = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        Cow::Owned(format!("{hash}/{}", half.collect::<String>()))
    }

    /// Where it stands in time, in seconds since 1970, UTC: by the sender's time, or where that is no instant, by its date
    /// and time as if they were UTC's, or where it is no date either, by when it came in.
    ///
    /// Choice: CI-22.
    #[must_use]
    pub fn order_key(&self) -> i64 {
        order_key(&self.check_in.timestamp, self.received_at.as_second())
    }
}

/// See [`Submission::order_key`].
pub(crate) fn order_key(timestamp: &crate::Timestamp, received_at: i64) -> i64 {
    let instant = timestamp.instant();
    let as_utc = || timestamp.instant_in(&jiff::tz::TimeZone::UTC);
    instant.or_else(as_utc).map_or(received_at, jiff::Timestamp::as_second)
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is the first one, and is kept.
    New,
    /// One was held already and stays as it is; that this bot heard it too is kept beside it.
    Duplicate,
}

/// How many check-ins of a bot were refused since this was last reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedCount {
    /// The bot's own name, or that of its key where it could not be read.
    pub bot: String,
    /// How many.
    pub count: u64,
    /// When the last one came in.
    pub last_at: jiff::Timestamp,
}

/// Check-ins as they come in.
pub trait Submissions {
    /// Stores copies of check-ins in one commit, all of them or none, and says for each, in their order, what became of it.
    /// The first copy of a check-in wins; the copies that follow, whoever sent them, change nothing of it.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was stored.
    ///
    /// Source: checkin §4. Choice: CI-20.
    fn submit(
        &self,
        copies: Vec<Submission>,
    ) -> impl Future<Output = Result<Vec<Outcome>, StoreError>> + Send;

    /// Adds to the counts of refused check-ins, which are only there to show how a bot is doing.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn add_rejected(&self, counts: Vec<RejectedCount>)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}
