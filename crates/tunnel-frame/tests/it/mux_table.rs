//! The table of ids in the documentation of `mux`, cell by cell.

use std::time::{Duration, Instant};
use tunnel_frame::mux::{Event, HalfClose, MuxConfig, OpenError, Read, Role, Session, StreamEnd, StreamKey};

fn n(id: u32) -> Vec<u8> {
    [&b"N"[..], &id.to_be_bytes(), b"\0\0\0\x02\0\x16"].concat()
}

fn d(id: u32, bytes: &[u8]) -> Vec<u8> {
    [&b"D"[..], &id.to_be_bytes(), &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn c(id: u32) -> Vec<u8> {
    [&b"C"[..], &id.to_be_bytes(), b"\0\0\0\0"].concat()
}

fn out(session: &mut Session, now: Instant) -> Vec<u8> {
    let mut wire = Vec::new();
    while let Some(output) = session.poll_output(now) {
        wire.extend_from_slice(output.head());
        wire.extend_from_slice(output.payload());
    }
    wire
}

fn feed(session: &mut Session, wire: &[u8], now: Instant) {
    assert_eq!(session.handle(wire, now).unwrap(), wire.len());
}

fn opened(session: &mut Session) -> Vec<StreamKey> {
    let mut keys = Vec::new();
    while let Some(event) = session.poll_event() {
        if let Event::Opened { stream, .. } = event {
            keys.push(stream);
        }
    }
    keys
}

fn read(session: &mut Session, key: StreamKey, now: Instant) -> Read<Vec<u8>> {
    let mut buffer = [0; 64];
    match session.read(key, &mut buffer, now) {
        Read::Some(n) => Read::Some(buffer[..n].to_vec()),
        Read::Pending => Read::Pending,
        Read::End(end) => Read::End(end),
    }
}

#[test]
fn t6_new_at_the_agent() {
    let now = Instant::now();
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    // Fresh: opens. Data behind it is queued before anybody connects.
    feed(&mut agent, &[n(1), d(1, b"early")].concat(), now);
    let first = opened(&mut agent)[0];
    assert_eq!(read(&mut agent, first, now), Read::Some(b"early".to_vec()));
    // Live: both are given up.
    feed(&mut agent, &[d(1, b"lost"), n(1), d(1, b"late")].concat(), now);
    assert_eq!(read(&mut agent, first, now), Read::End(StreamEnd::Duplicate));
    assert_eq!(out(&mut agent, now), c(1));
    assert!(opened(&mut agent).is_empty());
    // Past: opens again, and the old key does not reach the new stream.
    feed(&mut agent, &[n(1), d(1, b"new")].concat(), now);
    let second = opened(&mut agent)[0];
    assert_eq!(read(&mut agent, first, now), Read::End(StreamEnd::Duplicate));
    assert_eq!(read(&mut agent, second, now), Read::Some(b"new".to_vec()));
    let counters = agent.counters();
    assert_eq!((counters.opened, counters.duplicate_opens, counters.late_data), (2, 1, 1));
    assert_eq!(agent.open(22, None, now), Err(OpenError::NotTheProxy));
}

#[test]
fn t6_new_at_the_proxy_is_ignored() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let key = proxy.open(22, None, now).unwrap();
    assert_eq!(out(&mut proxy, now), n(1));
    feed(&mut proxy, &[n(1), n(9), n(0)].concat(), now);
    assert_eq!(out(&mut proxy, now), b"");
    assert_eq!(read(&mut proxy, key, now), Read::Pending);
    assert_eq!(proxy.counters().misdirected_opens, 3);
}

#[test]
fn t6_data_for_ids_that_are_not_live() {
    let now = Instant::now();
    for role in [Role::Agent, Role::Proxy] {
        let mut session = Session::new(role, MuxConfig::default(), now);
        match role {
            Role::Proxy => {
                let key = session.open(22, None, now).unwrap();
                session.abort(key);
            }
            Role::Agent => feed(&mut session, &[n(1), c(1)].concat(), now),
        }
        out(&mut session, now);
        // Past: dropped without a word.
        feed(&mut session, &d(1, b"late"), now);
        assert_eq!(out(&mut session, now), b"");
        // Fresh: answered, ten times a second.
        for id in 100..150 {
            feed(&mut session, &d(id, b"?"), now);
        }
        assert_eq!(out(&mut session, now), (100..110).flat_map(c).collect::<Vec<u8>>());
        let later = now + Duration::from_secs(1);
        feed(&mut session, &d(7, b"?"), later);
        assert_eq!(out(&mut session, later), c(7));
        let counters = session.counters();
        assert_eq!((counters.late_data, counters.unknown_ids, counters.unanswered), (1, 51, 40));
        assert_eq!(counters.held_bytes, 0);
    }
}

#[test]
fn t6_close_is_echoed_by_the_agent_once_and_by_the_proxy_never() {
    let now = Instant::now();
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    feed(&mut agent, &[n(1), d(1, b"last"), c(1), c(1), c(77), c(u32::MAX)].concat(), now);
    assert_eq!(out(&mut agent, now), c(1));
    let key = opened(&mut agent)[0];
    assert_eq!(read(&mut agent, key, now), Read::Some(b"last".to_vec()));
    assert_eq!(read(&mut agent, key, now), Read::End(StreamEnd::Peer));
    assert_eq!(agent.write(key, b"x", now), Err(StreamEnd::Peer));
    assert_eq!(agent.counters().probes_received, 1);

    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let key = proxy.open(22, None, now).unwrap();
    out(&mut proxy, now);
    feed(&mut proxy, &[d(1, b"last"), c(1), c(1), c(77)].concat(), now);
    assert_eq!(out(&mut proxy, now), b"");
    assert_eq!(read(&mut proxy, key, now), Read::Some(b"last".to_vec()));
    assert_eq!(read(&mut proxy, key, now), Read::End(StreamEnd::Peer));
}

#[test]
fn a_close_without_data_soon_after_the_opening_is_a_refusal() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let [soon, late] = [(); 2].map(|()| proxy.open(22, None, now).unwrap());
    feed(&mut proxy, &c(1), now + Duration::from_millis(900));
    feed(&mut proxy, &c(2), now + Duration::from_millis(1100));
    assert_eq!(proxy.stream_end(soon), Some(StreamEnd::Refused));
    assert_eq!(proxy.stream_end(late), Some(StreamEnd::Peer));
    assert_eq!(proxy.counters().refused_by_peer, 1);
}

#[test]
fn close_jumps_the_queue_but_not_its_own_data() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default().with_half_close(HalfClose::Close), now);
    let bulk = proxy.open(1, None, now).unwrap();
    let small = proxy.open(2, None, now).unwrap();
    out(&mut proxy, now);
    assert_eq!(proxy.write(bulk, &[7; 40_000], now), Ok(40_000));
    assert_eq!(proxy.write(small, b"bye", now), Ok(3));
    proxy.finish(small, now);
    let third = proxy.open(3, None, now).unwrap();
    proxy.abort(third);
    let mut heads = Vec::new();
    while let Some(output) = proxy.poll_output(now) {
        heads.push((output.head()[0], output.head()[4], output.payload().len()));
    }
    // 16 KiB a turn, the small stream after the first turn and its close right behind it.
    let expected = [
        (b'N', 3, 0),
        (b'C', 3, 0),
        (b'D', 1, 16_384),
        (b'D', 2, 3),
        (b'C', 2, 0),
        (b'D', 1, 16_384),
        (b'D', 1, 7232),
    ];
    assert_eq!(heads, expected);
}

#[test]
fn the_send_queue_holds_its_writer_back() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default().with_send_queue_bytes(1000), now);
    let key = proxy.open(1, None, now).unwrap();
    assert_eq!(proxy.write(key, &[1; 3000], now), Ok(1000));
    assert_eq!(proxy.write(key, &[1; 3000], now), Ok(0));
    assert_eq!(proxy.poll_event(), None);
    assert_eq!(out(&mut proxy, now).len(), 11 + 9 + 1000);
    assert_eq!(proxy.poll_event(), Some(Event::Writable { stream: key }));
    assert_eq!(proxy.write(key, &[1; 3000], now), Ok(1000));
}

#[test]
fn t6_at_most_256_streams() {
    let now = Instant::now();
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    for id in 1..=300 {
        feed(&mut agent, &n(id), now);
    }
    assert_eq!(opened(&mut agent).len(), 256);
    assert_eq!(out(&mut agent, now), (257..=300).flat_map(c).collect::<Vec<u8>>());
    assert_eq!(agent.counters().refused_full, 44);
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let opens = (0..300).filter(|_| proxy.open(1, None, now).is_ok()).count();
    assert_eq!(opens, 256);
}

/// A proxy that is at the bound closes one stream and opens the next in the same breath, before the agent's local side has let
/// go of the first: the new visitor must not be refused for it.
#[test]
fn t6_a_stream_that_has_ended_takes_no_place_from_the_next() {
    let now = Instant::now();
    let config = MuxConfig::default().with_max_streams(2);
    let mut agent = Session::new(Role::Agent, config, now);
    feed(&mut agent, &[n(1), n(2)].concat(), now);
    let held = opened(&mut agent);
    feed(&mut agent, &[c(1), n(3), c(2), n(4)].concat(), now);
    assert_eq!(opened(&mut agent).len(), 2);
    assert_eq!(out(&mut agent, now), [c(1), c(2)].concat());
    // Whoever only opens and closes is still bounded: at most as many again wait for their local side.
    feed(&mut agent, &[c(3), n(5)].concat(), now);
    assert_eq!(out(&mut agent, now), [c(3), c(5)].concat());
    assert_eq!(agent.counters().refused_full, 1);
    agent.release(held[0]);
    feed(&mut agent, &n(6), now);
    assert_eq!(out(&mut agent, now), b"");
    assert_eq!(opened(&mut agent).len(), 1);
}

/// Threat T6: a million streams come and go and nothing is left of them.
#[test]
fn t6_a_million_opens_and_closes_leave_nothing() {
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    let rounds = crate::support::from_env("TUNNEL_FRAME_CHURN", 20_000);
    for _ in 0..rounds {
        let key = proxy.open(22, None, now).unwrap();
        proxy.write(key, b"ping", now).unwrap();
        let wire = out(&mut proxy, now);
        feed(&mut agent, &wire, now);
        let at_agent = opened(&mut agent)[0];
        agent.write(at_agent, b"pong", now).unwrap();
        agent.release(at_agent);
        let wire = out(&mut agent, now);
        feed(&mut proxy, &wire, now);
        while proxy.poll_event().is_some() {}
        proxy.release(key);
        let wire = out(&mut proxy, now);
        feed(&mut agent, &wire, now);
    }
    for session in [&proxy, &agent] {
        let counters = session.counters();
        assert_eq!((counters.streams, counters.held_bytes), (0, 0));
        assert_eq!(counters.opened, u64::from(rounds));
    }
}

/// An agent whose proxy opens and closes without reading what comes back stops reading.
#[test]
fn a_peer_that_takes_no_answers_is_not_read_for_ever() {
    let now = Instant::now();
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    let flood: Vec<u8> = (1..=5000).flat_map(|id| [n(id), c(id)].concat()).collect();
    let used = agent.handle(&flood, now).unwrap();
    assert!(used < flood.len() && !agent.wants_input());
    out(&mut agent, now);
    assert!(agent.wants_input());
}
