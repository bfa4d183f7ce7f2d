//! The addresses from which devices proved themselves, kept over a restart (row T3).
//!
//! Without them an attack that goes on while the proxy restarts could keep devices out: the places kept for known sources
//! would be nobody's. The file has one line for each device: its key, then its sources, the latest last.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::lockout::Lockout;
use crate::source::Source;

/// A file larger than this is not ours: 16 MiB.
const MAX_BYTES: u64 = 16 << 20;

/// Writes what `lockout` knows as text.
#[must_use]
pub fn encode(lockout: &Lockout) -> String {
    let mut devices: Vec<_> = lockout.known().collect();
    devices.sort_unstable();
    let mut text = String::new();
    for (device, sources) in devices {
        text.push_str(device);
        for source in sources {
            // Writing to a String cannot fail.
            let _ = write!(text, " {source}");
        }
        text.push('\n');
    }
    text
}

/// Hands what `text` says to `lockout`; returns how many lines could not be read and were passed over.
pub fn decode(text: &str, lockout: &mut Lockout, now: Instant) -> usize {
    let mut unreadable = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_ascii_whitespace();
        let device = words.next().and_then(|key| meeting_api::DeviceKey::new(key).ok());
        let sources: Result<Vec<Source>, _> = words.map(str::parse).collect();
        match (device, sources) {
            (Some(device), Ok(sources)) => {
                for source in sources {
                    lockout.remember(device.as_str(), source, now);
                }
            }
            _ => unreadable += 1,
        }
    }
    unreadable
}

/// Reads the file; a file that does not exist is empty.
///
/// # Errors
/// It cannot be read, is larger than 16 MiB or not UTF-8.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(text)
}

/// Replaces the file in one step, so that it is whole whenever the program dies.
///
/// # Errors
/// The directory cannot be written to, or the disk is full; the old file stays then.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut beside: PathBuf = path.to_owned();
    beside.as_mut_os_string().push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockout::Limits;

    #[test]
    fn t3_known_sources_survive_a_restart() {
        let now = Instant::now();
        let mut before = Lockout::new(Limits::default());
        for (device, source) in [("b", "192.0.2.1"), ("b", "2001:db8::/64"), ("a", "192.0.2.9")] {
            before.remember(device, source.parse().unwrap(), now);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known-sources");
        assert_eq!(read(&path).unwrap(), "");
        write(&path, &encode(&before)).unwrap();
        let text = read(&path).unwrap();
        assert_eq!(text, "a 192.0.2.9\nb 192.0.2.1 2001:db8::/64\n");
        let mut after = Lockout::new(Limits::default());
        assert_eq!(decode(&text, &mut after, now), 0);
        assert_eq!(encode(&after), text);
    }

    #[test]
    fn a_damaged_line_is_passed_over() {
        let mut lockout = Lockout::new(Limits::default());
        let text = "a 192.0.2.1\n../x 192.0.2.1\nb nonsense\n\nc 192.0.2.3\n";
        assert_eq!(decode(text, &mut lockout, Instant::now()), 2);
        assert_eq!(encode(&lockout), "a 192.0.2.1\nc 192.0.2.3\n");
    }
}
