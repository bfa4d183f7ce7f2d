//! What is done when.

use std::future::Future;

use jiff::Timestamp;

use super::StoreError;
use crate::schedule::{Action, CronExpression, Target, Zone};

/// A schedule as somebody makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// Its id, 8 hex digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When.
    pub cron: CronExpression,
    /// On whose clocks.
    pub zone: Zone,
    /// What.
    pub action: Action,
    /// To whom.
    pub target: Target,
    /// Whether it counts.
    pub enabled: bool,
    /// Who made it: the name of a key.
    pub author: String,
}

/// What became of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRun {
    /// The slot.
    pub slot: Timestamp,
    /// Whether it was run, or missed.
    pub ran: bool,
    /// How many machines did it.
    pub done: u32,
    /// How many did not.
    pub failed: u32,
}

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// What was asked for.
    pub schedule: NewSchedule,
    /// When it was made or last changed.
    pub created_at: Timestamp,
    /// Up to where its slots are dealt with.
    pub settled: Timestamp,
    /// What became of the last one.
    pub last: Option<ScheduleRun>,
}

/// What is done when. Several receivers may share the schedules: each slot is one receiver's.
///
/// Choice: IM-82.
pub trait Schedules {
    /// Keeps a schedule, or changes the one with its id; its slots count from now on. Whether it is new.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn put_schedule(
        &self,
        schedule: NewSchedule,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets one; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn delete_schedule(&self, id: String) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// All of them, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn schedules(&self) -> impl Future<Output = Result<Vec<ScheduleRecord>, StoreError>> + Send;

    /// Takes the slots after `from` up to `to`: `false` when somebody else has taken them, or the schedule is gone or changed. Whoever has
    /// taken them runs them or writes down that they are missed; nobody else ever does.
    ///
    /// # Errors
    /// [`StoreError`] when it is not taken.
    fn claim_slots(
        &self,
        id: String,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Writes down what became of a slot.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn note_run(&self, id: String, run: ScheduleRun) -> impl Future<Output = Result<(), StoreError>> + Send;
}
