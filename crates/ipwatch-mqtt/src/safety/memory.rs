use std::collections::VecDeque;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Command, CommandName};

/// The most commands that are remembered one by one. More than that within the time of [`Rules::age`](super::Rules::age) raise
/// the time before which every command counts as seen.
pub const MAX_REMEMBERED: usize = 1024;

/// Which commands were carried out. It is written to disk before a command is carried out, and read when the agent starts.
///
/// What is too old to pass the gate need not be remembered. But the machine's clock may be set back, and then it would pass: so
/// the newest time that was forgotten is kept, and whatever is not newer counts as seen.
///
/// Choice: IM-9.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Commands of this time and before count as seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten: Option<Timestamp>,
    #[serde(default)]
    seen: VecDeque<Entry>,
    #[serde(default)]
    restarts: VecDeque<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The command's time.
    at: Timestamp,
    /// Its id; without one, its name and time are what it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    command: CommandName,
}

impl Memory {
    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        crate::message::json(self)
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// It is nothing that was stored: the agent must not begin with an empty memory in its place.
    pub fn decode(stored: &[u8]) -> Result<Self, MalformedMemory> {
        let mut memory: Self = crate::message::object(stored).map_err(MalformedMemory)?;
        memory.shorten();
        Ok(memory)
    }

    /// Whether this command was carried out, as far as it is known.
    pub(super) fn knows(&self, command: &Command, at: Timestamp) -> bool {
        if self.forgotten.is_some_and(|forgotten| at <= forgotten) {
            return true;
        }
        let id = command.id.as_ref().map(crate::CommandId::as_str);
        self.seen.iter().any(|entry| match (&entry.id, id) {
            (Some(known), Some(id)) => known == id,
            (None, None) => (entry.command, entry.at) == (command.command, at),
            _ => false,
        })
    }

    /// Remembers a command, and forgets those of before `oldest`.
    pub(super) fn add(&mut self, command: &Command, at: Timestamp, oldest: Timestamp) {
        let id = command.id.as_ref().map(ToString::to_string);
        self.seen.push_back(Entry { at, id, command: command.command });
        let forgotten = self.seen.iter().filter(|entry| entry.at < oldest).map(|entry| entry.at).max();
        self.seen.retain(|entry| entry.at >= oldest);
        self.forgotten = self.forgotten.max(forgotten);
        self.shorten();
    }

    fn shorten(&mut self) {
        if self.seen.len() <= MAX_REMEMBERED {
            return;
        }
        self.seen.make_contiguous().sort_by_key(|entry| entry.at);
        while self.seen.len() > MAX_REMEMBERED {
            let gone = self.seen.pop_front().map(|entry| entry.at);
            self.forgotten = self.forgotten.max(gone);
        }
    }

    /// How often the machine was restarted within this time before now.
    pub(super) fn restarts(&self, now: Timestamp, within: SignedDuration) -> usize {
        // A restart of the future is one before the clock was set back.
        self.restarts.iter().filter(|at| now.duration_since(**at).abs() < within).count()
    }

    pub(super) fn add_restart(&mut self, now: Timestamp, most: usize) {
        self.restarts.push_back(now);
        while self.restarts.len() > most {
            self.restarts.pop_front();
        }
    }
}

/// What was stored is no memory of commands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("what was stored of earlier commands cannot be read: {0}")]
pub struct MalformedMemory(String);
