//! When what was acknowledged reaches the disk: the receiver's own system calls, as strace sees them.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::world::{DEVICE, Setup, World};

/// Heartbeats are on disk after a second; the rest is for a machine that has other things to do.
const BOUND: Duration = Duration::from_millis(1500);

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// The times at which a sync of the database or its log had ended.
fn syncs(trace: &Path) -> Vec<Duration> {
    let text = fs::read_to_string(trace).unwrap();
    let ended = |line: &str| {
        let mut words = line.split_whitespace();
        let at: f64 = words.nth(1)?.parse().ok()?;
        if !line.contains("= 0 <") {
            return None;
        }
        let took = line.rsplit_once('<')?.1.trim_end_matches('>').parse::<f64>().ok()?;
        // The line of a call that was interrupted has the time of its end.
        let at = if line.contains("resumed>") { at } else { at + took };
        Some(Duration::from_secs_f64(at))
    };
    text.lines().filter_map(ended).collect()
}

/// Waits until a sync has ended after `moment`, and says how long after.
fn synced_after(trace: &Path, moment: Duration) -> Duration {
    loop {
        if let Some(sync) = syncs(trace).into_iter().find(|sync| *sync > moment) {
            return sync - moment;
        }
        assert!(now() < moment + BOUND * 4, "nothing was synced within {:?}", BOUND * 4);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs strace and curl; run by .ci/run"]
fn a_change_is_on_disk_before_its_answer_and_a_heartbeat_a_second_later() {
    let world = World::with(Setup { traced: true, ..Setup::default() });
    let trace = world.trace();
    world.provision();

    // What an operator changes is synced before he is told so.
    for number in 0..5 {
        let before = now();
        world.operate("PUT", &format!("/api/devices/{DEVICE}/note"), &json!({"note": number.to_string()}));
        let told = now();
        let during = syncs(&trace).into_iter().filter(|sync| (before..told).contains(sync)).count();
        assert!(during > 0, "change {number} was acknowledged before it was on disk");
    }

    // The heartbeat that brings a device online is such a change too; those after it only say "still there".
    let before = now();
    assert_eq!(world.heartbeat_status(), "200");
    let told = now();
    assert!(syncs(&trace).into_iter().any(|sync| (before..told).contains(&sync)));

    // A single one of those does not wait for the next one.
    assert_eq!(world.heartbeat_status(), "200");
    let alone = synced_after(&trace, now());
    // Nor does one among many, however many follow it.
    let mut longest = Duration::ZERO;
    let mut answered = Vec::new();
    let end = now() + Duration::from_secs(4);
    while now() < end {
        assert_eq!(world.heartbeat_status(), "200");
        answered.push(now());
    }
    for moment in &answered {
        longest = longest.max(synced_after(&trace, *moment));
    }
    let during = syncs(&trace).into_iter().filter(|sync| *sync > answered[0] && *sync < end).count();
    eprintln!(
        "on disk: a single heartbeat {:.2} s after its answer; of {} in 4 s each within {:.2} s, by {during} syncs",
        alone.as_secs_f64(),
        answered.len(),
        longest.as_secs_f64()
    );
    assert!(alone <= BOUND, "{alone:?}");
    assert!(longest <= BOUND, "{longest:?}");
    // The reason for waiting: all heartbeats of a second share one sync. Housekeeping may have some of its own.
    assert!(during <= 8, "{during} syncs in 4 s for {} heartbeats", answered.len());
    assert!(answered.len() > 8, "{} heartbeats in 4 s are too few to tell", answered.len());
}
