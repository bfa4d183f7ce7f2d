//! Control characters in log lines, made visible: whoever chooses a name must not be able to write lines of the log.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use tracing_subscriber::fmt::MakeWriter;

/// Replaces every control character but a line ending by `\n`-like escapes; keeps line endings, as error texts need them.
#[must_use]
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| c != '\n' && is_control(c)) {
        let mut out = String::with_capacity(text.len() + 16);
        text.chars().for_each(|c| if c == '\n' { out.push(c) } else { push_escaped(&mut out, c, false) });
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

/// C0, DEL and C1 controls, the line separators of Unicode, and the marks that turn the direction of text.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_escaped(out: &mut String, c: char, json: bool) {
    let _ = match c {
        c if !is_control(c) => {
            out.push(c);
            Ok(())
        }
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        // Every character here is in the basic plane, so one JSON escape is enough.
        c if json => write!(out, "\\u{:04x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
}

/// What a formatter may legally write besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text without colour.
    Plain,
    /// Text with colour: `ESC [ … m` passes. The formatter has already escaped every ESC in the values.
    Coloured,
    /// JSON, one object a line.
    Json,
}

/// One event of the log, made safe; `line` is what the formatter wrote.
pub(super) fn safe_line(line: &str, form: Form) -> Cow<'_, str> {
    let (body, ending) = match line.strip_suffix('\n') {
        Some(body) => (body, "\n"),
        None => (line, ""),
    };
    if !body.chars().any(is_control) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut rest = body.chars();
    while let Some(c) = rest.next() {
        match colour_length(c, rest.as_str()).filter(|_| form == Form::Coloured) {
            Some(length) => {
                out.push(c);
                out.extend(rest.by_ref().take(length));
            }
            None => push_escaped(&mut out, c, form == Form::Json),
        }
    }
    out.push_str(ending);
    Cow::Owned(out)
}

/// The count of characters after an ESC that starts a colour.
fn colour_length(c: char, rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('[').filter(|_| c == '\x1b')?;
    let digits = inner.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inner.get(digits..)?.starts_with('m').then_some(digits + 2)
}

/// A writer of whole events: the formatter gives each event in one call.
#[derive(Clone, Debug)]
pub(super) struct SafeWriter<W> {
    inner: W,
    form: Form,
}

impl<W> SafeWriter<W> {
    pub(super) fn new(inner: W, form: Form) -> Self {
        Self { inner, form }
    }
}

impl<W: io::Write> io::Write for SafeWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.inner.write_all(safe_line(&text, self.form).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for SafeWriter<W> {
    type Writer = SafeWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        SafeWriter { inner: self.inner.make_writer(), form: self.form }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colour_passes_only_where_it_is_ours() {
        let line = "\x1b[32mINFO\x1b[0m device\n";
        assert_eq!(safe_line(line, Form::Coloured), line);
        assert_eq!(safe_line(line, Form::Plain), "\\u{1b}[32mINFO\\u{1b}[0m device\n");
        assert_eq!(safe_line("\x1b]0;title\x07\n", Form::Coloured), "\\u{1b}]0;title\\u{7}\n");
    }

    #[test]
    fn json_stays_json() {
        let line = safe_line("{\"name\":\"a\u{85}b\u{202e}c\u{7f}\"}\n", Form::Json);
        assert_eq!(line, "{\"name\":\"a\\u0085b\\u202ec\\u007f\"}\n");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["name"], "a\u{85}b\u{202e}c\u{7f}");
    }

    #[test]
    fn error_texts_keep_their_lines() {
        assert_eq!(escape_controls("a\nb\r\x1b[2J"), "a\nb\\r\\u{1b}[2J");
        assert!(matches!(escape_controls("plain\nétat"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_event_holds_a_second_line_or_a_control(text: String) {
            for form in [Form::Plain, Form::Json] {
                let event = format!("{text}\n");
                let line = safe_line(&event, form);
                prop_assert!(line.ends_with('\n'));
                prop_assert!(!line[..line.len() - 1].chars().any(is_control));
            }
        }
    }
}
