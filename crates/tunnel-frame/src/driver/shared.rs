//! What the driver of a connection and the handles of its streams share.

#[cfg(feature = "server")]
use super::now;
use crate::handshake::{LineError, Refusal};
use crate::mux::{Counters, Event, Session, SessionError, StreamKey};
#[cfg(feature = "server")]
use crate::mux::{HalfClose, OpenError};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::watch;

/// Why a tunnel connection is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The peer closed the connection between two frames.
    Peer,
    /// The connection ended inside a frame.
    Truncated,
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The peer broke the protocol or fell silent.
    Protocol(SessionError),
    /// The peer took no byte for this long.
    Stalled(Duration),
    /// The proxy refused the agent after having been silent at first. Agent only.
    Refused(Refusal),
    /// The proxy's late answer is no answer. Agent only.
    Answer(LineError),
    /// All stream ids were used; a new connection is needed.
    IdsExhausted,
    /// This side ended it.
    ShutDown,
    /// A newer connection of the same device took its place. Proxy only.
    Replaced,
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer => f.write_str("the other side closed the connection"),
            Self::Truncated => f.write_str("the connection ended inside a frame"),
            Self::Io(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::Stalled(time) => write!(f, "the other side took nothing for {} s", time.as_secs()),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Answer(error) => error.fmt(f),
            Self::IdsExhausted => f.write_str("all stream ids were used"),
            Self::ShutDown => f.write_str("shut down"),
            Self::Replaced => f.write_str("replaced by a newer connection of the same device"),
        }
    }
}

#[derive(Default, Debug)]
pub(super) struct Wakers {
    pub(super) read: Option<Waker>,
    pub(super) write: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Session,
    pub(super) wakers: HashMap<StreamKey, Wakers>,
    pub(super) driver: Option<Waker>,
    pub(super) opened: VecDeque<(StreamKey, u16)>,
    pub(super) ended: bool,
}

impl State {
    /// Turns the session's events into the wakers of those who wait for them.
    pub(super) fn collect(&mut self, wakers: &mut Vec<Waker>) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Opened { stream, port } => self.opened.push_back((stream, port)),
                Event::Readable { stream } => {
                    wakers.extend(self.wakers.get_mut(&stream).and_then(|waiting| waiting.read.take()));
                }
                Event::Writable { stream } => {
                    wakers.extend(self.wakers.get_mut(&stream).and_then(|waiting| waiting.write.take()));
                }
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    end: watch::Sender<Option<SessionEnd>>,
}

impl Shared {
    pub(crate) fn new(session: Session) -> Arc<Self> {
        let state =
            State { session, wakers: HashMap::new(), driver: None, opened: VecDeque::new(), ended: false };
        Arc::new(Self { state: Mutex::new(state), end: watch::Sender::new(None) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a session that is at worst missing a byte of a stream that died with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session, once. From here on no byte passes in either direction.
    pub(crate) fn finish(&self, end: SessionEnd) {
        let mut wakers = Vec::new();
        {
            let mut state = self.lock();
            if std::mem::replace(&mut state.ended, true) {
                return;
            }
            state.session.close();
            state.collect(&mut wakers);
            state.opened.clear();
            wakers.extend(state.driver.take());
        }
        self.end.send_replace(Some(end));
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn end(&self) -> Option<SessionEnd> {
        self.end.borrow().clone()
    }

    #[cfg(feature = "server")]
    pub(crate) fn ended(&self) -> watch::Receiver<Option<SessionEnd>> {
        self.end.subscribe()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.lock().session.counters()
    }

    #[cfg(feature = "server")]
    pub(crate) fn open(&self, port: u16, half_close: Option<HalfClose>) -> Result<StreamKey, OpenError> {
        let (key, driver) = {
            let mut state = self.lock();
            let key = state.session.open(port, half_close, now())?;
            state.wakers.insert(key, Wakers::default());
            (key, state.driver.take())
        };
        driver.into_iter().for_each(Waker::wake);
        Ok(key)
    }

    #[cfg(feature = "client")]
    pub(crate) fn next_opened(self: &Arc<Self>) -> Option<(super::TunnelStream, u16)> {
        let (key, port) = {
            let mut state = self.lock();
            let (key, port) = state.opened.pop_front()?;
            state.wakers.insert(key, Wakers::default());
            (key, port)
        };
        Some((super::TunnelStream::new(Arc::clone(self), key), port))
    }
}
