//! What every store must do, whatever the database. Each case gets two handles on one fresh database, as two receivers
//! have that share it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use meeting_api::server::store::{
    Beat, Decision, DeviceChange, KeyStatus, LogRecord, NewCredential, NewDevice, OperatorKey, PageRequest,
    Publication, PublishedKey, Reservation, Reserved, Role, Store,
};
use meeting_api::{DeviceKey, ServiceName, UtcTimestamp};

/// Calls a macro with the names of all cases.
macro_rules! store_cases {
    ($each:ident) => {
        $each! {
            heartbeats_update_what_they_name,
            a_heartbeat_of_an_unknown_device_is_refused,
            coming_and_going_is_logged_once,
            devices_are_entered_changed_listed_and_removed,
            a_device_key_is_taken_once,
            a_first_key_counts_and_a_changed_one_waits,
            a_withdrawn_key_comes_back_only_with_approval,
            an_operator_sets_keys_at_once,
            two_publications_at_once_leave_one_in_force,
            ports_are_given_once,
            a_reservation_is_renewed_and_ends,
            a_port_range_that_moved_moves_its_reservations,
            tunnels_follow_the_operator,
            credentials_are_kept_listed_and_withdrawn,
            one_receiver_makes_the_first_operator,
            a_nonce_is_spent_once,
            logs_are_bounded,
        }
    };
}
pub(crate) use store_cases;

const WINDOW: Duration = Duration::from_secs(150);

fn at(seconds: i64) -> UtcTimestamp {
    UtcTimestamp::from_unix(1_770_000_000 + seconds).expect("a time")
}

fn key(text: &str) -> DeviceKey {
    text.parse().expect("a device key")
}

fn new_device(text: &str) -> NewDevice {
    NewDevice {
        device_key: key(text),
        device_name: Some("Gate".to_owned()),
        product_serial: Some("S-1".to_owned()),
        device_type: Some("gateway".to_owned()),
        distribution: Some("debian".to_owned()),
        authorized: true,
        token_code: Some("a1b2c3".parse().expect("a code")),
        token_count: 2,
        note: None,
        services: vec![ServiceName::SSH, ServiceName::HTTP],
        registered_at: at(0),
    }
}

async fn with_device<S: Store>(store: &S, text: &str) -> DeviceKey {
    assert!(store.create_device(new_device(text)).await.expect("stored"), "{text} is taken");
    key(text)
}

fn beat(device: &DeviceKey, seconds: i64) -> Beat {
    Beat {
        device_key: device.clone(),
        at: at(seconds),
        online_window: WINDOW,
        ip_address: None,
        ip_lan: None,
        ip_public: None,
        mac: None,
        cluster_ip: None,
        note: None,
        remote: None,
    }
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

async fn events<S: Store>(store: &S, device: &DeviceKey) -> Vec<String> {
    let log = store.device_log(device, 1000).await.expect("read");
    log.into_iter().rev().map(|line| line.event).collect()
}

pub(crate) async fn heartbeats_update_what_they_name<S: Store>(store: S, _: S) {
    let device = with_device(&store, "beating").await;
    let full = Beat {
        ip_address: ip("203.0.113.10"),
        ip_lan: ip("192.168.1.100"),
        ip_public: ip("2001:db8::1"),
        mac: Some("AA:BB:CC:DD:EE:FF".parse().expect("a MAC")),
        cluster_ip: Some("10.0.0.5".to_owned()),
        note: Some("all is well".to_owned()),
        ..beat(&device, 10)
    };
    let first = store.beat(full).await.expect("stored").expect("known");
    assert_eq!((first.ip_address, first.returned), (ip("203.0.113.10"), true));
    let second =
        store.beat(Beat { ip_address: ip("203.0.113.11"), ..beat(&device, 70) }).await.expect("stored");
    assert_eq!(second.map(|b| (b.ip_address, b.returned)), Some((ip("203.0.113.11"), false)));

    let record = store.device(&device).await.expect("read").expect("known");
    assert_eq!(record.last_seen, Some(at(70)));
    assert_eq!(record.since, Some(at(10)));
    assert_eq!(record.ip_address, ip("203.0.113.11"));
    assert_eq!(record.ip_lan, ip("192.168.1.100"));
    assert_eq!(record.ip_public, ip("2001:db8::1"));
    assert_eq!(record.mac.map(|mac| mac.to_string()).as_deref(), Some("AA:BB:CC:DD:EE:FF"));
    assert_eq!(record.cluster_ip.as_deref(), Some("10.0.0.5"));
    assert_eq!(record.note.as_deref(), Some("all is well"));
}

pub(crate) async fn a_heartbeat_of_an_unknown_device_is_refused<S: Store>(store: S, _: S) {
    let stranger = Beat { note: Some("hello".to_owned()), ..beat(&key("stranger"), 0) };
    assert_eq!(store.beat(stranger).await, Ok(None));
    assert_eq!(store.device(&key("stranger")).await, Ok(None));
}

pub(crate) async fn coming_and_going_is_logged_once<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "mover").await;
    store.beat(beat(&device, 0)).await.expect("stored");
    store.beat(beat(&device, 60)).await.expect("stored");
    assert_eq!(store.notice_departures(at(200), WINDOW).await, Ok(vec![]));
    // Two receivers look at the same moment; one of them notices.
    let (mine, theirs) =
        tokio::join!(store.notice_departures(at(211), WINDOW), rival.notice_departures(at(211), WINDOW));
    let noticed = mine.expect("mine").len() + theirs.expect("theirs").len();
    assert_eq!(noticed, 1);
    assert_eq!(store.device(&device).await.expect("read").expect("known").since, Some(at(210)));
    assert!(store.beat(beat(&device, 300)).await.expect("stored").expect("known").returned);
    // Nobody looked between this heartbeat and the next: both changes are written when it comes.
    assert!(store.beat(beat(&device, 1000)).await.expect("stored").expect("known").returned);
    let expected = ["Registered", "Connected", "Disconnected", "Connected", "Disconnected", "Connected"];
    assert_eq!(events(&store, &device).await, expected);
    let log = store.device_log(&device, 2).await.expect("read");
    assert_eq!(log.iter().map(|line| line.at).collect::<Vec<_>>(), [at(1000), at(450)]);
}

pub(crate) async fn devices_are_entered_changed_listed_and_removed<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "abc-1").await;
    with_device(&store, "abc-2").await;
    with_device(&store, "Abd_3").await;
    let changes = [
        DeviceChange::Authorized(false),
        DeviceChange::TokenCount(4_000_000_000),
        DeviceChange::TokenCode("zz_-99".parse().expect("a code")),
        DeviceChange::Note("au café, 漢字 'quoted'; --".to_owned()),
        DeviceChange::Services(vec![ServiceName::RELAY]),
        DeviceChange::Name("Porte".to_owned()),
    ];
    for change in changes {
        assert_eq!(store.change_device(&device, change.clone(), at(5)).await, Ok(true), "{change:?}");
        assert_eq!(store.change_device(&key("nobody"), change, at(5)).await, Ok(false));
    }
    let record = rival.device(&device).await.expect("read").expect("known");
    assert!(!record.authorized);
    assert_eq!(record.token_count, 4_000_000_000);
    assert_eq!(record.token_code.as_ref().map(|code| code.expose()), Some("zz_-99"));
    assert_eq!(record.note.as_deref(), Some("au café, 漢字 'quoted'; --"));
    assert_eq!(record.services, [ServiceName::RELAY]);
    assert_eq!(record.device_name.as_deref(), Some("Porte"));
    assert_eq!(record.registered_at, at(0));
    assert_eq!(record.last_seen, None);

    let page = |limit, offset, prefix: &str| PageRequest { limit, offset, prefix: prefix.to_owned() };
    let keys = async |request| {
        let page = store.devices(request).await.expect("read");
        let keys: Vec<_> = page.devices.iter().map(|device| device.device_key.to_string()).collect();
        (page.total, keys.join(" "))
    };
    assert_eq!(keys(page(10, 0, "")).await, (3, "Abd_3 abc-1 abc-2".to_owned()));
    assert_eq!(keys(page(1, 1, "")).await, (3, "abc-1".to_owned()));
    assert_eq!(keys(page(10, 0, "abc")).await, (2, "abc-1 abc-2".to_owned()));
    assert_eq!(keys(page(10, 5, "abc")).await, (2, String::new()));

    store.reserve(reservation(&device, ServiceName::SSH, 9000..=9000, 0)).await.expect("stored");
    store.publish_key(&device, published("k", 0)).await.expect("stored");
    assert_eq!(store.remove_device(&device).await, Ok(true));
    assert_eq!(store.remove_device(&device).await, Ok(false));
    assert_eq!(store.device(&device).await, Ok(None));
    assert_eq!(store.ssh_key(&device).await, Ok(None));
    assert_eq!(events(&store, &device).await, Vec::<String>::new());
    assert_eq!(store.check().await, Ok(()));
}

pub(crate) async fn a_device_key_is_taken_once<S: Store>(store: S, rival: S) {
    let stores = [&store, &rival];
    let mut made = 0;
    let attempts = (0..16).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move { store.create_device(new_device("twice")).await })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        made += usize::from(attempt.await.expect("no panic").expect("stored"));
    }
    assert_eq!(made, 1);
}

fn published(text: &str, seconds: i64) -> PublishedKey {
    PublishedKey {
        pubkey: format!("ssh-ed25519 {text}"),
        fingerprint: format!("SHA256:{text}"),
        at: at(seconds),
    }
}

pub(crate) async fn a_first_key_counts_and_a_changed_one_waits<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "keyed").await;
    assert_eq!(store.publish_key(&key("nobody"), published("a", 1)).await, Ok(Publication::UnknownDevice));
    assert_eq!(store.publish_key(&device, published("a", 1)).await, Ok(Publication::First));
    assert_eq!(store.publish_key(&device, published("a", 2)).await, Ok(Publication::Same));
    assert_eq!(rival.publish_key(&device, published("b", 3)).await, Ok(Publication::Pending));
    assert_eq!(rival.publish_key(&device, published("b", 4)).await, Ok(Publication::Pending));
    let record = store.ssh_key(&device).await.expect("read").expect("a key");
    assert_eq!((record.pubkey.as_str(), record.added), ("ssh-ed25519 a", at(1)));
    assert_eq!(record.pending, Some(published("b", 3)));
    assert_eq!(store.ssh_keys(true).await.expect("read").len(), 1);
    assert_eq!(store.key_by_fingerprint("SHA256:b", None).await, Ok(None));

    // The word is given about the key that was looked at, and no other.
    let other = Some("SHA256:c".to_owned());
    assert_eq!(store.decide_key(&device, Decision::Approve, other, at(5)).await, Ok(false));
    let seen = Some("SHA256:b".to_owned());
    assert_eq!(store.decide_key(&device, Decision::Approve, seen, at(5)).await, Ok(true));
    assert_eq!(store.decide_key(&device, Decision::Approve, None, at(6)).await, Ok(false));
    let record = rival.ssh_key(&device).await.expect("read").expect("a key");
    assert_eq!((record.pubkey.as_str(), record.modified), ("ssh-ed25519 b", at(5)));
    assert_eq!(record.pending, None);

    assert_eq!(store.publish_key(&device, published("c", 7)).await, Ok(Publication::Pending));
    assert_eq!(store.decide_key(&device, Decision::Reject, None, at(8)).await, Ok(true));
    let record = store.ssh_key(&device).await.expect("read").expect("a key");
    assert_eq!((record.fingerprint.as_str(), record.pending), ("SHA256:b", None));
}

pub(crate) async fn a_withdrawn_key_comes_back_only_with_approval<S: Store>(store: S, _: S) {
    let device = with_device(&store, "revoked").await;
    assert_eq!(store.revoke_key(&device, at(0)).await, Ok(false));
    store.publish_key(&device, published("a", 1)).await.expect("stored");
    assert_eq!(store.revoke_key(&device, at(2)).await, Ok(true));
    let record = store.ssh_key(&device).await.expect("read").expect("kept");
    assert_eq!((record.status, record.modified), (KeyStatus::Revoked, at(2)));
    assert_eq!(store.key_by_fingerprint("SHA256:a", Some(&device)).await, Ok(None));
    assert_eq!(store.publish_key(&device, published("a", 3)).await, Ok(Publication::Pending));
    assert_eq!(store.decide_key(&device, Decision::Approve, None, at(4)).await, Ok(true));
    let record = store.key_by_fingerprint("SHA256:a", None).await.expect("read").expect("in force");
    assert_eq!((record.device_key, record.status), (device, KeyStatus::Authorized));
}

pub(crate) async fn an_operator_sets_keys_at_once<S: Store>(store: S, _: S) {
    let device = with_device(&store, "set").await;
    let twin = with_device(&store, "twin").await;
    let set = |key: Option<&str>, user: Option<&str>, status| OperatorKey {
        key: key.map(|text| published(text, 9)),
        ssh_user: user.map(str::to_owned),
        status,
        at: at(9),
    };
    assert_eq!(store.set_key(&device, set(None, Some("gate"), None)).await, Ok(false));
    assert_eq!(store.set_key(&device, set(Some("a"), Some("gate"), None)).await, Ok(true));
    store.publish_key(&device, published("b", 10)).await.expect("stored");
    assert_eq!(store.set_key(&device, set(Some("c"), None, None)).await, Ok(true));
    let record = store.ssh_key(&device).await.expect("read").expect("a key");
    assert_eq!((record.fingerprint.as_str(), record.pending.is_some()), ("SHA256:c", false));
    assert_eq!(record.ssh_user.as_deref(), Some("gate"));
    assert_eq!(store.set_key(&device, set(None, None, Some(KeyStatus::Revoked))).await, Ok(true));
    assert_eq!(store.ssh_key(&device).await.expect("read").expect("kept").status, KeyStatus::Revoked);

    // Two devices made from one image share a key: each is found under its own name.
    store.set_key(&device, set(Some("shared"), None, None)).await.expect("stored");
    store.set_key(&twin, set(Some("shared"), None, None)).await.expect("stored");
    for wanted in [&device, &twin] {
        let found = store.key_by_fingerprint("SHA256:shared", Some(wanted)).await.expect("read");
        assert_eq!(found.map(|record| record.device_key).as_ref(), Some(wanted));
    }
}

pub(crate) async fn two_publications_at_once_leave_one_in_force<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "raced").await;
    let stores = [&store, &rival];
    let attempts: Vec<_> = (0..16)
        .map(|n| {
            let (store, device) = (stores[n % 2].clone(), device.clone());
            tokio::spawn(async move { store.publish_key(&device, published(&format!("k{n}"), 0)).await })
        })
        .collect();
    let mut first = 0;
    for attempt in attempts {
        match attempt.await.expect("no panic").expect("stored") {
            Publication::First => first += 1,
            Publication::Pending => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(first, 1);
}

fn reservation(
    device: &DeviceKey,
    service: ServiceName,
    ports: std::ops::RangeInclusive<u16>,
    seconds: i64,
) -> Reservation {
    Reservation {
        device_key: device.clone(),
        service,
        local_port: 22,
        ports,
        expires_at: Some(at(seconds + 100)),
        at: at(seconds),
    }
}

pub(crate) async fn ports_are_given_once<S: Store>(store: S, rival: S) {
    let stores = [&store, &rival];
    let mut devices = Vec::new();
    for n in 0..20 {
        devices.push(with_device(&store, &format!("d{n}")).await);
    }
    // Each asks twice at once, through both receivers: 20 devices and 20 ports.
    let attempts: Vec<_> = (0..40)
        .map(|n| {
            let (store, device) = (stores[n % 2].clone(), devices[n / 2].clone());
            let wanted = reservation(&device, ServiceName::SSH, 9000..=9019, 0);
            tokio::spawn(async move { (device, store.reserve(wanted).await) })
        })
        .collect();
    let mut given = HashSet::new();
    for attempt in attempts {
        let (device, reserved) = attempt.await.expect("no panic");
        let Reserved::Port { port, .. } = reserved.expect("stored") else { panic!("no port for {device}") };
        given.insert((device, port));
    }
    assert_eq!(given.len(), 20, "a device has one port, however often it asks");
    let ports: HashSet<_> = given.iter().map(|(_, port)| *port).collect();
    assert_eq!(ports, (9000..=9019).collect());
    let late = with_device(&store, "late").await;
    let exhausted = store.reserve(reservation(&late, ServiceName::SSH, 9000..=9019, 0)).await;
    assert_eq!(exhausted, Ok(Reserved::Exhausted));
    assert_eq!(
        store.reserve(reservation(&key("nobody"), ServiceName::SSH, 9000..=9019, 0)).await,
        Ok(Reserved::UnknownDevice)
    );
}

pub(crate) async fn a_reservation_is_renewed_and_ends<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "renewing").await;
    let ask = |seconds| reservation(&device, ServiceName::SSH, 9000..=9100, seconds);
    let Ok(Reserved::Port { port, fresh: true, .. }) = store.reserve(ask(0)).await else { panic!("fresh") };
    assert_eq!(
        rival.reserve(ask(50)).await,
        Ok(Reserved::Port { port, expires_at: Some(at(150)), fresh: false })
    );
    assert_eq!(store.tunnels(at(149)).await.expect("read").len(), 1);
    assert_eq!(store.tunnels(at(150)).await, Ok(vec![]));
    // It ran out; the device gets the same port again.
    assert_eq!(
        store.reserve(ask(200)).await,
        Ok(Reserved::Port { port, expires_at: Some(at(300)), fresh: true })
    );
    let permanent = Reservation { expires_at: None, ..ask(210) };
    assert_eq!(store.reserve(permanent).await, Ok(Reserved::Port { port, expires_at: None, fresh: false }));
    assert_eq!(store.reserve(ask(220)).await, Ok(Reserved::Port { port, expires_at: None, fresh: false }));
    assert_eq!(store.tunnels(at(1_000_000)).await.expect("read")[0].port, port);
    assert_eq!(store.release(&device, &ServiceName::SSH, at(230)).await, Ok(true));
    assert_eq!(store.release(&device, &ServiceName::SSH, at(230)).await, Ok(false));
    store.reserve(ask(0)).await.expect("stored");
    store.reserve(Reservation { service: ServiceName::HTTP, ..ask(0) }).await.expect("stored");
    assert_eq!(store.release_all(&device, at(1)).await, Ok(2));
    assert_eq!(store.release_all(&device, at(1)).await, Ok(0));
    store.reserve(ask(0)).await.expect("stored");
    store.forget_expired(at(100)).await.expect("stored");
    assert_eq!(store.tunnels(at(0)).await, Ok(vec![]));
}

pub(crate) async fn a_port_range_that_moved_moves_its_reservations<S: Store>(store: S, _: S) {
    let device = with_device(&store, "moved").await;
    store.reserve(reservation(&device, ServiceName::SSH, 9000..=9000, 0)).await.expect("stored");
    let moved = store.reserve(reservation(&device, ServiceName::SSH, 9500..=9500, 10)).await;
    assert_eq!(moved, Ok(Reserved::Port { port: 9500, expires_at: Some(at(110)), fresh: true }));
    assert_eq!(store.tunnels(at(10)).await.expect("read").len(), 1);
}

pub(crate) async fn tunnels_follow_the_operator<S: Store>(store: S, _: S) {
    let device = with_device(&store, "followed").await;
    store.reserve(reservation(&device, ServiceName::SSH, 9000..=9001, 0)).await.expect("stored");
    store.reserve(reservation(&device, ServiceName::HTTP, 9000..=9001, 0)).await.expect("stored");
    let services = async || {
        let tunnels = store.tunnels(at(1)).await.expect("read");
        let mut names: Vec<_> = tunnels.iter().map(|tunnel| tunnel.service.to_string()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(services().await, "http ssh");
    let change = async |change| assert_eq!(store.change_device(&device, change, at(2)).await, Ok(true));
    change(DeviceChange::Services(vec![ServiceName::HTTP])).await;
    assert_eq!(services().await, "http");
    change(DeviceChange::Services(vec![])).await;
    assert_eq!(services().await, "http ssh");
    change(DeviceChange::Authorized(false)).await;
    assert_eq!(services().await, "");
}

fn credential(id: &str, role: Role) -> NewCredential {
    NewCredential {
        id: id.to_owned(),
        role,
        name: format!("name of {id}"),
        sha256: [7; 32],
        created_at: at(0),
    }
}

pub(crate) async fn credentials_are_kept_listed_and_withdrawn<S: Store>(store: S, rival: S) {
    let device = with_device(&store, "secretive").await;
    let of_device = Role::Device(device.clone());
    assert_eq!(store.create_credential(credential("aa", Role::Operator)).await, Ok(true));
    assert_eq!(store.create_credential(credential("aa", Role::Proxy)).await, Ok(false));
    assert_eq!(store.create_credential(credential("bb", Role::Proxy)).await, Ok(true));
    assert_eq!(store.create_credential(credential("cc", of_device.clone())).await, Ok(true));
    assert_eq!(store.create_credential(credential("dd", Role::Device(key("nobody")))).await, Ok(false));
    let found = rival.credential("cc").await.expect("read").expect("there");
    assert_eq!((found.role, found.sha256, found.revoked_at), (of_device.clone(), [7; 32], None));
    let ids = async |device: Option<&DeviceKey>| {
        let list = store.credentials(device).await.expect("read");
        list.iter().map(|record| record.id.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(None).await, "aa bb");
    assert_eq!(ids(Some(&device)).await, "cc");
    assert_eq!(store.revoke_credential("bb", at(3)).await, Ok(true));
    assert_eq!(store.revoke_credential("bb", at(4)).await, Ok(false));
    assert_eq!(store.credential("bb").await.expect("read").expect("kept").revoked_at, Some(at(3)));
    assert_eq!(store.replace_device_credential(credential("ee", of_device)).await, Ok(true));
    assert_eq!(store.credential("cc").await, Ok(None));
    assert_eq!(ids(Some(&device)).await, "ee");
    assert_eq!(store.revoke_device_credentials(&device, at(5)).await, Ok(1));
    assert_eq!(store.revoke_device_credentials(&device, at(5)).await, Ok(0));
    assert_eq!(store.remove_device(&device).await, Ok(true));
    assert_eq!(store.credential("ee").await, Ok(None));
}

pub(crate) async fn one_receiver_makes_the_first_operator<S: Store>(store: S, rival: S) {
    let (mine, theirs) = tokio::join!(
        store.create_first_operator(credential("m", Role::Operator)),
        rival.create_first_operator(credential("t", Role::Operator))
    );
    assert_eq!(usize::from(mine.expect("mine")) + usize::from(theirs.expect("theirs")), 1);
    assert_eq!(store.create_first_operator(credential("l", Role::Operator)).await, Ok(false));
    assert_eq!(store.credentials(None).await.expect("read").len(), 1);
}

pub(crate) async fn a_nonce_is_spent_once<S: Store>(store: S, rival: S) {
    let stores = [&store, &rival];
    let attempts: Vec<_> = (0..32)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { store.spend_nonce("key:nonce".to_owned(), at(600)).await })
        })
        .collect();
    let mut spent = 0;
    for attempt in attempts {
        spent += usize::from(attempt.await.expect("no panic").expect("stored"));
    }
    assert_eq!(spent, 1);
    store.forget_expired(at(600)).await.expect("stored");
    assert_eq!(rival.spend_nonce("key:nonce".to_owned(), at(600)).await, Ok(false));
    store.forget_expired(at(601)).await.expect("stored");
    assert_eq!(rival.spend_nonce("key:nonce".to_owned(), at(1200)).await, Ok(true));
}

pub(crate) async fn logs_are_bounded<S: Store>(store: S, _: S) {
    let device = with_device(&store, "talkative").await;
    let quiet = with_device(&store, "quiet").await;
    let line = |n: i64| LogRecord {
        at: at(n),
        event: format!("event {n}"),
        host: Some("edge-1".to_owned()),
        remote: Some("192.0.2.1".to_owned()),
    };
    for n in 0..510 {
        assert_eq!(store.append_log(&device, line(n)).await, Ok(true));
    }
    assert_eq!(store.append_log(&key("nobody"), line(0)).await, Ok(false));
    let log = store.device_log(&device, 1000).await.expect("read");
    assert_eq!(log.len(), 500);
    assert_eq!(log.first(), Some(&line(509)));
    assert_eq!(log.last(), Some(&line(10)));
    assert_eq!(events(&store, &quiet).await, ["Registered"]);
    assert_eq!(store.purge_log(&device).await, Ok(500));
    assert_eq!(store.device_log(&device, 10).await, Ok(vec![]));
}
