//! Threat T6: a session against a map that says what should happen, over random frames and calls.

use crate::support::from_env;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;
use tunnel_frame::mux::{Event, MuxConfig, Read, Role, Session, StreamEnd, StreamKey};
use tunnel_frame::{Frame, StreamId};

#[derive(Clone, Debug)]
enum Step {
    New(u32),
    Data(u32, Vec<u8>),
    Close(u32),
    Finish(usize),
    Abort(usize),
    Release(usize),
    Read(usize),
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..6_u32, 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => id().prop_map(Step::New),
        6 => (id(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(id, bytes)| Step::Data(id, bytes)),
        3 => id().prop_map(Step::Close),
        1 => (0..8_usize).prop_map(Step::Finish),
        1 => (0..8_usize).prop_map(Step::Abort),
        2 => (0..8_usize).prop_map(Step::Release),
        4 => (0..8_usize).prop_map(Step::Read),
    ]
}

const MAX_STREAMS: usize = 5;

#[derive(Default)]
struct Model {
    live: BTreeMap<u32, usize>,
    highest: Option<u32>,
    streams: Vec<Expected>,
    closes: Vec<u32>,
    answers: usize,
    late: u64,
    unknown: u64,
    duplicates: u64,
    full: u64,
    probes: u64,
}

#[derive(Default)]
struct Expected {
    id: u32,
    bytes: VecDeque<u8>,
    end: Option<StreamEnd>,
    released: bool,
}

impl Model {
    /// Takes a stream off the wire.
    fn end(&mut self, index: usize, end: StreamEnd, keep: bool) {
        let stream = &mut self.streams[index];
        if !keep {
            stream.bytes.clear();
        }
        if self.live.get(&stream.id) == Some(&index) {
            self.live.remove(&stream.id);
            self.closes.push(stream.id);
            stream.end = Some(end);
        }
    }

    fn frame(&mut self, step: &Step) {
        match *step {
            Step::New(id) => {
                if let Some(&index) = self.live.get(&id) {
                    self.duplicates += 1;
                    self.end(index, StreamEnd::Duplicate, false);
                } else if self.live.len() >= MAX_STREAMS
                    || self.streams.iter().filter(|stream| !stream.released).count() >= 2 * MAX_STREAMS
                {
                    self.full += 1;
                    self.closes.push(id);
                    self.highest = self.highest.max(Some(id));
                } else {
                    self.live.insert(id, self.streams.len());
                    self.streams.push(Expected { id, ..Expected::default() });
                    self.highest = self.highest.max(Some(id));
                }
            }
            Step::Data(id, ref bytes) => {
                if let Some(&index) = self.live.get(&id) {
                    self.streams[index].bytes.extend(bytes);
                } else if Some(id) <= self.highest {
                    self.late += 1;
                } else {
                    self.unknown += 1;
                    if self.answers < 10 {
                        self.answers += 1;
                        self.closes.push(id);
                    }
                }
            }
            Step::Close(id) => match self.live.get(&id) {
                Some(&index) => self.end(index, StreamEnd::Peer, true),
                None if id == u32::MAX => self.probes += 1,
                None => {}
            },
            _ => {}
        }
    }
}

fn wire(step: &Step) -> Vec<u8> {
    let mut wire = Vec::new();
    match *step {
        Step::New(id) => Frame::New { stream: StreamId::new(id), port: 22 }.encode(&mut wire),
        Step::Data(id, ref payload) => Frame::Data { stream: StreamId::new(id), payload }.encode(&mut wire),
        Step::Close(id) => Frame::Close { stream: StreamId::new(id) }.encode(&mut wire),
        _ => {}
    }
    wire
}

fn run(steps: &[Step], cut: usize) {
    let now = Instant::now();
    let mut session = Session::new(Role::Agent, MuxConfig::default().with_max_streams(MAX_STREAMS), now);
    let mut model = Model::default();
    let mut keys: Vec<StreamKey> = Vec::new();
    for step in steps {
        model.frame(step);
        let mut kept = Vec::new();
        for piece in wire(step).chunks(cut) {
            kept.extend_from_slice(piece);
            let used = session.handle(&kept, now).unwrap();
            kept.drain(..used);
        }
        assert!(kept.is_empty());
        while let Some(event) = session.poll_event() {
            if let Event::Opened { stream, port } = event {
                assert_eq!((stream.id().get(), port), (model.streams[keys.len()].id, 22));
                keys.push(stream);
            }
        }
        assert_eq!(keys.len(), model.streams.len());
        let (Step::Finish(at) | Step::Abort(at) | Step::Release(at) | Step::Read(at)) = *step else {
            continue;
        };
        // Steps pick among the latest streams, where things happen.
        let Some(index) = keys.len().checked_sub(1 + at) else { continue };
        let key = keys[index];
        if model.streams[index].released {
            assert_eq!(session.read(key, &mut [0; 9], now), Read::End(StreamEnd::Local));
            continue;
        }
        match step {
            Step::Finish(_) => {
                model.end(index, StreamEnd::Local, true);
                session.finish(key, now);
            }
            Step::Abort(_) => {
                model.end(index, StreamEnd::Local, false);
                session.abort(key);
            }
            Step::Release(_) => {
                model.end(index, StreamEnd::Local, false);
                model.streams[index].released = true;
                session.release(key);
            }
            _ => read(&mut session, key, &mut model.streams[index], now),
        }
    }
    finish(session, model, &keys, now);
}

fn read(session: &mut Session, key: StreamKey, expected: &mut Expected, now: Instant) {
    let mut buffer = [0; 23];
    match session.read(key, &mut buffer, now) {
        Read::Some(n) => {
            let wanted: Vec<u8> = expected.bytes.drain(..n).collect();
            assert_eq!(buffer[..n], wanted);
        }
        Read::Pending => assert!(expected.bytes.is_empty() && expected.end.is_none()),
        Read::End(end) => assert_eq!((expected.bytes.len(), expected.end), (0, Some(end))),
    }
}

fn finish(mut session: Session, mut model: Model, keys: &[StreamKey], now: Instant) {
    let counters = session.counters();
    assert_eq!(counters.late_data, model.late);
    assert_eq!(counters.unknown_ids, model.unknown);
    assert_eq!(counters.duplicate_opens, model.duplicates);
    assert_eq!(counters.refused_full, model.full);
    assert_eq!(counters.probes_received, model.probes);
    assert_eq!(counters.opened, model.streams.len() as u64);
    for (index, &key) in keys.iter().enumerate() {
        if !model.streams[index].released {
            while !model.streams[index].bytes.is_empty() {
                read(&mut session, key, &mut model.streams[index], now);
            }
            model.end(index, StreamEnd::Local, false);
            session.release(key);
        }
    }
    let mut closes = Vec::new();
    while let Some(output) = session.poll_output(now) {
        assert_eq!((output.head()[0], output.head().len()), (b'C', 9));
        closes.push(u32::from_be_bytes(output.head()[1..5].try_into().unwrap()));
    }
    assert_eq!(closes, model.closes);
    assert_eq!((session.counters().streams, session.counters().held_bytes), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: from_env("TUNNEL_FRAME_CASES", 1000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn t6_a_session_does_what_the_map_says(
        steps in proptest::collection::vec(step(), 0..60),
        cut in 1..30_usize,
    ) {
        run(&steps, cut);
    }
}
