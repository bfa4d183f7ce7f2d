//! What goes over the wire as JSON, both ways. Times are RFC 3339 in UTC, shares are percent, sizes and times carry their unit in the name.
//!
//! Every error is [`ErrorBody`]. What a caller sends may carry fields that are not known here; they are passed over.
//!
//! Source: ipwatch §3. Choice: IM-87.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::schedule::{Action, CronExpression, Target, Zone};
use crate::{GroupName, MacAddress, Status};

fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn optional_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

/// Any error: `{"error":"no such machine","code":"unknown_device"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorBody<'a> {
    /// In words, for people.
    pub error: &'a str,
    /// In one word, for programs; those of a machine's refusals are its own.
    pub code: &'a str,
}

/// Whether a machine is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It said so.
    Online,
    /// It, or the broker in its place, said that it is not.
    Offline,
    /// Nothing was heard of it since the receiver started.
    Unknown,
}

/// A machine, as `GET /v1/ipwatch/devices/{ip}` shows it and as the events `device` carry it:
/// `{"ip":"192.0.2.7","name":"Press 7","mac":"00:00:5e:00:53:07","groups":["lab"],"user":"192.0.2.7","availability":"online",
/// "since":"…Z","last_seen":"…Z","status":{"hostname":…,"cpu_percent":45.2,…},"status_at":"…Z","wake":null}`.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceView {
    /// Its address.
    pub ip: IpAddr,
    /// What people call it.
    pub name: String,
    /// Where a magic packet finds it; `null` when that is not known: then it cannot be woken.
    pub mac: Option<MacAddress>,
    /// The groups that it is in.
    pub groups: Vec<GroupName>,
    /// The broker's user that may speak for it; `null` when any may that the broker lets.
    pub user: Option<String>,
    /// Whether it is there.
    pub availability: Presence,
    /// Since when that is so; `null` while it is not known.
    #[serde(serialize_with = "optional_time")]
    pub since: Option<Timestamp>,
    /// When anything was heard of it.
    #[serde(serialize_with = "optional_time")]
    pub last_seen: Option<Timestamp>,
    /// Its last status, with the document's fields.
    pub status: Option<Status>,
    /// When that came in, by the receiver's clock.
    #[serde(serialize_with = "optional_time")]
    pub status_at: Option<Timestamp>,
    /// The last attempt to wake it.
    pub wake: Option<WakeView>,
}

/// An attempt to wake a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WakeView {
    /// When the packets were sent.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// What came of it.
    pub result: WakeResult,
}

/// What came of an attempt to wake a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeResult {
    /// It may still come.
    Waiting,
    /// It came up.
    Up,
    /// It gave no sign in time.
    NoSign,
}

/// An address that speaks and is not registered, or whose words came from another user than the one that may speak for it. Nothing of what
/// it says is taken (threat M3): only that it spoke is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StrangerView {
    /// The address in its topics.
    pub ip: IpAddr,
    /// `unregistered`, or `wrong_user`.
    pub reason: &'static str,
    /// The broker's user that spoke, where the broker tells.
    pub user: Option<String>,
    /// When it was first heard.
    #[serde(serialize_with = "time")]
    pub first_seen: Timestamp,
    /// When it was last heard.
    #[serde(serialize_with = "time")]
    pub last_seen: Timestamp,
    /// How many of its messages were not taken.
    pub messages: u64,
}

/// `GET /v1/ipwatch/devices`, and the event `snapshot`.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceList {
    /// Every machine, by address.
    pub devices: Vec<DeviceView>,
    /// Who else speaks, by address; at most 1,024.
    pub strangers: Vec<StrangerView>,
}

/// `PUT /v1/ipwatch/devices/{ip}`: `{"name":"Press 7","mac":"00:00:5e:00:53:07","groups":["lab"],"user":"192.0.2.7"}`; all but the name may
/// be left out. Answered with [`DeviceView`], 201 when it is new.
#[derive(Debug, Clone, Deserialize)]
pub struct DeviceBody {
    /// 1 to 100 characters.
    pub name: String,
    /// Where a magic packet finds it.
    #[serde(default)]
    pub mac: Option<MacAddress>,
    /// At most 64; one that is not there yet is made.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// The broker's user that may speak for it.
    #[serde(default)]
    pub user: Option<String>,
}

/// A group: `GET /v1/ipwatch/groups/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// Its name.
    pub name: GroupName,
    /// Who is in it, by address.
    pub devices: Vec<IpAddr>,
}

/// `GET /v1/ipwatch/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupList {
    /// Every group, by name.
    pub groups: Vec<GroupView>,
}

/// `PUT /v1/ipwatch/groups/{name}`: `{"devices":["192.0.2.7"]}`. Answered with [`GroupView`].
#[derive(Debug, Clone, Deserialize)]
pub struct GroupBody {
    /// Who is in it: registered machines.
    pub devices: Vec<IpAddr>,
}

/// The answer to a command: `POST /api/tracking/{command}/{ip}`, 200:
/// `{"ip":"192.0.2.7","command":"reboot","success":true,"message":"…","code":null,"timestamp":"…Z","took_ms":41}`.
///
/// `message` is the document's. When the machine refused or failed, or nobody answered, the status says so and the body is [`ErrorBody`]:
/// 403 `not_allowed`; 409 with the machine's own code or `failed`; 504 `no_answer`; 503 `no_broker`; for `wol` 409 `no_mac` and 503 `not_sent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerView {
    /// Of which machine.
    pub ip: IpAddr,
    /// To what.
    pub command: Action,
    /// Whether it does it; always `true` with status 200.
    pub success: bool,
    /// Its own words; for `wol` ours.
    pub message: String,
    /// Its own code for them.
    pub code: Option<String>,
    /// Its own time.
    #[serde(serialize_with = "optional_time")]
    pub timestamp: Option<Timestamp>,
    /// From the command to the answer, in milliseconds.
    pub took_ms: u64,
}

/// The answers of many: `POST /v1/ipwatch/groups/{name}/{command}` and `POST /v1/ipwatch/all/{command}`, 200 whatever they say:
/// `{"command":"shutdown","target":"group:lab","done":2,"failed":1,"answers":[{"ip":…,"outcome":"done","message":…,"code":null,"took_ms":37},…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BroadcastView {
    /// To what.
    pub command: Action,
    /// `all` or `group:NAME`.
    pub target: String,
    /// How many do it.
    pub done: u32,
    /// How many do not.
    pub failed: u32,
    /// What each said, by address.
    pub answers: Vec<BroadcastAnswer>,
}

/// What one of many said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BroadcastAnswer {
    /// Which machine.
    pub ip: IpAddr,
    /// `done`, `refused`, `failed`, `no_answer`, `unsent`, and for `wol` `sent`.
    pub outcome: &'static str,
    /// Its own words, or ours.
    pub message: String,
    /// Its own code, or ours.
    pub code: Option<String>,
    /// From the command to the answer, in milliseconds.
    pub took_ms: u64,
}

/// A part of a machine's history: `GET /v1/ipwatch/devices/{ip}/history?from=&to=&step=`.
///
/// `from` and `to` are times (RFC 3339) and default to the last hour; `step` is in seconds and defaults to what makes about 240 points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryView {
    /// Of which machine.
    pub ip: IpAddr,
    /// The first second.
    #[serde(serialize_with = "time")]
    pub from: Timestamp,
    /// The second after the last.
    #[serde(serialize_with = "time")]
    pub to: Timestamp,
    /// How long a step is, in seconds.
    pub step: u64,
    /// The steps in which there is anything.
    pub points: Vec<PointView>,
}

/// What a machine told within one step: means, but for the greatest share of the processor and the uptime at its highest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointView {
    /// The first second of the step.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// How many statuses are in it.
    pub samples: u32,
    /// Processor.
    pub cpu_percent: Option<f64>,
    /// Processor, at its highest.
    pub cpu_percent_most: Option<f64>,
    /// Memory.
    pub memory_percent: Option<f64>,
    /// Disk.
    pub disk_percent: Option<f64>,
    /// Seconds since the machine started.
    pub uptime: Option<u64>,
}

/// An entry of the log, and the event `log`: who switched what on or off, when, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogView {
    /// Its number; later entries have greater ones.
    pub id: i64,
    /// When it was sent.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// The name of the key that was shown, or of the schedule.
    pub who: String,
    /// The id of the schedule, where it was one.
    pub schedule: Option<String>,
    /// Which machine; `null` where a missed slot was for several.
    pub ip: Option<IpAddr>,
    /// `device:192.0.2.7`, `group:lab` or `all`.
    pub target: String,
    /// What.
    pub command: Action,
    /// `sent`, `done`, `refused`, `failed`, `no_answer`, `unsent`, `up`, `no_sign` or `missed`.
    pub outcome: &'static str,
    /// The machine's own words, or ours.
    pub message: Option<String>,
    /// The machine's own code, or ours.
    pub code: Option<String>,
    /// From the command to the answer, in milliseconds.
    pub took_ms: Option<u64>,
}

/// `GET /v1/ipwatch/log?ip=&before=&limit=`: the newest first, 100 unless it is said otherwise, at most 1,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogPage {
    /// The entries.
    pub entries: Vec<LogView>,
    /// What to give as `before` for the next page; `null` when this is the last.
    pub next: Option<i64>,
}

/// `POST /v1/ipwatch/schedules` and `PUT /v1/ipwatch/schedules/{id}`:
/// `{"name":"Lights out","cron":"0 22 * * mon-fri","zone":"Europe/Paris","command":"shutdown","target":{"group":"lab"},"enabled":true}`.
/// A target is `{"device":"192.0.2.7"}`, `{"group":"lab"}` or `"all"`. Answered with [`ScheduleView`], 201 by `POST`.
#[derive(Debug, Clone, Deserialize)]
pub struct ScheduleBody {
    /// 1 to 100 characters.
    pub name: String,
    /// Minute, hour, day, month, day of the week.
    pub cron: CronExpression,
    /// On whose clocks, by its IANA name.
    pub zone: Zone,
    /// What.
    pub command: Action,
    /// To whom.
    pub target: Target,
    /// Whether it counts.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// `POST /v1/ipwatch/schedules/preview`: `{"cron":"0 22 * * mon-fri","zone":"Europe/Paris"}`.
#[derive(Debug, Clone, Deserialize)]
pub struct PreviewBody {
    /// Minute, hour, day, month, day of the week.
    pub cron: CronExpression,
    /// On whose clocks, by its IANA name.
    pub zone: Zone,
}

/// When an expression comes up next: `{"next":["2026-02-02T21:00:00Z",…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewView {
    /// The next five slots; fewer where the calendar ends.
    pub next: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// A schedule, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When.
    pub cron: CronExpression,
    /// On whose clocks.
    pub zone: Zone,
    /// What.
    pub command: Action,
    /// To whom.
    pub target: Target,
    /// Whether it counts.
    pub enabled: bool,
    /// Who made it: the name of a key.
    pub author: String,
    /// When it was made or last changed.
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    /// When it is due next; `null` when it does not count.
    #[serde(serialize_with = "optional_time")]
    pub next: Option<Timestamp>,
    /// What became of its last slot.
    pub last: Option<RunView>,
}

/// What became of a slot of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// The slot.
    #[serde(serialize_with = "time")]
    pub slot: Timestamp,
    /// `ran` or `missed`.
    pub outcome: &'static str,
    /// How many machines did it.
    pub done: u32,
    /// How many did not.
    pub failed: u32,
}

/// `GET /v1/ipwatch/schedules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleList {
    /// All of them, by name.
    pub schedules: Vec<ScheduleView>,
}

/// `GET /v1/ipwatch/session`: whose key this is, so that a page offers what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// The name of the key.
    pub name: String,
    /// `read`, `control` or `administer`.
    pub role: &'static str,
    /// How long a command waits for its answer, in milliseconds.
    pub answer_within_ms: u64,
    /// How long a machine that is woken may take, in milliseconds.
    pub up_within_ms: u64,
}
