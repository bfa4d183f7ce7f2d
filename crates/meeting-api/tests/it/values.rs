//! The small values: what they take, how they are written, and that they keep their secrets.

use std::time::{Duration, UNIX_EPOCH};

use meeting_api::endpoint::heartbeat::Heartbeat;
use meeting_api::endpoint::{ROUTES, device_pubkey};
use meeting_api::{ClusterIp, DeviceKey, MacAddress, Note, Secret, ServiceName, TokenCode, UtcTimestamp};
use proptest::prelude::*;

#[test]
fn device_keys() {
    for good in ["0123456789abcdef0123456789abcdef", "a", "A-b_9", &"x".repeat(64)] {
        assert_eq!(DeviceKey::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "a/b", "..", ".", "a b", "a%2fb", "a\0", "a\r\n", "a?b", "a#b", "é", &"x".repeat(65)] {
        assert!(DeviceKey::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(DeviceKey::from_random([0xab; 16]).as_str(), "ab".repeat(16));
}

#[test]
fn token_codes() {
    assert_eq!(TokenCode::from_random([0x01, 0xab, 0xff]).expose(), "01abff");
    assert_eq!(TokenCode::from_random_long([0x01; 16]).expose(), "01".repeat(16));
    for good in ["abcd", "a1b2c3", &"x".repeat(128), "A-b_"] {
        assert!(TokenCode::new(good).is_ok());
    }
    for bad in ["", "abc", "a b c d", "abcdé", &"x".repeat(129)] {
        assert!(TokenCode::new(bad).is_err(), "{bad:?}");
    }
    let code = TokenCode::new("a1b2c3").unwrap();
    assert!(code.ct_eq(b"a1b2c3") && !code.ct_eq(b"a1b2c4") && !code.ct_eq(b"a1b2c") && !code.ct_eq(b""));
    assert_eq!(format!("{code:?} {:?}", Secret::new("canary")), "TokenCode(…) Secret(…)");
}

#[test]
fn services_have_default_ports() {
    for (name, port) in [
        (ServiceName::SSH, Some(22)),
        (ServiceName::SCP, Some(22)),
        (ServiceName::HTTP, Some(80)),
        (ServiceName::VNC, Some(5900)),
        (ServiceName::DEBUG, Some(9229)),
        (ServiceName::RELAY, None),
    ] {
        assert_eq!(name.default_local_port(), port);
    }
    assert_eq!(ServiceName::new("SSH"), Ok(ServiceName::SSH));
    for bad in ["", "a b", "a/b", "é", &"x".repeat(33)] {
        assert!(ServiceName::new(bad).is_err());
    }
}

#[test]
fn times_are_written_as_the_document_does() {
    for (text, unix) in [
        ("1970-01-01 00:00:00", 0),
        ("2026-02-02 12:34:56", 1_770_035_696),
        ("2000-02-29 23:59:59", 951_868_799),
        ("1969-12-31 23:59:59", -1),
        ("0000-01-01 00:00:00", UtcTimestamp::MIN.unix()),
        ("9999-12-31 23:59:59", UtcTimestamp::MAX.unix()),
    ] {
        assert_eq!(text.parse::<UtcTimestamp>().unwrap().unix(), unix);
        assert_eq!(UtcTimestamp::from_unix(unix).unwrap().to_string(), text);
    }
    let time: UtcTimestamp = "2026-02-02 12:34:56".parse().unwrap();
    for same in ["2026-02-02T12:34:56Z", "2026-02-02T12:34:56.789Z", "2026-02-02T12:34:56+00:00"] {
        assert_eq!(same.parse(), Ok(time));
    }
    for bad in [
        "",
        "2026-02-02",
        "2026-02-02 12:34",
        "2026-02-30 00:00:00",
        "2026-13-01 00:00:00",
        "2026-00-01 00:00:00",
        "2026-01-00 00:00:00",
        "2026-02-02 24:00:00",
        "2026-02-02 23:60:00",
        "2026-02-02 23:59:60",
        "2026-02-02T12:34:56",
        "2026-02-02 12:34:56Z",
        "2026-02-02T12:34:56+01:00",
        "2026-02-02T12:34:56.Z",
        "2026-02-02  2:34:56",
        "+026-02-02 12:34:56",
        "2025-02-29 00:00:00",
        "1900-02-29 00:00:00",
        "２026-02-02 12:34:5",
        "2026-02-02 12:34:56 ",
    ] {
        assert!(bad.parse::<UtcTimestamp>().is_err(), "{bad}");
    }
    assert_eq!(UtcTimestamp::from_unix(UtcTimestamp::MAX.unix() + 1), None);
    assert_eq!(UtcTimestamp::from_unix(UtcTimestamp::MIN.unix() - 1), None);
    assert_eq!(time.plus_seconds(i64::MAX), UtcTimestamp::MAX);
    assert_eq!(
        (time.plus_seconds(60).seconds_since(time), time.seconds_since(time.plus_seconds(60))),
        (60, 0)
    );
    assert_eq!(UtcTimestamp::from_system_time(UNIX_EPOCH + Duration::from_millis(1500)).unix(), 1);
    assert_eq!(UtcTimestamp::from_system_time(UNIX_EPOCH - Duration::from_millis(1500)).unix(), -2);
}

/// R1: a string is no device_key, or every path made of it has exactly the segments of its route.
fn check_paths(text: &str) {
    let allowed = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    match DeviceKey::new(text) {
        Err(_) => assert!(!allowed, "{text:?}"),
        Ok(key) => {
            assert!(allowed, "{text:?}");
            let path = meeting_api::endpoint::heartbeat::ROUTE.path(&key);
            assert!(path.split('/').eq(["", "api", "devices", text, "online"]), "{path}");
            assert_eq!(device_pubkey::path(&key).split(['/', '?', '&']).count(), 5);
        }
    }
}

/// R1: 100,000 strings of hostile and harmless characters, the same in every run.
#[test]
fn r1_a_hundred_thousand_strings() {
    const CHARACTERS: [char; 24] = [
        'a', 'Z', '0', '9', '_', '-', 'x', 'f', 'B', 'q', '7', 'k', '.', '/', '%', '2', '?', '#', '\r', '\n',
        '\0', '\\', 'é', '\u{2215}',
    ];
    let (mut state, mut accepted) = (1_u64, 0);
    for _ in 0..100_000 {
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        // Half of the strings are of allowed characters only.
        let (length, kinds) = (draw(70), if draw(2) == 0 { 12 } else { 24 });
        let text: String = (0..length).map(|_| CHARACTERS[draw(kinds)]).collect();
        accepted += usize::from(DeviceKey::new(text.as_str()).is_ok());
        check_paths(&text);
    }
    assert!((40_000..60_000).contains(&accepted), "{accepted}");
}

proptest! {
    #[test]
    fn r1_any_string(text: String) {
        check_paths(&text);
    }
}

proptest! {
    #[test]
    fn r1_every_route_keeps_its_segments(text in "[0-9A-Za-z_-]{1,64}") {
        let key = DeviceKey::new(text.clone()).unwrap();
        for route in ROUTES {
            let path = route.path(&key);
            prop_assert_eq!(path.split('/').count(), route.template.split('/').count());
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%')));
        }
    }

    #[test]
    fn times_agree_with_jiff(unix in UtcTimestamp::MIN.unix()..=UtcTimestamp::MAX.unix()) {
        let time = UtcTimestamp::from_unix(unix).unwrap();
        let theirs = jiff::Timestamp::from_second(unix).map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string());
        if let Ok(theirs) = theirs {
            prop_assert_eq!(time.to_string(), theirs);
        }
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn any_text_as_a_time_does_no_harm(text in "\\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|\\.[0-9]*Z)?") {
        if let Ok(time) = text.parse::<UtcTimestamp>() {
            prop_assert_eq!(&time.to_string()[..10], &text[..10]);
        }
    }

    #[test]
    fn macs_round_trip(octets: [u8; 6]) {
        let text = MacAddress::new(octets).to_string();
        prop_assert_eq!(text.parse(), Ok(MacAddress::new(octets)));
        prop_assert_eq!(text.to_lowercase().parse(), Ok(MacAddress::new(octets)));
    }

    #[test]
    fn heartbeats_round_trip(
        ip_address: Option<std::net::IpAddr>, ip_lan: Option<std::net::IpAddr>, mac: Option<[u8; 6]>,
        note in proptest::option::of("\\PC{1,50}"), cluster in proptest::option::of("\\PC{1,50}"),
    ) {
        let heartbeat = Heartbeat {
            ip_address,
            ip_lan,
            ip_public: ip_address,
            mac: mac.map(MacAddress::new),
            cluster_ip: cluster.map(|text| ClusterIp::new(text).unwrap()),
            note: note.map(|text| Note::new(text).unwrap()),
        };
        prop_assert_eq!(Heartbeat::decode(&heartbeat.encode()), Ok(heartbeat));
    }

    #[test]
    fn any_body_does_no_harm(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(heartbeat) = Heartbeat::decode(&body) {
            prop_assert_eq!(Heartbeat::decode(&heartbeat.encode()), Ok(heartbeat));
        }
    }
}
