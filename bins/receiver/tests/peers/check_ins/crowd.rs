//! Those who stall keep nobody else waiting, and cannot stay for ever (threat C5).

use super::wire::Wire;
use super::{DropIn, check_in};

const IDLE: usize = 1000;
const STALLED: usize = 50;

#[test]
#[ignore = "needs the program; run by .ci/run"]
fn c5_a_thousand_idle_and_a_hundred_stalled_connections_keep_nobody_waiting() {
    let receiver = DropIn::start();
    let mut idle: Vec<Wire> = (0..IDLE).map(|_| Wire::connect(receiver.port)).collect();
    let begun = |bytes: &[u8]| -> Vec<Wire> {
        let one = |_| {
            let mut wire = Wire::connect(receiver.port);
            wire.send(bytes).unwrap();
            wire
        };
        (0..STALLED).map(one).collect()
    };
    let mut slow_heads = begun(b"POST /checkins HTTP/1.1\r\nHost: x\r\nAuthor");
    let head = format!(
        "POST /checkins HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 4000\r\n\r\n{{\"packet_hash\": ",
        super::SECRET
    );
    let mut stalled_bodies = begun(head.as_bytes());

    let mut bot = Wire::connect(receiver.port);
    for number in 0..100 {
        assert_eq!(bot.post(&check_in(&format!("A{number:015X}"), "HOWL", "north")).unwrap(), 201);
    }
    // All of those before are still there: one that was idle is served when it speaks.
    assert_eq!(idle[IDLE - 1].post(&check_in("LATE", "HOWL", "north")).unwrap(), 201);
    // And those who stall are told so and let go.
    for wire in &mut slow_heads {
        assert_eq!(wire.answer().unwrap().0, 408);
        assert!(wire.is_closed());
    }
    for wire in &mut stalled_bodies {
        assert_eq!(wire.answer().unwrap().0, 408);
        assert!(wire.is_closed());
    }
    assert_eq!(receiver.hashes().len(), 101);
}

#[test]
#[ignore = "needs the program; run by .ci/run"]
fn c5_an_unread_body_is_never_the_next_request() {
    let receiver = DropIn::start();
    let inner = "POST /checkins HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    for (head, expected) in [
        // No key: the body is the whole next request, if somebody takes it for one.
        (format!("POST /checkins HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", inner.len()), 401),
        (
            format!(
                "POST /checkins HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                inner.len()
            ),
            400,
        ),
        (
            format!(
                "POST /checkins HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nContent-Length: 0\r\n\r\n",
                inner.len()
            ),
            400,
        ),
    ] {
        let mut wire = Wire::connect(receiver.port);
        wire.send(format!("{head}{inner}").as_bytes()).unwrap();
        assert_eq!(wire.answer().unwrap().0, expected, "{head}");
        // Either the connection is closed, or what is sent now is answered first and as what it is.
        let spoken = wire.send(b"GET /checkins HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        if let (Ok(()), Ok((status, body))) = (spoken, wire.answer()) {
            assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#), "{head}");
        }
    }
    assert!(receiver.hashes().is_empty());
}
