//! One connection, spoken by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::{PATIENCE, SECRET};

/// A connection to the receiver.
pub(super) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(super) fn connect(port: u16) -> Self {
        Self::try_connect(port).unwrap()
    }

    pub(super) fn try_connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends these bytes.
    pub(super) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Sends a check-in, and gives the status of the answer.
    pub(super) fn post(&mut self, body: &str) -> std::io::Result<u16> {
        let head = format!(
            "POST /checkins HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send((head + body).as_bytes())?;
        self.answer().map(|(status, _)| status)
    }

    /// Reads an answer with a length: its status and body.
    pub(super) fn answer(&mut self) -> std::io::Result<(u16, String)> {
        let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(broken());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status.is_none() {
                status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status.ok_or_else(broken)?, String::from_utf8(body).unwrap()))
    }

    /// Whether the other side closes within the time that a step may take.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset closes as well.
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
