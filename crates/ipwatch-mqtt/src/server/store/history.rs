//! What machines told of themselves, kept for a set time.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;

/// The figures of one status. Shares are in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The number of the machine in the store.
    pub device: i64,
    /// When it came in, to the second; of two in one second the later counts.
    pub at: Timestamp,
    /// Processor, 0 to 10,000.
    pub cpu: Option<u16>,
    /// Memory, 0 to 10,000.
    pub memory: Option<u16>,
    /// Disk, 0 to 10,000.
    pub disk: Option<u16>,
    /// Seconds since the machine started.
    pub uptime: Option<u64>,
}

/// The part of a history that is read: steps of equal length from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: Timestamp,
    /// The second after the last.
    pub to: Timestamp,
    /// How long a step is, in whole seconds, at least 1.
    pub step: Duration,
}

/// What a machine told within one step, the means where they are not called otherwise. Shares are in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The first second of the step.
    pub at: Timestamp,
    /// How many samples are in it.
    pub samples: u32,
    /// Processor.
    pub cpu: Option<u16>,
    /// Processor, at its highest.
    pub cpu_most: Option<u16>,
    /// Memory.
    pub memory: Option<u16>,
    /// Disk.
    pub disk: Option<u16>,
    /// Seconds since the machine started, at their highest.
    pub uptime: Option<u64>,
}

/// What machines told of themselves.
///
/// Choice: IM-84.
pub trait History {
    /// Keeps samples, all of them in one commit.
    ///
    /// # Errors
    /// [`StoreError`] when none is kept.
    fn add_samples(&self, samples: Vec<Sample>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The steps of a machine's history in which there is anything, oldest first, at most so many.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn history(
        &self,
        device: i64,
        span: Span,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Point>, StoreError>> + Send;

    /// Forgets the samples of one machine that are older; at most so many, so that nobody waits long. How many they were.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn prune_history(
        &self,
        device: i64,
        before: Timestamp,
        most: u32,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
