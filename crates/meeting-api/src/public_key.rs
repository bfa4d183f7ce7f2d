use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use p256::elliptic_curve::Curve;
use p256::elliptic_curve::bigint::Encoding;
use sha2::{Digest, Sha256};
use ssh_key::public::KeyData;

/// An SSH public key that has been parsed, checked, and is written back from what was parsed (threat R5).
///
/// Accepted are `ssh-ed25519`, `ecdsa-sha2-nistp256`, `-nistp384`, `-nistp521`, `ssh-rsa` of 2048 to 16384 bits and both
/// `sk-` types. The comment is kept with its spaces brought to one each, cut at 255 characters, and without
/// characters that only steer how text is shown.
///
/// Equality is that of key and comment; [`same_key`](Self::same_key) leaves the comment out.
///
/// Source: meeting §3.3. Choice: MA-17.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    algorithm: &'static str,
    blob: Vec<u8>,
    comment: String,
}

impl PublicKey {
    /// Longest line that is read, in bytes.
    pub const MAX_LINE_BYTES: usize = crate::endpoint::ssh_key::PublishKey::MAX_PUBKEY_BYTES;
    /// Longest comment that is kept, in characters.
    pub const MAX_COMMENT_CHARS: usize = 255;
    /// Smallest RSA modulus, in bits.
    pub const MIN_RSA_BITS: usize = 2048;
    /// Largest RSA modulus, in bits: what OpenSSH reads.
    pub const MAX_RSA_BITS: usize = 16_384;

    /// Reads one line: type, key in base64, comment. One line end after it is allowed.
    ///
    /// # Errors
    /// [`PublicKeyRefused`] says which rule the line breaks.
    pub fn parse(line: &str) -> Result<Self, PublicKeyRefused> {
        if line.len() > Self::MAX_LINE_BYTES {
            return Err(PublicKeyRefused::TooLong);
        }
        let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        if line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(PublicKeyRefused::ControlCharacter);
        }
        let line = line.trim_matches(' ');
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let algorithm = algorithm(name).map_err(|refused| {
            // A known type further on: what stands before it are options.
            let options = line.split(' ').skip(1).any(|word| algorithm(word).is_ok());
            if options { PublicKeyRefused::Options } else { refused }
        })?;
        let rest = rest.trim_start_matches(' ');
        let (text, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        let blob = STANDARD.decode(text).map_err(|_| PublicKeyRefused::Base64)?;
        Self::from_blob_as(algorithm, blob, comment)
    }

    /// Reads the key in its binary form, which names its own type.
    ///
    /// # Errors
    /// [`PublicKeyRefused`] says which rule the key breaks.
    pub fn from_blob(blob: &[u8], comment: &str) -> Result<Self, PublicKeyRefused> {
        let (name, _) = string(blob).ok_or(PublicKeyRefused::Malformed)?;
        let name = std::str::from_utf8(name).map_err(|_| PublicKeyRefused::Malformed)?;
        Self::from_blob_as(algorithm(name)?, blob.to_vec(), comment)
    }

    fn from_blob_as(algorithm: &'static str, blob: Vec<u8>, comment: &str) -> Result<Self, PublicKeyRefused> {
        let (name, _) = string(&blob).ok_or(PublicKeyRefused::Malformed)?;
        if name != algorithm.as_bytes() {
            return Err(PublicKeyRefused::TypeMismatch);
        }
        let parsed = ssh_key::PublicKey::from_bytes(&blob).map_err(|_| PublicKeyRefused::Malformed)?;
        check(parsed.key_data())?;
        // What is kept is what the parsed key encodes to; a blob that says it in another way is refused.
        let encoded = parsed.to_bytes().map_err(|_| PublicKeyRefused::Malformed)?;
        if encoded != blob {
            return Err(PublicKeyRefused::Malformed);
        }
        Ok(Self { algorithm, blob: encoded, comment: tidy(comment) })
    }

    /// The type, such as `ssh-ed25519`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The comment, perhaps empty.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The key in its binary form.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Type and key, without the comment.
    #[must_use]
    pub fn without_comment(&self) -> String {
        format!("{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }

    /// Whether both are the same key, whatever the comments.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

/// The line: type, key in base64, comment where there is one. No line end.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_comment())?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " {}", self.comment) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {} {:?})", self.algorithm, self.fingerprint(), self.comment)
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyRefused;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse(line)
    }
}

const ALGORITHMS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

fn algorithm(name: &str) -> Result<&'static str, PublicKeyRefused> {
    if name.contains("-cert-v") {
        return Err(PublicKeyRefused::Certificate);
    }
    ALGORITHMS.into_iter().find(|known| *known == name).ok_or(PublicKeyRefused::UnsupportedType)
}

/// The length-prefixed string at the start of `bytes`, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The rules beyond the syntax: those that OpenSSH has, and a lower bound for RSA.
fn check(key: &KeyData) -> Result<(), PublicKeyRefused> {
    use ssh_key::public::EcdsaPublicKey;
    match key {
        KeyData::Ed25519(_) => Ok(()),
        KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) => check_p256(point.as_bytes()),
        KeyData::Ecdsa(EcdsaPublicKey::NistP384(point)) => {
            p384::PublicKey::from_sec1_bytes(point.as_bytes()).map_err(|_| PublicKeyRefused::Point)?;
            let last = p384::NistP384::ORDER.wrapping_sub(&ONE_384);
            check_point(point.as_bytes(), last.to_be_bytes().as_ref())
        }
        KeyData::Ecdsa(EcdsaPublicKey::NistP521(point)) => {
            p521::PublicKey::from_sec1_bytes(point.as_bytes()).map_err(|_| PublicKeyRefused::Point)?;
            let last = p521::NistP521::ORDER.wrapping_sub(&ONE_521);
            check_point(point.as_bytes(), last.to_be_bytes().as_ref())
        }
        KeyData::SkEcdsaSha2NistP256(key) => {
            check_application(key.application())?;
            check_p256(key.ec_point().as_bytes())
        }
        KeyData::SkEd25519(key) => check_application(key.application()),
        KeyData::Rsa(key) => {
            let modulus = key.n.as_positive_bytes().ok_or(PublicKeyRefused::Malformed)?;
            let exponent = key.e.as_positive_bytes().ok_or(PublicKeyRefused::Malformed)?;
            let bits = bits(modulus);
            if !(PublicKey::MIN_RSA_BITS..=PublicKey::MAX_RSA_BITS).contains(&bits) {
                return Err(PublicKeyRefused::RsaSize { bits });
            }
            // An even modulus or exponent, 1, and exponents beyond 64 bits are no RSA key that anything made.
            let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            let sane = odd(modulus) && odd(exponent) && exponent.len() <= 8 && exponent != [1];
            if sane { Ok(()) } else { Err(PublicKeyRefused::Malformed) }
        }
        _ => Err(PublicKeyRefused::UnsupportedType),
    }
}

const ONE_384: <p384::NistP384 as Curve>::Uint = <p384::NistP384 as Curve>::Uint::ONE;
const ONE_521: <p521::NistP521 as Curve>::Uint = <p521::NistP521 as Curve>::Uint::ONE;
const ONE_256: <p256::NistP256 as Curve>::Uint = <p256::NistP256 as Curve>::Uint::ONE;

fn check_p256(point: &[u8]) -> Result<(), PublicKeyRefused> {
    p256::PublicKey::from_sec1_bytes(point).map_err(|_| PublicKeyRefused::Point)?;
    let last = p256::NistP256::ORDER.wrapping_sub(&ONE_256);
    check_point(point, last.to_be_bytes().as_ref())
}

/// OpenSSH reads uncompressed points only, whose coordinates have more than half the bits of the order and are
/// less than the order minus one.
fn check_point(point: &[u8], last: &[u8]) -> Result<(), PublicKeyRefused> {
    let Some((&[4], coordinates)) = point.split_first_chunk::<1>() else {
        return Err(PublicKeyRefused::Point);
    };
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2).ok_or(PublicKeyRefused::Point)?;
    let (order_bits, last) = (bits(last), significant(last));
    let sane = |coordinate: &[u8]| {
        let number = significant(coordinate);
        let less = number.len() < last.len() || (number.len() == last.len() && number < last);
        bits(coordinate) > order_bits / 2 && less
    };
    if sane(x) && sane(y) { Ok(()) } else { Err(PublicKeyRefused::Point) }
}

/// A security key's application, which OpenSSH reads as a C string.
fn check_application(application: &str) -> Result<(), PublicKeyRefused> {
    if application.contains('\0') { Err(PublicKeyRefused::Malformed) } else { Ok(()) }
}

/// The number without leading zero bytes.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// How many bits the big-endian number has.
fn bits(number: &[u8]) -> usize {
    let number = significant(number);
    let first = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(first).unwrap_or(0))
}

fn tidy(comment: &str) -> String {
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}');
    let visible: String = comment.chars().filter(|c| !c.is_control() && !invisible(*c)).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let joined: String = words.join(" ").chars().take(PublicKey::MAX_COMMENT_CHARS).collect();
    joined.trim_end().to_owned()
}

/// Why a line is not taken as a [`PublicKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyRefused {
    /// More than 16 KiB.
    #[error("the key is longer than 16 KiB")]
    TooLong,
    /// A line end inside, or another control character.
    #[error("the key holds a line end or another control character")]
    ControlCharacter,
    /// Options before the key, as authorized_keys allows them.
    #[error("options before the key are not allowed")]
    Options,
    /// A certificate instead of a key.
    #[error("a certificate is not a key")]
    Certificate,
    /// No type that is accepted here.
    #[error("not a key of type ssh-ed25519, ecdsa-sha2-nistp256/384/521, ssh-rsa or sk-…")]
    UnsupportedType,
    /// The key is not base64.
    #[error("the key is not base64")]
    Base64,
    /// The bytes are no key of their type, or something follows them.
    #[error("the bytes are not a key")]
    Malformed,
    /// The line and the bytes in it name different types.
    #[error("the key is of another type than the line says")]
    TypeMismatch,
    /// An RSA key of a size that is not accepted.
    #[error("an RSA key needs 2048 to 16384 bits and this one has {bits}")]
    RsaSize {
        /// Its size.
        bits: usize,
    },
    /// The point is not on its curve, or not in the form OpenSSH reads.
    #[error("the point of the key is not valid")]
    Point,
}
