use std::fmt;
use std::fs::File;
use std::time::Duration;

use super::folder::Entry;
use super::{Backoff, Next, Outbox, OutboxError};
use crate::client::{Accepted, CheckInClient, ClientError, MAX_BATCH, random};
use crate::{CheckIn, PacketHash};

/// How often an empty outbox is looked into: another program may have put something in.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What happened to a check-in, for logs and counters.
#[derive(Debug)]
#[non_exhaustive]
pub enum OutboxEvent<'a> {
    /// The receiver has it.
    Delivered {
        /// Which.
        packet_hash: &'a PacketHash,
        /// Whether it was new there.
        accepted: Accepted,
    },
    /// It was set aside.
    SetAside {
        /// Which; `None` when the file held no check-in.
        packet_hash: Option<&'a PacketHash>,
        /// Why.
        reason: &'a str,
    },
    /// A try failed, and there will be another one.
    Waiting {
        /// Why it failed.
        error: &'a ClientError,
        /// When the next one is.
        wait: Duration,
    },
}

impl fmt::Display for OutboxEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { packet_hash, accepted: Accepted::Created } => {
                write!(f, "{packet_hash} delivered")
            }
            Self::Delivered { packet_hash, accepted: Accepted::AlreadyHeld } => {
                write!(f, "{packet_hash} delivered, another bot was faster")
            }
            Self::SetAside { packet_hash: Some(hash), reason } => write!(f, "{hash} set aside: {reason}"),
            Self::SetAside { packet_hash: None, reason } => write!(f, "a file set aside: {reason}"),
            Self::Waiting { error, wait } => {
                write!(f, "{error}; the next try is in {} s", wait.as_secs_f64().ceil())
            }
        }
    }
}

/// How many check-ins were delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// New at the receiver.
    pub created: usize,
    /// Held there already.
    pub already_held: usize,
    /// Set aside.
    pub set_aside: usize,
}

/// Sends what waits in an [`Outbox`]: there is one at a time, see [`Outbox::sender`].
#[derive(Debug)]
pub struct Sender {
    outbox: Outbox,
    backoff: Backoff,
    batches: bool,
    _lock: File,
}

impl Sender {
    pub(super) fn new(outbox: Outbox, lock: File) -> Self {
        let backoff = Backoff::new(outbox.options.policy);
        let batches = outbox.options.batches;
        Self { outbox, backoff, batches, _lock: lock }
    }

    /// Sends what waits and what comes, until the receiver takes nothing from this bot or the disk fails.
    ///
    /// The future may be dropped at any time: nothing is lost.
    pub async fn run(
        &mut self,
        client: &CheckInClient,
        mut event: impl FnMut(OutboxEvent<'_>),
    ) -> OutboxError {
        loop {
            let put = self.outbox.clone();
            if let Err(error) = self.send_waiting(client, &mut event).await {
                return error;
            }
            // A permit is kept when something was put in meanwhile.
            let _ = tokio::time::timeout(LOOK_EVERY, put.put.notified()).await;
        }
    }

    /// Sends until nothing waits any more, however long that takes.
    ///
    /// # Errors
    /// [`OutboxError::Stopped`] when the receiver takes nothing from this bot, [`OutboxError::Io`] when the disk fails.
    pub async fn send_waiting(
        &mut self,
        client: &CheckInClient,
        mut event: impl FnMut(OutboxEvent<'_>),
    ) -> Result<Delivered, OutboxError> {
        let mut delivered = Delivered::default();
        let mut first = true;
        loop {
            let numbers = self.outbox.blocking(|folder| Ok(folder.waiting()?)).await?;
            if numbers.is_empty() {
                return Ok(delivered);
            }
            if std::mem::take(&mut first) {
                tokio::time::sleep(self.backoff.before_first(random())).await;
            }
            let mut rest = numbers.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(if self.batches { MAX_BATCH } else { 1 }));
                rest = later;
                self.deliver(client, now.to_vec(), &mut delivered, &mut event).await?;
            }
        }
    }

    /// Sends these until each of them is gone from the queue.
    async fn deliver(
        &mut self,
        client: &CheckInClient,
        mut numbers: Vec<u64>,
        delivered: &mut Delivered,
        event: &mut impl FnMut(OutboxEvent<'_>),
    ) -> Result<(), OutboxError> {
        while !numbers.is_empty() {
            let entries = self.read(numbers, delivered, event).await?;
            let results = self.attempt(client, &entries).await;
            numbers = Vec::new();
            let mut failed: Option<(ClientError, Duration)> = None;
            let mut results = results.into_iter();
            for (number, check_in) in entries {
                let packet_hash = &check_in.packet_hash;
                let result = match results.next() {
                    // One failure counts once, however many of a batch share it.
                    Some(Err(error)) if failed.is_some() && error.is_retryable() => None,
                    result => result,
                };
                // Not tried, since one before it failed.
                let Some(result) = result else {
                    numbers.push(number);
                    continue;
                };
                match (self.backoff.after(result.as_ref().copied(), random()), result) {
                    (Next::Wait(wait), Err(error)) => {
                        numbers.push(number);
                        failed = Some((error, wait));
                    }
                    (Next::SetAside, Err(error)) => {
                        self.set_aside(number, Some(packet_hash), error.to_string(), delivered, event)
                            .await?;
                    }
                    (_, Err(error)) => return Err(OutboxError::Stopped(error)),
                    (_, Ok(accepted)) => {
                        self.outbox.blocking(move |folder| Ok(folder.remove(number)?)).await?;
                        match accepted {
                            Accepted::Created => delivered.created += 1,
                            Accepted::AlreadyHeld => delivered.already_held += 1,
                        }
                        event(OutboxEvent::Delivered { packet_hash, accepted });
                    }
                }
            }
            if let Some((error, wait)) = failed {
                event(OutboxEvent::Waiting { error: &error, wait });
                tokio::time::sleep(wait).await;
            }
        }
        Ok(())
    }

    /// The check-ins under these numbers. What is none is set aside.
    async fn read(
        &mut self,
        numbers: Vec<u64>,
        delivered: &mut Delivered,
        event: &mut impl FnMut(OutboxEvent<'_>),
    ) -> Result<Vec<(u64, CheckIn)>, OutboxError> {
        let read = move |folder: &super::Folder| {
            let entries = numbers.iter().map(|number| folder.read(*number));
            Ok(entries.collect::<Result<Vec<_>, _>>()?)
        };
        let mut check_ins = Vec::new();
        for Entry { number, content } in self.outbox.blocking(read).await?.into_iter().flatten() {
            match content {
                Ok(check_in) => check_ins.push((number, check_in)),
                Err(reason) => self.set_aside(number, None, reason, delivered, event).await?,
            }
        }
        Ok(check_ins)
    }

    async fn set_aside(
        &mut self,
        number: u64,
        packet_hash: Option<&PacketHash>,
        reason: String,
        delivered: &mut Delivered,
        event: &mut impl FnMut(OutboxEvent<'_>),
    ) -> Result<(), OutboxError> {
        delivered.set_aside += 1;
        event(OutboxEvent::SetAside { packet_hash, reason: &reason });
        self.outbox.blocking(move |folder| Ok(folder.set_aside(number, &reason)?)).await
    }

    /// One try for each, in one request if the receiver takes batches.
    async fn attempt(
        &mut self,
        client: &CheckInClient,
        entries: &[(u64, CheckIn)],
    ) -> Vec<Result<Accepted, ClientError>> {
        if self.batches && entries.len() > 1 {
            let check_ins: Vec<_> = entries.iter().map(|(_, check_in)| check_in.clone()).collect();
            match client.submit_batch(&check_ins).await {
                Ok(results) => return results,
                Err(error) if error.is_retryable() || error.is_unauthorized() => return vec![Err(error)],
                // No batches here.
                Err(_) => self.batches = false,
            }
        }
        let mut results = Vec::with_capacity(entries.len());
        for (_, check_in) in entries {
            let result = client.submit_once(check_in).await;
            let failed = result.as_ref().is_err_and(|error| !error.is_poison());
            results.push(result);
            if failed {
                break;
            }
        }
        results
    }
}
