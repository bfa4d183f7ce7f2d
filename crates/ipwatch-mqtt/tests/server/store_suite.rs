//! What is asked of every store, whatever database is behind it. Each case has a database of its own, and a second store on it: another
//! receiver.

use std::time::Duration;

use ipwatch_mqtt::schedule::{Action, Target};
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{
    Begun, CommandLog, Devices, Ended, History, Keys, LogFilter, NewDevice, NewKey, NewSchedule, Origin,
    Outcome, Role, Sample, ScheduleRun, Schedules, Span, Store,
};
use jiff::Timestamp;

/// All cases, for a macro that runs them on one kind of store.
macro_rules! store_cases {
    ($run:ident) => {
        $run!(
            machines_are_kept_with_their_groups,
            groups_are_kept_whole,
            figures_are_kept_and_read_in_steps,
            figures_are_forgotten_in_portions,
            commands_are_written_down_before_and_after,
            schedules_are_kept,
            a_slot_is_taken_once,
            keys_are_kept_and_revoked,
        );
    };
}
pub(crate) use store_cases;

const START: i64 = 1_769_860_800;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).expect("a time")
}

fn device(address: &str, groups: &[&str]) -> NewDevice {
    NewDevice {
        address: address.parse().expect("an address"),
        name: format!("machine {address} \u{1F5A5} '"),
        mac: Some("00:00:5e:00:53:07".parse().expect("an address")),
        groups: groups.iter().map(|group| group.parse().expect("a name")).collect(),
        user: Some("press-7".to_owned()),
    }
}

pub(crate) async fn machines_are_kept_with_their_groups(store: SqlStore, rival: SqlStore) {
    assert_eq!(store.check().await, Ok(()));
    let first = device("192.0.2.70", &["lab", "hall"]);
    assert_eq!(store.put_device(first.clone(), time(0)).await, Ok(true));
    assert_eq!(store.put_device(device("2001:db8::7", &[]), time(1)).await, Ok(true));
    assert_eq!(store.put_device(device("192.0.2.8", &["lab"]), time(2)).await, Ok(true));
    let kept = rival.devices().await.unwrap();
    let addresses: Vec<_> = kept.iter().map(|device| device.address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.8", "192.0.2.70", "2001:db8::7"]);
    let one = &kept[1];
    assert_eq!((&one.name, one.mac, &one.user), (&first.name, first.mac, &first.user));
    assert_eq!(one.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["hall", "lab"]);
    assert_eq!((one.created_at, one.retired_at), (time(0), None));

    let bare = NewDevice { name: "changed".to_owned(), mac: None, groups: Vec::new(), user: None, ..first };
    assert_eq!(rival.put_device(bare.clone(), time(9)).await, Ok(false));
    let changed = store.devices().await.unwrap().remove(1);
    assert_eq!((changed.id, changed.created_at), (one.id, time(0)), "the same machine");
    assert_eq!(
        (changed.name.as_str(), changed.mac, changed.groups, changed.user),
        ("changed", None, vec![], None)
    );

    assert_eq!(store.retire_device(bare.address, time(20)).await, Ok(true));
    assert_eq!(store.retire_device(bare.address, time(21)).await, Ok(false));
    let retired = store.devices().await.unwrap().remove(1);
    assert_eq!((retired.id, retired.retired_at), (one.id, Some(time(20))));
    assert_eq!(store.put_device(bare, time(30)).await, Ok(true));
    let again = store.devices().await.unwrap().remove(1);
    assert_eq!((again.id, again.retired_at), (one.id, None), "with its history");
}

pub(crate) async fn groups_are_kept_whole(store: SqlStore, rival: SqlStore) {
    for address in ["192.0.2.10", "192.0.2.9"] {
        store.put_device(device(address, &[]), time(0)).await.unwrap();
    }
    let [nine, ten, stranger] =
        ["192.0.2.9", "192.0.2.10", "192.0.2.99"].map(|ip| ip.parse().expect("an address"));
    let name = |text: &str| text.parse().expect("a name");
    assert_eq!(store.put_group(name("lab"), vec![ten, nine]).await, Ok(vec![]));
    assert_eq!(store.put_group(name("empty"), vec![]).await, Ok(vec![]));
    assert_eq!(store.put_group(name("lab"), vec![nine, stranger]).await, Ok(vec![stranger]));
    let groups = |groups: Vec<ipwatch_mqtt::server::store::GroupRecord>| -> Vec<_> {
        groups.into_iter().map(|group| (group.name.to_string(), group.devices)).collect()
    };
    let expected = [("empty".to_owned(), vec![]), ("lab".to_owned(), vec![nine, ten])];
    assert_eq!(groups(rival.groups().await.unwrap()), expected);
    store.retire_device(nine, time(1)).await.unwrap();
    assert_eq!(groups(rival.groups().await.unwrap())[1].1, [ten]);
    assert_eq!(rival.put_group(name("lab"), vec![nine]).await, Ok(vec![nine]), "a retired machine is none");
    assert_eq!(rival.delete_group(name("lab")).await, Ok(true));
    assert_eq!(rival.delete_group(name("lab")).await, Ok(false));
    assert_eq!(groups(store.groups().await.unwrap()), [("empty".to_owned(), vec![])]);
}

fn sample(device: i64, at: i64, share: Option<u16>) -> Sample {
    Sample {
        device,
        at: time(at),
        cpu: share,
        memory: share,
        disk: None,
        uptime: Some(u64::from(share.unwrap_or(0))),
    }
}

pub(crate) async fn figures_are_kept_and_read_in_steps(store: SqlStore, rival: SqlStore) {
    let mut samples: Vec<_> =
        (0..20).map(|n| sample(1, 30 * n, Some(u16::try_from(100 * n).unwrap()))).collect();
    samples.push(sample(2, 0, Some(9999)));
    samples.push(sample(1, 600, None));
    store.add_samples(samples).await.unwrap();
    // Of two in one second the later counts.
    store.add_samples(vec![sample(1, 570, Some(10_000))]).await.unwrap();
    store.add_samples(vec![]).await.unwrap();
    let span = |from, to, step| Span { from: time(from), to: time(to), step: Duration::from_secs(step) };
    let points = rival.history(1, span(0, 601, 300), 100).await.unwrap();
    let seen: Vec<_> =
        points.iter().map(|p| (p.at, p.samples, p.cpu, p.cpu_most, p.memory, p.disk, p.uptime)).collect();
    assert_eq!(
        seen,
        [
            (time(0), 10, Some(450), Some(900), Some(450), None, Some(900)),
            // 1,000 to 1,800 and 10,000: the mean is 2,260, in whole hundredths downwards.
            (time(300), 10, Some(2260), Some(10_000), Some(2260), None, Some(10_000)),
            (time(600), 1, None, None, None, None, Some(0)),
        ]
    );
    let uneven = rival.history(1, span(20, 100, 25), 100).await.unwrap();
    let seen: Vec<_> = uneven.iter().map(|point| (point.at, point.cpu)).collect();
    assert_eq!(seen, [(time(20), Some(100)), (time(45), Some(200)), (time(70), Some(300))]);
    assert_eq!(rival.history(1, span(0, 601, 30), 5).await.unwrap().len(), 5);
    assert_eq!(rival.history(3, span(0, 601, 30), 5).await, Ok(vec![]));
}

pub(crate) async fn figures_are_forgotten_in_portions(store: SqlStore, rival: SqlStore) {
    store
        .add_samples((0..100).flat_map(|n| [sample(1, n, Some(1)), sample(2, n, Some(1))]).collect())
        .await
        .unwrap();
    assert_eq!(rival.prune_history(1, time(50), 30).await, Ok(30));
    assert_eq!(rival.prune_history(1, time(50), 30).await, Ok(20));
    assert_eq!(rival.prune_history(1, time(50), 30).await, Ok(0));
    let all = Span { from: time(0), to: time(100), step: Duration::from_secs(1) };
    let left = store.history(1, all, 1000).await.unwrap();
    assert_eq!((left.len(), left[0].at), (50, time(50)));
    assert_eq!(store.history(2, all, 1000).await.unwrap().len(), 100, "another machine's stay");
}

fn begun(at: i64, address: &str, origin: Origin) -> Begun {
    Begun {
        at: time(at),
        origin,
        target: Target::Device(address.parse().expect("an address")),
        action: Action::Reboot,
        outcome: Outcome::Sent,
        message: None,
    }
}

pub(crate) async fn commands_are_written_down_before_and_after(store: SqlStore, rival: SqlStore) {
    let by_key = |at, address| begun(at, address, Origin::Key("someone".to_owned()));
    let missed = Begun {
        target: Target::Group("lab".parse().expect("a name")),
        action: Action::Wol,
        outcome: Outcome::Missed,
        message: Some("nobody was there".to_owned()),
        ..begun(2, "192.0.2.1", Origin::Schedule("0badcafe".to_owned(), "Morning".to_owned()))
    };
    let commands = vec![by_key(0, "192.0.2.7"), by_key(1, "192.0.2.8"), missed.clone()];
    let ids = store.begin_commands(commands.clone()).await.unwrap();
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.len() == 3, "{ids:?}");
    assert_eq!(store.begin_commands(vec![]).await, Ok(vec![]));
    let ended = Ended {
        id: ids[0],
        outcome: Outcome::Refused,
        message: Some("too old".to_owned()),
        code: Some("too_old".to_owned()),
        took_ms: 41,
    };
    rival.end_commands(vec![ended]).await.unwrap();
    let all = LogFilter { device: None, before: None, most: 10 };
    let log = rival.log(all).await.unwrap();
    assert_eq!(log.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[2], ids[1], ids[0]]);
    assert_eq!((&log[0].begun, &log[1].begun), (&missed, &commands[1]));
    assert_eq!((log[1].took_ms, log[1].code.as_deref()), (None, None));
    let first = &log[2];
    assert_eq!((first.begun.outcome, first.begun.message.as_deref()), (Outcome::Refused, Some("too old")));
    assert_eq!((first.code.as_deref(), first.took_ms), (Some("too_old"), Some(41)));
    let of = |address: &str| LogFilter { device: Some(address.parse().expect("an address")), ..all };
    assert_eq!(store.log(of("192.0.2.8")).await.unwrap().len(), 1);
    assert_eq!(store.log(of("192.0.2.9")).await, Ok(vec![]));
    assert_eq!(store.log(LogFilter { before: Some(ids[1]), ..all }).await.unwrap()[0].id, ids[0]);
    assert_eq!(store.log(LogFilter { most: 2, ..all }).await.unwrap().len(), 2);
    assert_eq!(store.prune_log(time(2), 1).await, Ok(1));
    assert_eq!(store.prune_log(time(2), 10).await, Ok(1));
    assert_eq!(store.log(all).await.unwrap().len(), 1);
}

fn schedule(id: &str, name: &str) -> NewSchedule {
    NewSchedule {
        id: id.to_owned(),
        name: name.to_owned(),
        cron: "0 22 * * mon-fri".parse().expect("an expression"),
        zone: "Europe/Paris".parse().expect("a zone"),
        action: Action::Shutdown,
        target: Target::Device("2001:db8::7".parse().expect("an address")),
        enabled: true,
        author: "someone".to_owned(),
    }
}

pub(crate) async fn schedules_are_kept(store: SqlStore, rival: SqlStore) {
    assert_eq!(store.put_schedule(schedule("00000002", "B"), time(0)).await, Ok(true));
    assert_eq!(store.put_schedule(schedule("00000001", "a"), time(1)).await, Ok(true));
    let changed = NewSchedule { target: Target::All, enabled: false, ..schedule("00000002", "A") };
    assert_eq!(rival.put_schedule(changed.clone(), time(2)).await, Ok(false));
    let run = ScheduleRun { slot: time(60), ran: true, done: 3, failed: 1 };
    store.note_run("00000002".to_owned(), run.clone()).await.unwrap();
    let kept = rival.schedules().await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0].schedule, kept[0].created_at, kept[0].settled), (&changed, time(2), time(2)));
    assert_eq!((&kept[0].last, &kept[1].last), (&Some(run), &None));
    assert_eq!(kept[1].schedule, schedule("00000001", "a"));
    assert_eq!(rival.delete_schedule("00000002".to_owned()).await, Ok(true));
    assert_eq!(rival.delete_schedule("00000002".to_owned()).await, Ok(false));
    assert_eq!(store.schedules().await.unwrap().len(), 1);
}

pub(crate) async fn a_slot_is_taken_once(store: SqlStore, rival: SqlStore) {
    let id = || "00000001".to_owned();
    store.put_schedule(schedule("00000001", "a"), time(0)).await.unwrap();
    let (one, other) =
        tokio::join!(store.claim_slots(id(), time(0), time(60)), rival.claim_slots(id(), time(0), time(60)));
    assert_eq!([one.unwrap(), other.unwrap()].into_iter().filter(|taken| *taken).count(), 1);
    assert_eq!(store.claim_slots(id(), time(0), time(120)).await, Ok(false), "from where nobody is any more");
    assert_eq!(store.schedules().await.unwrap()[0].settled, time(60));
    assert_eq!(rival.claim_slots(id(), time(60), time(120)).await, Ok(true));
    store.put_schedule(NewSchedule { enabled: false, ..schedule("00000001", "a") }, time(130)).await.unwrap();
    assert_eq!(store.claim_slots(id(), time(130), time(180)).await, Ok(false), "switched off");
    assert_eq!(store.claim_slots("00000009".to_owned(), time(0), time(60)).await, Ok(false));
}

pub(crate) async fn keys_are_kept_and_revoked(store: SqlStore, rival: SqlStore) {
    let key = |id: &str, name: &str, role| NewKey {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        sha256: [7; 32],
        created_at: time(0),
        expires_at: (role == Role::Read).then(|| time(60)),
    };
    assert_eq!(store.add_key(key("00000001", "page", Role::Read)).await, Ok(true));
    assert_eq!(store.add_key(key("00000002", "page", Role::Control)).await, Ok(false), "the name is taken");
    assert_eq!(store.add_key(key("00000001", "other", Role::Control)).await, Ok(false), "the id is taken");
    assert_eq!(store.add_key(key("00000003", "desk", Role::Administer)).await, Ok(true));
    let kept = rival.key("00000001").await.unwrap().expect("a key");
    assert_eq!((kept.name.as_str(), kept.role, kept.sha256), ("page", Role::Read, [7; 32]));
    assert_eq!((kept.is_in_force(time(59)), kept.is_in_force(time(60))), (true, false));
    assert_eq!(rival.revoke_key("desk", time(5)).await, Ok(true));
    assert_eq!(rival.revoke_key("desk", time(6)).await, Ok(false));
    assert_eq!(store.key("00000003").await.unwrap().expect("a key").revoked_at, Some(time(5)));
    assert_eq!(store.add_key(key("00000004", "desk", Role::Read)).await, Ok(true), "the name is free again");
    assert_eq!(store.keys().await.unwrap().len(), 3);
    assert_eq!(store.key("00000009").await, Ok(None));
}
