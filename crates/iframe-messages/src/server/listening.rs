//! When to say `LISTENING`.

use super::config::Announce;
use crate::Moment;

/// How often it is said at most. Source: iframe §1. Threat I5.
const MOST: u32 = 100;

#[derive(Debug)]
pub(super) struct Announcer {
    announce: Announce,
    said: u32,
    next: Option<Moment>,
}

impl Announcer {
    pub(super) const fn new(announce: Announce, now: Moment) -> Self {
        Self { announce, said: 0, next: Some(now) }
    }

    pub(super) const fn next(&self) -> Option<Moment> {
        self.next
    }

    /// Whether it is to be said now; once even if several intervals have passed.
    pub(super) fn is_due(&mut self, now: Moment) -> bool {
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        self.said += 1;
        self.next = match self.announce {
            Announce::Every(interval) if self.said < MOST => Some(now.after(interval)),
            _ => None,
        };
        true
    }

    /// A host has spoken: it knows.
    pub(super) const fn stop(&mut self) {
        self.next = None;
    }
}
