//! A known_hosts text brought up to date with the host keys that the server offers.
//!
//! Text in, text out. Lines that are not about the configured hosts come out byte for byte; of the others, those whose key
//! is still offered stay, the rest go, and new keys are added. What an attacker could use is refused (threat R4): markers,
//! wildcards, negations, hashed names, other hosts, too many or too long lines, and a change of all keys at once.
//!
//! Source: meeting §3.2. Choice: MA-15, MA-34.
//!
//! ```
//! use meeting_api::known_hosts::{Host, HostKeys, merge};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hosts = [Host::new("meeting.example.org", 22)?];
//! let reply = "meeting.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbhmyVaPYaEhI3kQdZQ7flySGrDZAkDaJpWgp5MSx\n";
//! let offered = HostKeys::parse(reply, &hosts)?;
//! let merged = merge(b"# mine\n", &hosts, &offered, false)?;
//! assert_eq!(merged.text, [b"# mine\n", reply.as_bytes()].concat());
//! # Ok(())
//! # }
//! ```

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::endpoint::ssh_hostkey::{MAX_KEYS, MAX_REPLY_BYTES};
use crate::{PublicKey, PublicKeyRefused};

/// A host as known_hosts names it: `name`, or `[name]:port` for another port than 22.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    pattern: String,
}

impl Host {
    /// Checks a DNS name or an address (IPv6 without brackets).
    ///
    /// # Errors
    /// [`KnownHostsRefused::Host`] when `name` is neither, or the port is 0.
    pub fn new(name: &str, port: u16) -> Result<Self, KnownHostsRefused> {
        let label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-')
        };
        let name = match name.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) if name.len() <= 253 && name.split('.').all(label) => name.to_ascii_lowercase(),
            Err(_) => return Err(KnownHostsRefused::Host),
        };
        match port {
            0 => Err(KnownHostsRefused::Host),
            22 => Ok(Self { pattern: name }),
            port => Ok(Self { pattern: format!("[{name}]:{port}") }),
        }
    }

    /// The host as it is written in known_hosts, in lower case.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    fn is(&self, pattern: &str) -> bool {
        self.pattern.eq_ignore_ascii_case(pattern)
    }
}

/// The keys that a server offers for the configured hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeys {
    lines: Vec<Offer>,
    skipped: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Offer {
    patterns: Vec<String>,
    key: PublicKey,
}

impl HostKeys {
    /// Reads the server's text, in the form of `ssh-keyscan`: host names, type, key. Comments and empty lines are left out, so
    /// are keys of types that are not used any more (DSA, RSA below 2048 bits).
    ///
    /// # Errors
    /// [`KnownHostsRefused`] says which rule the text breaks. Then nothing of it is taken.
    pub fn parse(text: &str, hosts: &[Host]) -> Result<Self, KnownHostsRefused> {
        if text.len() > MAX_REPLY_BYTES {
            return Err(KnownHostsRefused::TooLong);
        }
        let mut offered = Self { lines: Vec::new(), skipped: 0 };
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.chars().any(char::is_control) {
                return Err(KnownHostsRefused::ControlCharacter);
            }
            let line = line.trim_matches(' ');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if offered.lines.len() + offered.skipped == MAX_KEYS {
                return Err(KnownHostsRefused::TooManyKeys);
            }
            let (patterns, key) = line.split_once(' ').ok_or(KnownHostsRefused::Malformed)?;
            let patterns = expected(patterns, hosts)?;
            match PublicKey::parse(key) {
                Ok(key) => offered.add(patterns, key),
                Err(PublicKeyRefused::UnsupportedType | PublicKeyRefused::RsaSize { .. }) => {
                    offered.skipped += 1
                }
                Err(refused) => return Err(KnownHostsRefused::Key(refused)),
            }
        }
        if offered.lines.is_empty() { Err(KnownHostsRefused::Empty) } else { Ok(offered) }
    }

    /// The keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        let repeated = |index: usize, offer: &Offer| {
            self.lines.iter().take(index).any(|other| other.key.same_key(&offer.key))
        };
        self.lines
            .iter()
            .enumerate()
            .filter(move |(index, offer)| !repeated(*index, offer))
            .map(|(_, offer)| &offer.key)
    }

    /// How many keys were left out for their type.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    fn add(&mut self, patterns: Vec<String>, key: PublicKey) {
        let patterns: Vec<String> =
            patterns.into_iter().filter(|pattern| !self.offers(pattern, key.blob())).collect();
        if !patterns.is_empty() {
            self.lines.push(Offer { patterns, key });
        }
    }

    fn offers(&self, pattern: &str, blob: &[u8]) -> bool {
        self.of(pattern).any(|key| key.blob() == blob)
    }

    fn of(&self, pattern: &str) -> impl Iterator<Item = &PublicKey> {
        let names =
            move |offer: &&Offer| offer.patterns.iter().any(|other| other.eq_ignore_ascii_case(pattern));
        self.lines.iter().filter(names).map(|offer| &offer.key)
    }
}

/// The patterns of an offered line, each of which must be one of the hosts.
fn expected(patterns: &str, hosts: &[Host]) -> Result<Vec<String>, KnownHostsRefused> {
    if patterns.starts_with('@') {
        return Err(KnownHostsRefused::Marker);
    }
    if patterns.starts_with('|') {
        return Err(KnownHostsRefused::Hashed);
    }
    let mut found = Vec::new();
    for pattern in patterns.split(',') {
        if pattern.contains(['*', '?', '!']) {
            return Err(KnownHostsRefused::Wildcard);
        }
        let host = hosts.iter().find(|host| host.is(pattern)).ok_or(KnownHostsRefused::OtherHost)?;
        if !found.contains(&host.pattern) {
            found.push(host.pattern.clone());
        }
    }
    Ok(found)
}

/// A known_hosts text brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// The new text.
    pub text: Vec<u8>,
    /// Whether it differs from the old one.
    pub changed: bool,
    /// The keys that were not in the old text, for the log.
    pub added: Vec<PublicKey>,
    /// How many lines went, because their key is not offered any more.
    pub removed: usize,
}

/// A line of the old text that is about our hosts only.
struct OwnLine<'a> {
    patterns: Vec<&'a str>,
    /// The key, or nothing where it is not base64.
    blob: Vec<u8>,
}

/// Brings the text of a known_hosts file up to date.
///
/// A host for which nothing is offered keeps its lines. With `allow_full_change`, a host may have all its keys replaced.
///
/// # Errors
/// [`KnownHostsRefused::FullChange`] when a host has keys and none of them is offered any more.
pub fn merge(
    existing: &[u8],
    hosts: &[Host],
    offered: &HostKeys,
    allow_full_change: bool,
) -> Result<Merged, KnownHostsRefused> {
    let lines: Vec<(&[u8], Option<OwnLine<'_>>)> =
        existing.split_inclusive(|byte| *byte == b'\n').map(|line| (line, own(line, hosts))).collect();
    let own_lines = || lines.iter().filter_map(|(_, own)| own.as_ref());
    for host in hosts {
        let old: Vec<&OwnLine<'_>> =
            own_lines().filter(|line| line.patterns.iter().any(|pattern| host.is(pattern))).collect();
        let offers_any = offered.of(&host.pattern).next().is_some();
        let overlap = old.iter().any(|line| offered.offers(&host.pattern, &line.blob));
        if !old.is_empty() && offers_any && !overlap && !allow_full_change {
            return Err(KnownHostsRefused::FullChange);
        }
    }

    let stays = |line: &OwnLine<'_>| {
        line.patterns
            .iter()
            .all(|pattern| offered.of(pattern).next().is_none() || offered.offers(pattern, &line.blob))
    };
    let fresh = fresh(offered, own_lines().filter(|line| stays(line)));
    // New lines stand after the last of ours, else at the end.
    let place = lines.iter().rposition(|(_, own)| own.is_some()).map_or(lines.len(), |index| index + 1);
    let mut text = Vec::with_capacity(existing.len() + 512);
    let mut removed = 0;
    for (index, (line, own)) in lines.iter().enumerate() {
        if index == place {
            append(&mut text, &fresh);
        }
        match own {
            Some(own) if !stays(own) => removed += 1,
            _ => text.extend_from_slice(line),
        }
    }
    if place == lines.len() {
        append(&mut text, &fresh);
    }
    let added = fresh.into_iter().map(|offer| offer.key).collect();
    Ok(Merged { changed: text != existing, text, added, removed })
}

/// What is offered and does not stand in the lines that stay.
fn fresh<'a>(offered: &HostKeys, staying: impl Iterator<Item = &'a OwnLine<'a>>) -> Vec<Offer> {
    let staying: Vec<&OwnLine<'_>> = staying.collect();
    let known = |pattern: &str, key: &PublicKey| {
        staying.iter().any(|line| {
            line.blob == key.blob() && line.patterns.iter().any(|other| other.eq_ignore_ascii_case(pattern))
        })
    };
    let remaining = |offer: &Offer| Offer {
        patterns: offer.patterns.iter().filter(|pattern| !known(pattern, &offer.key)).cloned().collect(),
        key: offer.key.clone(),
    };
    offered.lines.iter().map(remaining).filter(|offer| !offer.patterns.is_empty()).collect()
}

fn append(text: &mut Vec<u8>, offers: &[Offer]) {
    if !offers.is_empty() && text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    for offer in offers {
        let line = format!("{} {}\n", offer.patterns.join(","), offer.key.without_comment());
        text.extend_from_slice(line.as_bytes());
    }
}

/// The line when it is ours: it has no marker, and every host in it, spelled out, is one of the configured ones.
fn own<'a>(line: &'a [u8], hosts: &[Host]) -> Option<OwnLine<'a>> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    let patterns: Vec<&str> = words.next()?.split(',').collect();
    if !patterns.iter().all(|pattern| hosts.iter().any(|host| host.is(pattern))) {
        return None;
    }
    let _type = words.next();
    let blob = words.next().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    Some(OwnLine { patterns, blob })
}

/// Why offered host keys are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnownHostsRefused {
    /// The configured host is neither a DNS name nor an address, or the port is 0.
    #[error("the host is not a name or an address with a port")]
    Host,
    /// More than 64 KiB.
    #[error("the text is longer than 64 KiB")]
    TooLong,
    /// More than 16 keys.
    #[error("the text has more than 16 keys")]
    TooManyKeys,
    /// No key at all.
    #[error("the text has no usable key")]
    Empty,
    /// A control character.
    #[error("the text holds a control character")]
    ControlCharacter,
    /// A line without host, type and key.
    #[error("a line is not host, type and key")]
    Malformed,
    /// `@cert-authority` or `@revoked`.
    #[error("a line has a marker")]
    Marker,
    /// `*`, `?` or `!` in a host.
    #[error("a host is a pattern")]
    Wildcard,
    /// A hashed host name.
    #[error("a host name is hashed")]
    Hashed,
    /// A host that is not the configured one.
    #[error("a line is about another host than the configured one")]
    OtherHost,
    /// A key that is none.
    #[error("a key is refused: {0}")]
    Key(PublicKeyRefused),
    /// None of the keys that are known is offered any more.
    #[error("every known key would be replaced; allow it if the server's keys were changed on purpose")]
    FullChange,
}
