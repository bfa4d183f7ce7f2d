//! A secret setting: written inline, or in a file, or handed over by systemd.

use super::de::SECRET_MARKER;
use crate::secret::{HIDDEN, SecretString};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A secret file larger than this is not a secret: 64 KiB.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a secret comes from.
///
/// In a file: `token = "…"`, `token = { file = "/etc/meeting/token" }` or `token = { credential = "token" }`, the
/// last for `LoadCredential=token:…` of a systemd unit. By environment: `AGENT_TOKEN=…` or `AGENT_TOKEN__FILE=…`.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The secret itself. Serialized as [`HIDDEN`].
    Inline(SecretString),
    /// A file that holds the secret; one line ending is stripped.
    File(PathBuf),
    /// A file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl SecretSource {
    /// Reads the secret now. Call it again after a reload: a file may have been replaced.
    ///
    /// # Errors
    /// The file cannot be read, is empty, larger than 64 KiB or not UTF-8; or no credential directory was given.
    pub fn read(&self) -> io::Result<SecretString> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => read_file(path),
            Self::Credential(name) => {
                let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::NotFound,
                        format!("credential `{name}`: CREDENTIALS_DIRECTORY is not set; is LoadCredential={name}:… in the unit?"),
                    )
                })?;
                read_file(&Path::new(&directory).join(name))
            }
        }
    }
}

fn read_file(path: &Path) -> io::Result<SecretString> {
    let name =
        |error: io::Error| io::Error::new(error.kind(), format!("secret file {}: {error}", path.display()));
    let wrong = |why: &str| name(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    let file = std::fs::File::open(path).map_err(name)?;
    warn_if_readable_by_all(path, &file);
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(name)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(wrong("is larger than 64 KiB"));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    match secret.is_empty() {
        true => Err(wrong("is empty")),
        false => Ok(SecretString::from(secret)),
    }
}

fn warn_if_readable_by_all(path: &Path, file: &std::fs::File) {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o004 != 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{:03o}", mode & 0o777), "every user of this machine can read this secret");
    }
}

/// The source, never the secret.
impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str(HIDDEN),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

impl From<SecretString> for SecretSource {
    fn from(secret: SecretString) -> Self {
        Self::Inline(secret)
    }
}

impl Serialize for SecretSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            Self::Inline(secret) => return secret.serialize(serializer),
            Self::File(path) => ("file", path.display().to_string()),
            Self::Credential(name) => ("credential", name.clone()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SECRET_MARKER, SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret in quotes, { file = \"/path\" } or { credential = \"name\" }")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<SecretSource, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, secret: &str) -> Result<SecretSource, E> {
        match secret {
            "" => Err(E::custom("a secret is empty")),
            HIDDEN => Err(E::custom("this is what printed settings show in place of a secret")),
            secret => Ok(SecretSource::Inline(SecretString::from(secret))),
        }
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom("a secret must stand in quotes"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretSource, E> {
        self.visit_i64(0)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretSource, E> {
        self.visit_i64(0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let mut source = None;
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<String>()?;
            let next = match key.as_str() {
                "file" => SecretSource::File(PathBuf::from(value)),
                "credential" if !value.is_empty() && !value.contains('/') && !value.starts_with('.') => {
                    SecretSource::Credential(value)
                }
                "credential" => return Err(de::Error::custom("a credential is a plain name, not a path")),
                other => return Err(de::Error::unknown_field(other, &["file", "credential"])),
            };
            if source.replace(next).is_some() {
                return Err(de::Error::custom("a secret has one source, not two"));
            }
        }
        source.ok_or_else(|| de::Error::custom("a secret needs `file` or `credential`"))
    }
}
