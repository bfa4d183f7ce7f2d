//! Where each request of a connection begins and ends, read from the raw bytes.
//!
//! hyper drops Content-Length when Transfer-Encoding is there too, so a service cannot see that both were sent. Two
//! servers that choose differently can be made to see different requests (request smuggling), so such a request is
//! refused, and this scanner, which reads along, says which one it is. It never decides where hyper ends a
//! message; whatever it cannot follow, it has refused.

/// A header line is kept up to here; names and values that matter are shorter.
const MAX_LINE_BYTES: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a request.
    Between,
    /// Inside a request's head.
    Head,
    /// Inside a body of this many bytes more.
    Fixed(u64),
    /// In the line that gives a chunk's size.
    ChunkSize,
    /// Inside a chunk, its line ending included.
    Chunk(u64),
    /// In the lines after the last chunk.
    Trailer,
    /// Not HTTP any more, or refused: nothing is read.
    Blind,
}

/// What the head under way has said.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    malformed: bool,
    first_line_seen: bool,
}

/// Reads along with one connection.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    head: Head,
    line: Vec<u8>,
    /// Heads completed so far.
    heads: u64,
    refused_from: u64,
    unjudged_from: u64,
}

impl Framing {
    pub(super) fn new() -> Self {
        let (state, head, line) = (State::Between, Head::default(), Vec::new());
        Self { state, head, line, heads: 0, refused_from: u64::MAX, unjudged_from: u64::MAX }
    }

    /// Whether a request's head has begun and is not complete.
    pub(super) fn in_head(&self) -> bool {
        self.state == State::Head
    }

    /// Heads completed so far.
    pub(super) const fn heads(&self) -> u64 {
        self.heads
    }

    /// Requests from this number on (from 0) are to be refused.
    pub(super) const fn refused_from(&self) -> u64 {
        self.refused_from
    }

    /// Requests from this number on cannot be judged: the one before asked to leave HTTP. They must not be served.
    pub(super) const fn unjudged_from(&self) -> u64 {
        self.unjudged_from
    }

    /// Takes the next bytes of the connection.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.state != State::Blind {
            bytes = match self.state {
                State::Fixed(left) => self.skip(bytes, left, State::Fixed, State::Between),
                State::Chunk(left) => self.skip(bytes, left, State::Chunk, State::ChunkSize),
                _ => self.lines(bytes),
            };
        }
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], left: u64, stay: fn(u64) -> State, then: State) -> &'b [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left.saturating_sub(here as u64);
        self.state = if left == 0 { then } else { stay(left) };
        bytes.get(here..).unwrap_or_default()
    }

    fn lines<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (part, rest, whole) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => (bytes.get(..end), bytes.get(end + 1..), true),
            None => (Some(bytes), None, false),
        };
        let part = part.unwrap_or_default();
        if self.state == State::Between && part.iter().any(|byte| *byte != b'\r') {
            self.state = State::Head;
        }
        let room = MAX_LINE_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(part.get(..room).unwrap_or(part));
        if whole {
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.line_end(&line);
            line.clear();
            self.line = line;
        }
        rest.unwrap_or_default()
    }

    fn line_end(&mut self, line: &[u8]) {
        match self.state {
            State::Head if line.is_empty() => self.head_end(),
            State::Head => self.head_line(line),
            State::ChunkSize => match chunk_size(line) {
                Some(0) => self.state = State::Trailer,
                // The line ending after the data belongs to the chunk.
                Some(size) => self.state = State::Chunk(size.saturating_add(2)),
                None => self.refuse(self.heads),
            },
            State::Trailer if line.is_empty() => self.state = State::Between,
            _ => {}
        }
    }

    fn head_line(&mut self, line: &[u8]) {
        if !self.head.first_line_seen {
            self.head.first_line_seen = true;
            self.head.upgrade = line.starts_with(b"CONNECT ");
            return;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            self.head.malformed |= true;
            return;
        };
        let (name, value) = line.split_at(colon);
        // A name followed by a space, or a folded line, is read differently by different servers.
        self.head.malformed |= name.iter().any(u8::is_ascii_whitespace);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value, 10);
            self.head.malformed |=
                length.is_none() || self.head.length.is_some_and(|first| Some(first) != length);
            self.head.length = length;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.head.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.head.upgrade = true;
        }
    }

    fn head_end(&mut self) {
        let head = std::mem::take(&mut self.head);
        let number = self.heads;
        self.heads += 1;
        self.state = match (head.chunked, head.length) {
            (true, _) => State::ChunkSize,
            (false, Some(length)) if length > 0 => State::Fixed(length),
            _ => State::Between,
        };
        if head.malformed || (head.chunked && head.length.is_some()) {
            self.refuse(number);
        } else if head.upgrade {
            self.state = State::Blind;
            self.unjudged_from = self.heads;
        }
    }

    fn refuse(&mut self, from: u64) {
        self.refused_from = from;
        self.state = State::Blind;
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    number(size.trim_ascii(), 16)
}

/// Digits only: `from_str_radix` alone would take a plus sign.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    plain.then(|| u64::from_str_radix(text, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(parts: &[&[u8]]) -> (u64, u64) {
        let mut framing = Framing::new();
        parts.iter().for_each(|part| framing.read(part));
        (framing.heads(), framing.refused_from())
    }

    const PIPELINED: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd\
        POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n\
        \r\nGET /c HTTP/1.1\nHost: x\n\n";

    #[test]
    fn r3_clean_requests_pass() {
        assert_eq!(scan(&[PIPELINED]), (3, u64::MAX));
    }

    #[test]
    fn r3_both_lengths_are_found_wherever_they_stand() {
        let table: &[&[u8]] = &[
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nX: y\r\ncONTENT-lENGTH:\t0\r\n\r\n",
            b"POST / HTTP/1.1\nContent-Length: 4\nTransfer-Encoding: identity\n\n",
            b"POST / HTTP/1.1\r\nContent-Length: +4\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 4, 4\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length : 4\r\n\r\n",
            b"POST / HTTP/1.1\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n",
        ];
        for bad in table {
            assert_eq!(scan(&[bad]), (1, 0), "{}", String::from_utf8_lossy(bad));
            assert_eq!(scan(&[PIPELINED, bad]), (4, 3), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn after_an_upgrade_nothing_is_judged() {
        let mut framing = Framing::new();
        framing.read(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x85POST / HTTP/1.1\r\n\r\n");
        assert_eq!((framing.heads(), framing.refused_from(), framing.unjudged_from()), (1, u64::MAX, 1));
    }

    #[test]
    fn a_slow_head_is_seen_as_one() {
        let mut framing = Framing::new();
        framing.read(b"\r\n\r\n");
        assert!(!framing.in_head());
        framing.read(b"G");
        assert!(framing.in_head());
        framing.read(b"ET / HTTP/1.1\r\n\r\n");
        assert!(!framing.in_head());
    }

    #[test]
    fn cut_at_every_index_the_verdict_is_the_same() {
        let mut bad = PIPELINED.to_vec();
        bad.extend_from_slice(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n");
        for cut in 0..bad.len() {
            assert_eq!(scan(&[&bad[..cut], &bad[cut..]]), (4, 3), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_much(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let mut framing = Framing::new();
            framing.read(PIPELINED);
            framing.read(&bytes);
            prop_assert!(framing.line.capacity() <= 4 * MAX_LINE_BYTES);
        }
    }
}
