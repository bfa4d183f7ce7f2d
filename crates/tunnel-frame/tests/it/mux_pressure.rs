//! Threat T9: received bytes are bounded, and one stuck stream does not stop the others for long.

use std::time::{Duration, Instant};
use tunnel_frame::mux::{Event, MuxConfig, Read, Role, Session, StreamEnd, StreamKey};

const KIB: usize = 1024;

fn data(id: u32, bytes: usize) -> Vec<u8> {
    let mut wire = [&b"D"[..], &id.to_be_bytes(), &(bytes as u32).to_be_bytes()].concat();
    wire.resize(wire.len() + bytes, 0xD7);
    wire
}

fn drain(session: &mut Session, key: StreamKey, now: Instant) -> usize {
    let mut total = 0;
    while let Read::Some(chunk) = session.read_chunk(key, usize::MAX, now) {
        total += chunk.len();
    }
    total
}

/// One visitor has stopped reading, 63 go on: the session holds no more than its budget, pauses for two seconds,
/// closes the stuck stream, and the others lose nothing.
#[test]
fn t9_one_stuck_stream_among_sixty_four() {
    let mut now = Instant::now();
    let budget = 1024 * KIB;
    let config = MuxConfig::default().with_session_receive_bytes(budget).with_stream_receive_bytes(64 * KIB);
    let mut proxy = Session::new(Role::Proxy, config, now);
    let keys: Vec<StreamKey> = (0..64).map(|_| proxy.open(80, None, now).unwrap()).collect();
    let (stuck, live) = keys.split_first().unwrap();
    let mut sent = vec![0; 64];
    let mut got = vec![0; 64];
    let mut paused = Duration::ZERO;
    for _ in 0..200 {
        for (index, key) in keys.iter().enumerate() {
            let wire = data(key.id().get(), 16 * KIB);
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                rest = &rest[proxy.handle(rest, now).unwrap()..];
                assert!(proxy.counters().held_bytes <= budget as u64);
                for (reader, key) in live.iter().enumerate() {
                    got[reader + 1] += drain(&mut proxy, *key, now);
                }
                if !rest.is_empty() && !proxy.wants_input() {
                    let deadline = proxy.poll_timeout().unwrap();
                    paused += deadline - now;
                    now = deadline;
                    proxy.handle_timeout(now).unwrap();
                }
            }
            sent[index] += 16 * KIB;
        }
    }
    assert_eq!(proxy.stream_end(*stuck), Some(StreamEnd::Overrun));
    assert_eq!(got[1..], sent[1..]);
    assert_eq!(proxy.counters().overruns, 1);
    assert_eq!(paused, Duration::from_secs(2), "one grace, and no more");
}

#[test]
fn a_slow_stream_is_spared_while_there_is_room() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let slow = proxy.open(80, None, now).unwrap();
    let wire = data(1, 15 * KIB * KIB);
    assert_eq!(proxy.handle(&wire, now).unwrap(), wire.len());
    let later = now + Duration::from_secs(3600);
    proxy.handle_timeout(later).unwrap();
    assert_eq!(drain(&mut proxy, slow, later), 15 * KIB * KIB);
    assert_eq!(proxy.counters().pauses, 0);
}

#[test]
fn a_reader_who_comes_back_within_the_grace_keeps_his_stream() {
    let now = Instant::now();
    let config = MuxConfig::default().with_session_receive_bytes(100 * KIB);
    let mut proxy = Session::new(Role::Proxy, config, now);
    let key = proxy.open(80, None, now).unwrap();
    let wire = data(1, 200 * KIB);
    let used = proxy.handle(&wire, now).unwrap();
    assert_eq!(used, 9 + 100 * KIB);
    assert!(!proxy.wants_input());
    let later = now + Duration::from_secs(1);
    assert_eq!(drain(&mut proxy, key, later), 100 * KIB);
    assert!(proxy.wants_input());
    assert_eq!(proxy.handle(&wire[used..], later).unwrap(), 100 * KIB);
    assert_eq!(drain(&mut proxy, key, later), 100 * KIB);
    proxy.handle_timeout(now + Duration::from_secs(9)).unwrap();
    assert_eq!(proxy.stream_end(key), None);
    // The second half used the budget up once more; nobody was closed for it.
    assert_eq!((proxy.counters().pauses, proxy.counters().overruns), (2, 0));
}

#[test]
fn the_stream_over_its_soft_bound_goes_before_the_small_ones() {
    let now = Instant::now();
    let config =
        MuxConfig::default().with_session_receive_bytes(100 * KIB).with_stream_receive_bytes(60 * KIB);
    let mut agent = Session::new(Role::Agent, config, now);
    let mut wire = b"N\0\0\0\x01\0\0\0\x02\0\x16N\0\0\0\x02\0\0\0\x02\0\x16".to_vec();
    wire.extend(data(1, 20 * KIB));
    wire.extend(data(2, 80 * KIB));
    assert_eq!(agent.handle(&wire, now).unwrap(), wire.len());
    let mut keys = Vec::new();
    while let Some(event) = agent.poll_event() {
        if let Event::Opened { stream, .. } = event {
            keys.push(stream);
        }
    }
    agent.handle_timeout(now + Duration::from_secs(2)).unwrap();
    assert_eq!(agent.stream_end(keys[0]), None);
    assert_eq!(agent.stream_end(keys[1]), Some(StreamEnd::Overrun));
    assert_eq!(agent.poll_output(now).unwrap().head(), b"C\0\0\0\x02\0\0\0\0");
}
