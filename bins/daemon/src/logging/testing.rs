//! For tests of every program: a log in memory, and the search for a secret in it.

use super::LogFormat;
use super::escape::{Form, SafeWriter};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The log of this thread since [`capture`], until it is dropped.
///
/// Tasks on other threads of a runtime are not heard: use the current-thread runtime of `#[tokio::test]`.
#[derive(Debug)]
pub struct Captured {
    buffer: Buffer,
    _guard: DefaultGuard,
    _second: tracing::Dispatch,
}

impl Captured {
    /// All lines so far.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.buffer.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Collects what this thread logs, through the formatter that the programs use.
#[must_use]
pub fn capture(filter: &str, format: LogFormat) -> Captured {
    let form = match format {
        LogFormat::Text => Form::Plain,
        LogFormat::Json => Form::Json,
    };
    // With a single subscriber in the process, `tracing` asks the thread that meets an event first whether anybody listens, and
    // remembers a no for all threads. A second one makes it ask all subscribers.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let buffer = Buffer::default();
    let guard = tracing_subscriber::registry()
        .with(EnvFilter::new(filter))
        .with(super::layer(SafeWriter::new(buffer.clone(), form), form))
        .set_default();
    Captured { buffer, _guard: guard, _second: second }
}

/// Asserts that a secret stands nowhere in `output`, neither as it is nor in hexadecimal nor in another case of letters.
///
/// # Panics
/// When it does. The panic does not repeat the output, which would put the secret into another log.
#[expect(clippy::panic, reason = "an assertion for tests")]
pub fn assert_no_secret(output: &str, secret: &str) {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let lower = output.to_lowercase();
    for (form, needle) in [("as it is", secret.to_lowercase()), ("in hexadecimal", hex)] {
        if let Some(place) = lower.find(&needle) {
            let line = lower.get(..place).unwrap_or("").lines().count();
            panic!("the secret stands {form} in line {line} of the output");
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Buffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
