//! The first line, from agent to proxy.

use super::line::{self, LineError};
use super::{DeviceKey, Token};
use serde::{Deserialize, Serialize};

/// What an agent says on connecting: its token and its device's name. Agent to proxy.
///
/// ```
/// use tunnel_frame::handshake::{DeviceKey, Hello, MAX_HELLO_BYTES, Token};
///
/// let hello = Hello::new(Token::new("c0ffee")?, DeviceKey::new("0123456789abcdef")?);
/// let line = hello.encode();
/// assert_eq!(line, "{\"token\":\"c0ffee\",\"name\":\"0123456789abcdef\"}\n");
/// assert_eq!(Hello::decode(line.as_bytes(), MAX_HELLO_BYTES)?, Some((hello, line.len())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: meeting §4.1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    token: Token,
    name: DeviceKey,
}

#[derive(Serialize)]
struct Written<'a> {
    token: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
struct Read {
    token: String,
    name: String,
}

impl Hello {
    /// The hello of the device `name` with its token.
    #[must_use]
    pub const fn new(token: Token, name: DeviceKey) -> Self {
        Self { token, name }
    }

    /// The device's control token.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// The device's name, its `device_key`.
    #[must_use]
    pub const fn name(&self) -> &DeviceKey {
        &self.name
    }

    /// The line, with its end.
    ///
    /// Source: meeting §4.1.
    #[must_use]
    pub fn encode(&self) -> String {
        let written = Written { token: self.token.expose(), name: self.name.as_str() };
        // Two strings cannot fail to become JSON.
        let mut line = serde_json::to_string(&written).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads a hello from the front of `input`: the hello and how many bytes it took. `None` means that its line is
    /// not complete yet. Fields other than `token` and `name` pass.
    ///
    /// # Errors
    /// Any [`LineError`]: no JSON object, no line end within `limit` bytes, a field missing or not valid.
    pub fn decode(input: &[u8], limit: usize) -> Result<Option<(Self, usize)>, LineError> {
        let Some((read, used)) = line::decode::<Read>(input, limit)? else { return Ok(None) };
        let invalid = |problem| LineError::Malformed { column: 0, problem };
        let token =
            Token::new(read.token).map_err(|_| invalid("token is not 1 to 256 visible characters"))?;
        let name = DeviceKey::new(read.name).map_err(|_| invalid("name is not a device key"))?;
        Ok(Some((Self { token, name }, used)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"{\"token\":\"c0ffee\",\"name\":\"0123456789abcdef0123456789abcdef\"}\n";

    #[test]
    fn the_documents_line_both_ways_and_cut_everywhere() {
        for cut in 0..LINE.len() {
            assert_eq!(Hello::decode(&LINE[..cut], 1024), Ok(None), "cut at {cut}");
        }
        let (hello, used) = Hello::decode(LINE, 1024).unwrap().unwrap();
        assert_eq!(used, LINE.len());
        assert_eq!(hello.encode().as_bytes(), LINE);
    }

    #[test]
    fn unknown_fields_spaces_and_carriage_returns_pass() {
        let line = b" { \"ext\":{\"v\":1,\"f\":[\"fin\"]}, \"name\":\"dev\",\"token\":\"t\" }\r\nN";
        let (hello, used) = Hello::decode(line, 1024).unwrap().unwrap();
        assert_eq!(used, line.len() - 1);
        assert_eq!(hello.name().as_str(), "dev");
    }

    #[test]
    fn what_is_no_hello_is_refused() {
        for line in [
            &b"{\"token\":\"t\"}\n"[..],
            b"{\"token\":\"t\",\"name\":\"../x\"}\n",
            b"{\"token\":5,\"name\":\"x\"}\n",
            b"{\"token\":\"\",\"name\":\"x\"}\n",
            b"{nonsense}\n",
        ] {
            assert!(matches!(Hello::decode(line, 1024), Err(LineError::Malformed { .. })));
        }
        assert_eq!(Hello::decode(b"GET / HTTP/1.1\r\n", 1024), Err(LineError::NotJson { first: b'G' }));
        assert_eq!(Hello::decode(&[b'{'; 1024], 1024), Err(LineError::TooLong { limit: 1024 }));
    }
}
