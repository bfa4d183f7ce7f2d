use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::mqtt::{Ended, Event, Link, Receipt, Settings, connect};
use crate::{Publication, Qos};

/// The longest wait before the first new attempt; it doubles with each one that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait of all. Each is anywhere between none and the longest, so that agents that lost a broker together do not come back together.
const LONGEST_PAUSE: Duration = Duration::from_secs(40);
/// A connection that stood so long was a good one.
const GOOD: Duration = Duration::from_secs(60);
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Messages that wait to be handled, before the broker has to.
const INBOX: usize = 64;

/// What is new on the line.
#[derive(Debug)]
pub(super) enum News {
    Connected,
    Received(Publication),
    /// It broke, and is tried again after this.
    Lost(Ended, Duration),
}

/// The line to the broker: a connection, or the wait for the next.
#[derive(Debug)]
pub(super) struct Line {
    settings: Settings,
    state: State,
    pause: Duration,
}

#[derive(Debug)]
enum State {
    Open { link: Link, inbox: mpsc::Receiver<Result<Event, Ended>>, task: JoinHandle<()>, since: Instant },
    Waiting(Instant),
}

impl Line {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, state: State::Waiting(Instant::now()), pause: FIRST_PAUSE }
    }

    /// The connection turns in a task of its own: a half-made one would begin anew each time something else happens.
    fn open(&mut self) {
        let (link, mut events) = connect(&self.settings);
        let (outbox, inbox) = mpsc::channel(INBOX);
        let task = tokio::spawn(async move {
            loop {
                let event = events.next().await;
                let is_over = event.is_err();
                if outbox.send(event).await.is_err() || is_over {
                    return;
                }
            }
        });
        self.state = State::Open { link, inbox, task, since: Instant::now() };
    }

    /// What is new. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> News {
        loop {
            match &mut self.state {
                State::Waiting(until) => {
                    tokio::time::sleep_until(*until).await;
                    self.open();
                }
                State::Open { inbox, since, .. } => {
                    let since = *since;
                    match inbox.recv().await {
                        Some(Ok(Event::Connected)) => return News::Connected,
                        Some(Ok(Event::Received(publication))) => return News::Received(publication),
                        Some(Err(why)) => return self.lost(why, since),
                        None => return self.lost(Ended::Closed, since),
                    }
                }
            }
        }
    }

    fn lost(&mut self, why: Ended, since: Instant) -> News {
        if since.elapsed() > GOOD {
            self.pause = FIRST_PAUSE;
        }
        let pause = self.pause.mul_f64(share());
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.state = State::Waiting(Instant::now() + pause);
        News::Lost(why, pause)
    }

    /// Without a connection nothing goes out, and nothing is kept for the next.
    pub(super) fn publish(&self, publication: Publication) -> Option<Receipt> {
        match &self.state {
            State::Open { link, .. } => link.publish(publication).ok(),
            State::Waiting(_) => None,
        }
    }

    pub(super) fn subscribe(&self, filters: &[(String, Qos)]) {
        if let State::Open { link, .. } = &self.state {
            // The first thing on a new connection: there is room.
            let _ = link.subscribe(filters);
        }
    }

    /// Ends the connection in an orderly way, so that the broker publishes no will.
    pub(super) async fn close(self) {
        if let State::Open { link, mut inbox, task, .. } = self.state {
            link.disconnect();
            let abort = task.abort_handle();
            // What still comes is taken and dropped: a task that cannot hand it on would end before it has said goodbye.
            let goodbye = async {
                while inbox.recv().await.is_some() {}
                // It ended by itself, or it is gone: both are the end.
                let _ = task.await;
            };
            if tokio::time::timeout(LAST_WORDS, goodbye).await.is_err() {
                abort.abort();
            }
        }
    }
}

/// A share of one, at random.
fn share() -> f64 {
    let mut random = [0_u8; 4];
    // Without randomness, half: agents then come back together, which the broker has to bear.
    if getrandom::fill(&mut random).is_err() {
        return 0.5;
    }
    f64::from(u32::from_ne_bytes(random)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::mqtt::Version;

    #[tokio::test]
    async fn the_goodbye_is_said_though_messages_still_come() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut connect = [0; 256];
            assert_ne!(stream.read(&mut connect).await.unwrap(), 0);
            // A CONNACK, and more PUBLISH than the inbox holds, in one.
            let mut sent = vec![0x20, 2, 0, 0];
            sent.extend([0x30, 4, 0, 1, b't', b'x'].repeat(INBOX * 3));
            stream.write_all(&sent).await.unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.unwrap();
            heard
        });
        let mut settings = Settings::plain("127.0.0.1", port);
        settings.version = Version::V3;
        settings.client_id = "machine".into();
        let mut line = Line::new(settings);
        assert!(matches!(line.next().await, News::Connected));
        line.close().await;
        assert_eq!(broker.await.unwrap(), [0xe0, 0], "a DISCONNECT and nothing else");
    }
}
