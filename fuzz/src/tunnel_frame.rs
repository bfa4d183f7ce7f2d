//! Properties of `tunnel-frame`.

use std::time::{Duration, Instant};
use tunnel_frame::handshake::{Answer, Hello, MAX_ANSWER_BYTES, MAX_HELLO_BYTES};
use tunnel_frame::mux::{Event, MuxConfig, Read, Role, Session, StreamKey};
use tunnel_frame::{DecodeError, Decoder, Frame, FrameEvent, FrameHeader, Limits, StreamId};

/// A frame as it was read, its payload put together.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Owned {
    New(StreamId, u16),
    Data(StreamId, u32, Vec<u8>),
    Close(StreamId),
    Unknown(FrameHeader),
    Skipped(u64),
}

/// Everything that `pieces` hold, and why reading stopped.
fn read<'a>(
    limits: Limits,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Owned>, usize, Option<DecodeError>) {
    let mut decoder = Decoder::new(limits);
    let mut frames = Vec::new();
    let mut kept = Vec::new();
    let mut total = 0;
    for piece in pieces {
        kept.extend_from_slice(piece);
        let mut used = 0;
        loop {
            match decoder.decode(&kept[used..]) {
                Ok(Some((event, n))) => {
                    assert!(n > 0 && n <= kept.len() - used);
                    used += n;
                    note(&mut frames, event, n);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&kept[used..]), Err(error), "an error is for good");
                    return (frames, total + used, Some(error));
                }
            }
        }
        total += used;
        kept.drain(..used);
        assert!(kept.len() <= 10, "no more than a header and a byte of port is ever kept");
    }
    (frames, total, None)
}

fn note(frames: &mut Vec<Owned>, event: FrameEvent<'_>, n: usize) {
    match event {
        FrameEvent::New { stream, port } => frames.push(Owned::New(stream, port)),
        FrameEvent::DataStart { stream, length } => frames.push(Owned::Data(stream, length, Vec::new())),
        FrameEvent::Data { stream, bytes, remaining } => {
            let Some(Owned::Data(of, length, payload)) = frames.last_mut() else {
                panic!("data without a start")
            };
            assert_eq!(*of, stream);
            assert!(!bytes.is_empty());
            payload.extend_from_slice(bytes);
            assert_eq!(u64::from(*length), payload.len() as u64 + u64::from(remaining));
        }
        FrameEvent::Close { stream } => frames.push(Owned::Close(stream)),
        FrameEvent::Unknown { header } => frames.push(Owned::Unknown(header)),
        FrameEvent::Skipped { .. } => match frames.last_mut() {
            Some(Owned::Skipped(bytes)) => *bytes += n as u64,
            _ => frames.push(Owned::Skipped(n as u64)),
        },
        event => panic!("unheard of: {event:?}"),
    }
}

/// The same frames come out however the bytes are cut; what was read and written again is what was read; what
/// strict limits accept is byte for byte what this crate writes.
pub fn decoder(data: &[u8]) {
    let Some((&cut, wire)) = data.split_first() else { return };
    for limits in [Limits::default(), Limits::strict()] {
        let (frames, used, error) = read(limits, std::iter::once(wire));
        let cut = read(limits, wire.chunks(usize::from(cut).max(1)));
        assert_eq!((&frames, used, error), (&cut.0, cut.1, cut.2));

        let mut written = Vec::new();
        for frame in &frames {
            match frame {
                Owned::New(stream, port) => Frame::New { stream: *stream, port: *port }.encode(&mut written),
                Owned::Data(stream, _, payload) => {
                    Frame::Data { stream: *stream, payload }.encode(&mut written);
                }
                Owned::Close(stream) => Frame::Close { stream: *stream }.encode(&mut written),
                Owned::Unknown(_) | Owned::Skipped(_) => {}
            }
        }
        let whole = |frame: &Owned| match frame {
            Owned::Data(_, length, payload) => u64::from(*length) == payload.len() as u64,
            Owned::Unknown(_) | Owned::Skipped(_) => false,
            Owned::New(..) | Owned::Close(_) => true,
        };
        if limits == Limits::strict() && frames.iter().all(whole) {
            assert_eq!(written, wire[..used]);
        }
        let (again, _, no_error) = read(limits, std::iter::once(written.as_slice()));
        assert_eq!(no_error, None, "what this crate writes it reads");
        let kept = frames.iter().filter(|frame| !matches!(frame, Owned::Unknown(_) | Owned::Skipped(_)));
        for (before, after) in kept.zip(&again) {
            match (before, after) {
                (Owned::Data(a, _, x), Owned::Data(b, length, y)) => {
                    assert_eq!((a, x, x.len()), (b, y, *length as usize));
                }
                (before, after) => assert_eq!(before, after),
            }
        }
    }
}

/// What is read as a hello or an answer says the same when it is written and read again, and a line cut short is never
/// an answer.
pub fn handshake(data: &[u8]) {
    if let Ok(Some((hello, used))) = Hello::decode(data, MAX_HELLO_BYTES) {
        assert!(used <= MAX_HELLO_BYTES && data[used - 1] == b'\n');
        let line = hello.encode();
        assert_eq!(Hello::decode(line.as_bytes(), MAX_HELLO_BYTES), Ok(Some((hello, line.len()))));
        assert_eq!(Hello::decode(&data[..used - 1], MAX_HELLO_BYTES), Ok(None));
    }
    if let Ok(Some((answer, used))) = Answer::decode(data, MAX_ANSWER_BYTES) {
        let line = answer.encode();
        assert_eq!(used == 0, answer == Answer::Legacy);
        if answer != Answer::Legacy {
            // A refusal's words may grow when they are escaped.
            assert_eq!(Answer::decode(line.as_bytes(), 8 * MAX_ANSWER_BYTES), Ok(Some((answer, line.len()))));
            assert_eq!(Answer::decode(&data[..used - 1], MAX_ANSWER_BYTES), Ok(None));
        }
    }
}

/// A session fed with anything, and used in any order, never panics, never holds more than its budget, writes nothing but
/// whole frames that strict limits accept, and remembers nothing once it is closed and let go of.
pub fn session(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let mut world = World::new(if first & 1 == 0 { Role::Agent } else { Role::Proxy });
    while let Some((&op, tail)) = rest.split_first() {
        rest = tail;
        if op & 0x0F <= 4 {
            let (bytes, tail) = rest.split_at(rest.len().min(1 + usize::from(op >> 2)));
            rest = tail;
            if !world.receive(bytes) {
                break;
            }
        } else if !world.act(op) {
            break;
        }
        world.look();
    }
    world.end();
}

/// Received bytes that the session of [`World`] may hold.
const BUDGET: usize = 64;

/// A session and everything around it.
struct World {
    role: Role,
    session: Session,
    now: Instant,
    keys: Vec<StreamKey>,
    kept: Vec<u8>,
    written: Vec<u8>,
}

impl World {
    fn new(role: Role) -> Self {
        let config = MuxConfig::default()
            .with_max_streams(4)
            .with_send_queue_bytes(32)
            .with_max_frame_bytes(16)
            .with_stream_receive_bytes(16)
            .with_session_receive_bytes(BUDGET);
        let now = Instant::now();
        let session = Session::new(role, config, now);
        Self { role, session, now, keys: Vec::new(), kept: Vec::new(), written: Vec::new() }
    }

    /// Passes bytes to the session; false if it is dead.
    fn receive(&mut self, bytes: &[u8]) -> bool {
        self.kept.extend_from_slice(bytes);
        let Ok(used) = self.session.handle(&self.kept, self.now) else { return false };
        self.kept.drain(..used);
        if self.session.wants_input() {
            assert!(self.kept.len() <= 10, "what is not used is the start of a frame");
            return true;
        }
        self.now += Duration::from_secs(3);
        self.session.handle_timeout(self.now).is_ok()
    }

    /// Does one thing to the session; false if it is dead.
    fn act(&mut self, op: u8) -> bool {
        let pick = self.keys.get(usize::from(op >> 4) % self.keys.len().max(1)).copied();
        match (op & 0x0F, pick) {
            (5, _) => self.keys.extend(self.session.open(u16::from(op), None, self.now)),
            (6 | 7, Some(key)) => {
                let _ = self.session.write(key, &[op; 21], self.now);
            }
            (8, Some(key)) => self.session.finish(key, self.now),
            (9, Some(key)) => self.session.abort(key),
            (10, Some(key)) => {
                self.session.release(key);
                self.keys.retain(|&kept| kept != key);
            }
            (11 | 12, Some(key)) => {
                if let Read::Some(n) = self.session.read(key, &mut [0; 8], self.now) {
                    assert!((1..=8).contains(&n));
                }
            }
            (13, _) => {
                self.now += Duration::from_secs(1 + u64::from(op >> 4));
                return self.session.handle_timeout(self.now).is_ok();
            }
            _ => {
                while let Some(output) = self.session.poll_output(self.now) {
                    self.written.extend_from_slice(output.head());
                    self.written.extend_from_slice(output.payload());
                }
            }
        }
        true
    }

    /// Takes in what happened and checks what must always hold.
    fn look(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let Event::Opened { stream, .. } = event {
                assert_eq!(self.role, Role::Agent);
                self.keys.push(stream);
            }
        }
        let counters = self.session.counters();
        assert!(counters.held_bytes <= BUDGET as u64);
        assert!(counters.streams <= 4);
    }

    fn end(mut self) {
        self.look();
        let (frames, used, error) = read(Limits::strict(), std::iter::once(self.written.as_slice()));
        assert_eq!((used, error), (self.written.len(), None));
        assert!(self.role == Role::Proxy || !frames.iter().any(|frame| matches!(frame, Owned::New(..))));
        self.session.close();
        for key in std::mem::take(&mut self.keys) {
            self.session.release(key);
        }
        assert_eq!(self.session.counters().streams, 0);
        assert_eq!(self.session.counters().held_bytes, 0);
    }
}
