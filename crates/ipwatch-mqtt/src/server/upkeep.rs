//! What time brings with it: figures to the database, schedules, machines that should have come up, old rows.

use std::sync::PoisonError;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Duration, MissedTickBehavior};

use super::fleet::Fleet;
use super::shapes::LogView;
use super::store::{Begun, DeviceRecord, Ended, LogEntry, Origin, Outcome, ScheduleRun, Store, StoreError};
use super::{IpWatchServer, Shared};
use crate::schedule::{Due, Plan, Target};
use crate::server::store::ScheduleRecord;

/// How often which machines and schedules there are is read again, in ticks: other processes may change them.
const RELOAD_EVERY: u64 = 10;
/// Of how many machines old figures are forgotten at each tick, and how many rows at most.
const PRUNED_MACHINES: usize = 10;
const PRUNED_ROWS: u32 = 2000;
/// Entries whose end waits to be written down.
const MAX_ENDED: usize = 65_536;

/// What the ticks know of each other.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    ticks: u64,
    /// The machine whose old figures are forgotten next, by its place among all.
    pruned: usize,
    /// The numbers of all machines in the store, the retired too.
    all: Vec<i64>,
    ended: Vec<Ended>,
    plans: Vec<(ScheduleRecord, Plan)>,
}

/// A slot that is to be run now.
#[derive(Debug, Clone)]
struct Slot {
    schedule: ScheduleRecord,
    slot: Timestamp,
}

impl<S: Store, F: Fleet> IpWatchServer<S, F> {
    /// Does all upkeep, once a second, until it is dropped. Nothing is lost by dropping it but the figures of the last second; see
    /// [`finish`](Self::finish).
    pub async fn run(&self) {
        let mut interval = tokio::time::interval(Duration::from_secs(1));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut runs = JoinSet::new();
        loop {
            interval.tick().await;
            self.tick(&mut runs).await;
            while runs.try_join_next().is_some() {}
        }
    }

    /// Does the upkeep of one second. Runs of schedules are put into `runs`, so that no machine makes the others wait.
    pub async fn tick(&self, runs: &mut JoinSet<()>) {
        let shared = &self.shared;
        let ticks = {
            let mut upkeep = shared.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            upkeep.ticks += 1;
            upkeep.ticks
        };
        shared.flush().await;
        if ticks.is_multiple_of(RELOAD_EVERY)
            && let Err(error) = shared.reload().await
        {
            tracing::warn!(%error, "machines and schedules cannot be read again");
        }
        for slot in shared.due().await {
            let shared = std::sync::Arc::clone(shared);
            runs.spawn(async move { shared.run_slot(slot).await });
        }
        shared.prune(ticks).await;
    }

    /// Writes down what waits; to be called once at the end.
    pub async fn finish(&self) {
        self.shared.flush().await;
    }
}

impl<S: Store, F: Fleet> Shared<S, F> {
    /// Reads which machines and schedules there are.
    pub(super) async fn reload(&self) -> Result<(), StoreError> {
        let _alone = self.reloading.lock().await;
        let devices = self.store.devices().await?;
        let schedules = self.store.schedules().await?;
        let grace = self.settings().grace;
        let plans = schedules.into_iter().map(|record| (record.clone(), plan(&record, grace))).collect();
        {
            let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            upkeep.all = devices.iter().map(|device| device.id).collect();
            upkeep.plans = plans;
        }
        self.live.reload(devices);
        Ok(())
    }

    /// Figures and ends to the database, each in one commit.
    async fn flush(&self) {
        let samples = self.live.take_samples();
        if let Err(error) = self.store.add_samples(samples.clone()).await {
            tracing::warn!(%error, samples = samples.len(), "figures wait for the database");
            self.live.give_back(samples);
        }
        let mut ended = self.live.sweep();
        {
            let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            ended.append(&mut upkeep.ended);
        }
        self.write_ended(ended).await;
    }

    pub(super) fn keep_ended(&self, mut ended: Vec<Ended>) {
        let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        ended.truncate(MAX_ENDED.saturating_sub(upkeep.ended.len()));
        upkeep.ended.append(&mut ended);
    }

    /// The slots that are this receiver's to run now. Those that were missed are written down. Choice: IM-82.
    async fn due(&self) -> Vec<Slot> {
        let now = self.environment.clock.now();
        let due: Vec<(ScheduleRecord, Timestamp, Due)> = {
            let upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            let enabled = upkeep.plans.iter().filter(|(record, _)| record.schedule.enabled);
            let due = enabled.filter_map(|(record, plan)| Some((record, plan.settled(), plan.due(now)?)));
            due.map(|(record, settled, due)| (record.clone(), settled, due)).collect()
        };
        let mut slots = Vec::new();
        for (record, settled, due) in due {
            let id = record.schedule.id.clone();
            match self.store.claim_slots(id.clone(), settled, due.settles).await {
                Ok(taken) => {
                    self.settle(&id, due.settles);
                    if taken {
                        self.note_missed(&record, &due, now).await;
                        slots.extend(due.run.map(|slot| Slot { schedule: record, slot }));
                    }
                }
                // Not taken is not run; the next tick tries again while the grace time lasts.
                Err(error) => tracing::warn!(%error, schedule = id, "a slot cannot be taken"),
            }
        }
        slots
    }

    fn settle(&self, id: &str, slot: Timestamp) {
        let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, plan) in upkeep.plans.iter_mut().filter(|(record, _)| record.schedule.id == id) {
            plan.settle(slot);
        }
    }

    async fn note_missed(&self, record: &ScheduleRecord, due: &Due, now: Timestamp) {
        if due.missed == 0 {
            return;
        }
        let schedule = &record.schedule;
        let times =
            if due.missed == 1 { "a run was".to_owned() } else { format!("{} runs were", due.missed) };
        let begun = Begun {
            at: now,
            origin: Origin::Schedule(schedule.id.clone(), schedule.name.clone()),
            target: schedule.target.clone(),
            action: schedule.action,
            outcome: Outcome::Missed,
            message: Some(format!("{times} missed: nobody was there at the time")),
        };
        match self.store.begin_commands(vec![begun.clone()]).await {
            Ok(ids) => {
                let entry =
                    |id| LogView::of(LogEntry { id, begun: begun.clone(), code: None, took_ms: None });
                self.live.tell("log", &ids.into_iter().map(entry).collect::<Vec<_>>());
            }
            Err(error) => tracing::warn!(%error, schedule = schedule.id, "a missed run is not written down"),
        }
        if due.run.is_none() {
            self.note_run(&schedule.id, ScheduleRun { slot: due.settles, ran: false, done: 0, failed: 0 })
                .await;
        }
    }

    async fn run_slot(&self, slot: Slot) {
        let schedule = &slot.schedule.schedule;
        let settings = self.settings();
        let devices = self.targets(&schedule.target);
        let origin = Origin::Schedule(schedule.id.clone(), schedule.name.clone());
        let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        let done = match self.act(&settings, origin, schedule.action, devices).await {
            Ok(done) => done.iter().filter(|done| done.is_good()).count(),
            Err(error) => {
                tracing::error!(%error, schedule = schedule.id, "a run is not done: it cannot be written down");
                0
            }
        };
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        let run = ScheduleRun { slot: slot.slot, ran: true, done, failed: count.saturating_sub(done) };
        self.note_run(&schedule.id, run).await;
    }

    async fn note_run(&self, id: &str, run: ScheduleRun) {
        {
            let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            for (record, _) in upkeep.plans.iter_mut().filter(|(record, _)| record.schedule.id == id) {
                record.last = Some(run.clone());
            }
        }
        if let Err(error) = self.store.note_run(id.to_owned(), run).await {
            tracing::warn!(%error, schedule = id, "what became of a run is not written down");
        }
    }

    /// The machines that a target means now.
    pub(super) fn targets(&self, target: &Target) -> Vec<DeviceRecord> {
        match target {
            Target::Device(address) => self.live.record(*address).into_iter().collect(),
            Target::Group(name) => self.live.records(|device| device.groups.contains(name)),
            Target::All => self.live.records(|_| true),
        }
    }

    /// The schedules as they are known, with when each is due next.
    pub(super) fn plans(&self) -> Vec<(ScheduleRecord, Option<Timestamp>)> {
        let now = self.environment.clock.now();
        let upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        let next = |record: &ScheduleRecord, plan: &Plan| {
            if record.schedule.enabled { plan.next_after(now) } else { None }
        };
        upkeep.plans.iter().map(|(record, plan)| (record.clone(), next(record, plan))).collect()
    }

    /// Forgets what is too old, a little at each tick, so that no commit is long. Choice: IM-84.
    async fn prune(&self, ticks: u64) {
        let settings = self.settings();
        let now = self.environment.clock.now();
        let before = |kept: Duration| now.checked_sub(kept).unwrap_or(Timestamp::MIN);
        let machines: Vec<i64> = {
            let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            if upkeep.pruned >= upkeep.all.len() {
                upkeep.pruned = 0;
            }
            let machines = upkeep.all.iter().skip(upkeep.pruned).take(PRUNED_MACHINES).copied().collect();
            upkeep.pruned += PRUNED_MACHINES;
            machines
        };
        for machine in machines {
            if let Err(error) =
                self.store.prune_history(machine, before(settings.keep_history), PRUNED_ROWS).await
            {
                tracing::warn!(%error, "old figures cannot be forgotten");
                return;
            }
        }
        if ticks.is_multiple_of(60)
            && let Err(error) = self.store.prune_log(before(settings.keep_log), PRUNED_ROWS).await
        {
            tracing::warn!(%error, "old entries of the log cannot be forgotten");
        }
    }
}

fn plan(record: &ScheduleRecord, grace: Duration) -> Plan {
    let schedule = &record.schedule;
    Plan::new(schedule.cron.clone(), schedule.zone.clone(), grace, record.settled)
}
