//! Structured logs on standard error: text for people, JSON for machines, and never a line that a peer forged.

mod escape;
pub mod testing;

pub use escape::escape_controls;

use crate::exit::{Exit, Failure};
use escape::{Form, SafeWriter};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// What is logged: `info`, or directives such as `info,proxy::session=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    fn filter(&self) -> EnvFilter {
        // Checked when it was made; `new` ignores what it cannot read.
        EnvFilter::new(&self.0)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".into())
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |level: &str| {
            level.parse::<u8>().is_err() && level.parse::<tracing::level_filters::LevelFilter>().is_ok()
        };
        // A bare word is a level here. The filter's own grammar would take `inof` for the name of a module.
        let first = text.split(',').next().unwrap_or(text).trim();
        if !first.contains(['=', ':', '[']) && !known(first) {
            return Err(format!("`{first}` is not a level; one of off, error, warn, info, debug, trace"));
        }
        EnvFilter::builder().parse(text).map_err(|error| format!("`{text}` is not a log filter: {error}"))?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LogFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people; coloured on a terminal unless `NO_COLOR` is set.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The `[log]` table of every program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// What is logged; `info` by default. Taken over on a reload.
    pub level: LogFilter,
    /// Text or JSON; text by default.
    pub format: LogFormat,
}

/// Changes the filter while the program runs.
#[derive(Clone, Debug)]
pub struct LogHandle(reload::Handle<EnvFilter, Registry>);

impl LogHandle {
    /// Takes over a new filter, as on a reload.
    pub fn set_filter(&self, filter: &LogFilter) {
        // It fails only when the subscriber is gone, and then nobody reads.
        let _ = self.0.reload(filter.filter());
    }
}

/// Starts logging for the whole process, and has panics logged like every other event.
///
/// # Errors
/// Something else in this process logs already.
pub fn init(settings: &LogSettings) -> Result<LogHandle, Failure> {
    let form = match settings.format {
        LogFormat::Json => Form::Json,
        LogFormat::Text if colour(&std::io::stderr()) => Form::Coloured,
        LogFormat::Text => Form::Plain,
    };
    let (filter, handle) = reload::Layer::new(settings.level.filter());
    tracing_subscriber::registry()
        .with(filter)
        .with(layer(SafeWriter::new(std::io::stderr, form), form))
        .try_init()
        .map_err(|error| Failure::new(Exit::Software, "cannot start logging").because(error))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(LogHandle(handle))
}

/// Whether to colour what goes to `stream`: a terminal, `NO_COLOR` unset or empty, and `TERM` not `dumb`.
#[must_use]
pub fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn layer<S, W>(writer: SafeWriter<W>, form: Form) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match form {
        Form::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
        Form::Plain => layer.with_ansi(false).boxed(),
        Form::Coloured => layer.with_ansi(true).boxed(),
    }
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => {
            tracing::error!(place, message, %backtrace, "a task panicked");
        }
        _ => tracing::error!(place, message, "a task panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_checked() {
        for good in ["info", "off", "DEBUG", "info,proxy=debug", "proxy::session=trace,warn"] {
            assert_eq!(good.parse::<LogFilter>().map(|filter| filter.to_string()), Ok(good.to_owned()));
        }
        let wrong = "inof".parse::<LogFilter>();
        assert_eq!(wrong, Err("`inof` is not a level; one of off, error, warn, info, debug, trace".into()));
        assert!("info,proxy=loud".parse::<LogFilter>().is_err());
        assert!("3".parse::<LogFilter>().is_err());
    }

    #[test]
    fn a_peer_cannot_forge_a_line_of_text() {
        let logs = testing::capture("info", LogFormat::Text);
        let name = "box\n2026-01-01T00:00:00Z ERROR proxy: forged\x1b[2J\u{202e}";
        tracing::info!(%name, debug = ?name, "hello {name}");
        let text = logs.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(r"box\n2026-01-01"), "{text}");
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    }

    #[test]
    fn a_peer_cannot_forge_a_line_of_json() {
        let logs = testing::capture("info", LogFormat::Json);
        let name = "box\"}\n{\"level\":\"ERROR\"\u{9b}";
        tracing::warn!(%name, "hello");
        let text = logs.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&event["name"], &event["level"]), (&name.into(), &"WARN".into()));
    }

    #[test]
    fn t11_a_captured_log_shows_whether_a_secret_leaked() {
        let logs = testing::capture("trace", LogFormat::Text);
        let secret = crate::secret::SecretString::from("canary-8d2e");
        tracing::info!(?secret, "token accepted");
        testing::assert_no_secret(&logs.text(), "canary-8d2e");
        tracing::info!(token = secret.expose_secret(), "oops");
        let text = logs.text();
        let leaked = std::panic::catch_unwind(|| testing::assert_no_secret(&text, "canary-8d2e"));
        assert!(leaked.is_err());
    }
}
