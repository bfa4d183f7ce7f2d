//! A folder in which check-ins wait until the receiver has them.
//!
//! The contract lets a bot lose a check-in after two failed tries. What was put into an outbox is kept instead, over restarts, `kill -9` and
//! power loss, until the receiver has acknowledged it:
//!
//! ```no_run
//! # async fn bot(check_in: checkin_api::CheckIn) -> Result<(), Box<dyn std::error::Error>> {
//! use checkin_api::client::CheckInClient;
//! use checkin_api::outbox::{Outbox, OutboxOptions};
//!
//! let outbox = Outbox::open("/var/lib/bot/outbox", OutboxOptions::default())?;
//! // Whoever hears check-ins puts them in. From here on they are safe …
//! outbox.put(&check_in).await?;
//!
//! // … and one task sends them, oldest first, for as long as it takes.
//! let client = CheckInClient::builder("https://example.org/checkins")?.build()?;
//! let stopped = outbox.sender()?.run(&client, |event| println!("{event}")).await;
//! println!("the receiver does not want anything from us: {stopped}");
//! # Ok(())
//! # }
//! ```
//!
//! - One sends at a time, by a lock on a file; any number of programs may put check-ins in.
//! - The oldest is sent first, and nothing overtakes it while it may still be accepted. After a failure the sender waits, longer each
//!   time and a random part of it ([`DeliveryPolicy`]).
//! - A check-in that the receiver will never take (400, 413, 422) is set aside with the reason, in the folder `refused`, and blocks nothing.
//! - A receiver that takes nothing from this bot (401, 403, 404 and the like: the key or the address is wrong) stops the sender. Everything
//!   stays where it is.
//! - A full outbox takes no more and says so ([`OutboxError::Full`]): what it once took it never drops.
//!
//! Source: checkin §4, §5. Choice: CI-15, CI-16.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::client::ClientError;
use crate::{CheckIn, DecodeError};

mod folder;
mod policy;
mod sender;

use folder::Folder;
pub(crate) use policy::between;
pub use policy::{Backoff, DeliveryPolicy, Next};
pub use sender::{Delivered, OutboxEvent, Sender};

/// The settings of an [`Outbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxOptions {
    /// How many check-ins may wait, and as many be set aside; 1 or more. Default 10,000.
    pub max_entries: usize,
    /// When the sender tries again.
    pub policy: DeliveryPolicy,
    /// Whether to send by the batch, for receivers that take batches; to one that does not, they are sent one by one after all.
    /// Default no: the contract has none.
    pub batches: bool,
}

impl Default for OutboxOptions {
    fn default() -> Self {
        Self { max_entries: 10_000, policy: DeliveryPolicy::default(), batches: false }
    }
}

/// A check-in that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The file that holds it.
    pub path: PathBuf,
    /// Why, in the receiver's words.
    pub reason: String,
}

/// The folder. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: Arc<Folder>,
    options: OutboxOptions,
    put: Arc<Notify>,
}

impl Outbox {
    /// The outbox in this folder, which is made if it is missing, for its owner only.
    ///
    /// # Errors
    /// [`OutboxError::Io`] when the folder cannot be made.
    pub fn open(path: impl Into<PathBuf>, options: OutboxOptions) -> Result<Self, OutboxError> {
        let folder = Folder::open(path.into(), options.max_entries.max(1))?;
        Ok(Self { folder: Arc::new(folder), options, put: Arc::new(Notify::new()) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a check-in in. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`OutboxError::Invalid`] when no receiver would take it, [`OutboxError::Full`], and [`OutboxError::Io`] when the disk
    /// fails: it is not in the outbox then.
    pub async fn put(&self, check_in: &CheckIn) -> Result<(), OutboxError> {
        self.put_all(std::slice::from_ref(check_in)).await
    }

    /// Puts several in, in their order: all of them, or none when one is invalid or they do not all find room.
    ///
    /// # Errors
    /// Those of [`put`](Self::put). When the disk fails half way, some of them are in: to put them all in again does no harm, for the receiver
    /// knows them by their hash.
    pub async fn put_all(&self, check_ins: &[CheckIn]) -> Result<(), OutboxError> {
        for check_in in check_ins {
            check_in.validate().map_err(OutboxError::Invalid)?;
        }
        let bodies: Vec<_> = check_ins.iter().map(CheckIn::encode).collect();
        self.blocking(move |folder| folder.put(&bodies)).await?;
        self.put.notify_one();
        Ok(())
    }

    /// How many wait.
    ///
    /// # Errors
    /// [`OutboxError::Io`] when the folder cannot be read.
    pub async fn waiting(&self) -> Result<usize, OutboxError> {
        self.blocking(|folder| Ok(folder.waiting()?.len())).await
    }

    /// Those that were set aside, oldest first.
    ///
    /// # Errors
    /// [`OutboxError::Io`] when the folder cannot be read.
    pub async fn set_aside(&self) -> Result<Vec<SetAside>, OutboxError> {
        self.blocking(Folder::set_aside_list).await
    }

    /// Puts those that were set aside in again, behind all others, and tells how many there were: after the receiver was mended,
    /// or the reason was not theirs.
    ///
    /// # Errors
    /// [`OutboxError::Full`] when they do not all find room, [`OutboxError::Io`] when the disk fails.
    pub async fn retry_set_aside(&self) -> Result<usize, OutboxError> {
        let count = self.blocking(Folder::retry_set_aside).await?;
        self.put.notify_one();
        Ok(count)
    }

    /// The one that sends.
    ///
    /// # Errors
    /// [`OutboxError::InUse`] while another one sends, in this program or in another.
    pub fn sender(&self) -> Result<Sender, OutboxError> {
        Ok(Sender::new(self.clone(), self.folder.lock_for_sending()?))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || work(&folder))
            .await
            .map_err(|error| OutboxError::Io(io::Error::other(error)))?
    }
}

/// What an outbox cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// No receiver would take it.
    #[error("not a check-in: {0}")]
    Invalid(DecodeError),
    /// There is no room.
    #[error("the outbox is full: {waiting} check-ins wait, {set_aside} are set aside")]
    Full {
        /// How many wait.
        waiting: usize,
        /// How many are set aside.
        set_aside: usize,
    },
    /// Another one sends.
    #[error("another program sends from this outbox")]
    InUse,
    /// The receiver takes nothing from this bot; its answer.
    #[error("{0}")]
    Stopped(ClientError),
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}
