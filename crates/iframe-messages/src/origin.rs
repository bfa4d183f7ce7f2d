use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An origin as `event.origin` gives it: scheme, host and port, compared as a whole and exactly (threat I1).
///
/// A configured origin may be written in upper case and with the scheme's own port; what is kept is the form that a browser writes. A path, a
/// user, a wildcard, `null` (an origin that is nobody's: a sandboxed frame, a file) and names in other letters than ASCII are refused; of the
/// latter the `xn--` form is an origin.
///
/// Source: iframe §1, §4. Choice: IF-20.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Box<str>);

impl Origin {
    /// Checks `text` and brings it into a browser's form.
    ///
    /// # Errors
    /// [`InvalidOrigin`] when it is no origin of http or https.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigin::NoScheme)?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(InvalidOrigin::NoScheme),
        };
        let (host, port) = split_port(rest)?;
        let host = host_as_browsers_write_it(host)?;
        let port = port.filter(|port| *port != default_port);
        let scheme = scheme.to_ascii_lowercase();
        Ok(Self(match port {
            None => format!("{scheme}://{host}").into(),
            Some(port) => format!("{scheme}://{host}:{port}").into(),
        }))
    }

    /// The origin as a browser writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether that is what a browser gave as `event.origin`.
    #[must_use]
    pub fn is(&self, event_origin: &str) -> bool {
        *self.0 == *event_origin
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), InvalidOrigin> {
    if text.starts_with('[') && !text.contains(']') {
        return Err(InvalidOrigin::Host);
    }
    let after_brackets = text.rfind(']').map_or(0, |at| at + 1);
    let colon = text.get(after_brackets..).and_then(|rest| rest.find(':'));
    let Some(colon) = colon.map(|at| at + after_brackets) else { return Ok((text, None)) };
    let (host, port) = text.split_at(colon);
    let port = port.trim_start_matches(':');
    let canonical =
        text.len() == host.len() + 1 + port.len() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = port.parse().map_err(|_| InvalidOrigin::Port)?;
    if canonical && number != 0 && number.to_string() == port {
        Ok((host, Some(number)))
    } else {
        Err(InvalidOrigin::Port)
    }
}

fn host_as_browsers_write_it(host: &str) -> Result<String, InvalidOrigin> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Option<Ipv6Addr> = address.strip_suffix(']').and_then(|text| text.parse().ok());
        // Browsers write these in hexadecimal, `Ipv6Addr` does not.
        let address = address.filter(|address| address.to_ipv4().is_none() || address.is_loopback());
        return address.map(|address| format!("[{address}]")).ok_or(InvalidOrigin::Host);
    }
    if !host.is_ascii() {
        return Err(InvalidOrigin::NotAscii);
    }
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(InvalidOrigin::Host);
    }
    // What ends in a number is an address for a browser, in whatever form it stands there.
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if numeric && name.parse::<Ipv4Addr>().map_or(true, |address| address.to_string() != host) {
        return Err(InvalidOrigin::Host);
    }
    Ok(host)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        Self::parse(text)
    }
}

/// Why a text is no [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// It does not begin with `http://` or `https://`.
    #[error("an origin begins with http:// or https://")]
    NoScheme,
    /// The host has letters beyond ASCII.
    #[error("write the host in its ASCII form, which begins with xn--")]
    NotAscii,
    /// The host is no name and no address, or something follows it.
    #[error("an origin is a scheme, a host and perhaps a port, with nothing behind")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
}
