//! Who the device is: its `device_key` (§1.1) and the token of its tunnel (§2.2), found in one of several places.
//!
//! For each value the first of these that has it wins:
//! 1. a flag, 2. `AGENT_DEVICE_KEY` or `AGENT_TOKEN`, 3. `MEETING_DEVICE_KEY` or `MEETING_TOKEN`, as agents in the field know them,
//! 4. our configuration file (`device_key`; `token`, inline or as a file or a systemd credential),
//! 5. the official files (see [`official_files`]).
//!
//! The first four are one merged configuration by the time this module sees them. A value that is found but is not valid is an
//! error, not a reason to look further: two files that disagree must not end in the wrong name.
//!
//! Choice: AG-1.

use std::io;
use std::path::PathBuf;

use meeting_api::{DeviceKey, InvalidDeviceKey};
use tunnel_frame::handshake::Token;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::official_files::{self, OfficialFileError, OfficialFiles};

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Flags, environment or our configuration file.
    Configuration,
    /// A file that the configuration names, or an official one.
    File(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration => f.write_str("the configuration"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The device's identity, checked.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The device's name everywhere. Not a secret.
    pub device_key: DeviceKey,
    /// Where it was found.
    pub device_key_source: Source,
    /// The token of the tunnel with the place where it was found; a device without one has no tunnel.
    pub token: Option<(Token, Source)>,
    /// What else the official files say, for settings that the configuration leaves open.
    pub official: OfficialFiles,
}

/// Why the device does not know who it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No place has a device key.
    #[error(
        "no device_key: neither flag, environment nor configuration has one, and {} does not exist or has none; \
         ask the operator of the Meeting server for one",
        device_info.display()
    )]
    NoDeviceKey {
        /// The official file that was looked for last.
        device_info: PathBuf,
    },
    /// The device key found is not one.
    #[error("device_key {value:?} of {} is not valid: {problem}", path.display())]
    InvalidDeviceKey {
        /// The text found. A device key is no secret.
        value: String,
        /// The official file that has it; the configuration holds valid ones only.
        path: PathBuf,
        /// What is wrong with it.
        problem: InvalidDeviceKey,
    },
    /// The token found is not one. Its text is not repeated.
    #[error("token of {source_name} is not valid: 1 to 256 visible characters without spaces are")]
    InvalidToken {
        /// The place, in words.
        source_name: String,
    },
    /// The file or credential that `token` names cannot be read.
    #[error("token: {0}")]
    TokenFile(io::Error),
    /// An official file is there and cannot be used.
    #[error(transparent)]
    Official(#[from] OfficialFileError),
}

impl Identity {
    /// Finds the identity of the device that `config` belongs to.
    ///
    /// # Errors
    /// Every variant of [`IdentityError`].
    pub fn find(config: &Config) -> Result<Self, IdentityError> {
        let official = official_files::read(&config.official_files)?;
        let (device_key, device_key_source) = match (&config.device_key, &official.device_key) {
            (Some(key), _) => (key.clone(), Source::Configuration),
            (None, Some((text, path))) => {
                let key = text.parse().map_err(|problem| IdentityError::InvalidDeviceKey {
                    value: text.clone(),
                    path: path.clone(),
                    problem,
                })?;
                (key, Source::File(path.clone()))
            }
            (None, None) => {
                let device_info = config.official_files.device_info.clone();
                return Err(IdentityError::NoDeviceKey { device_info });
            }
        };
        let token = find_token(config, &official)?;
        Ok(Self { device_key, device_key_source, token, official })
    }
}

fn find_token(config: &Config, official: &OfficialFiles) -> Result<Option<(Token, Source)>, IdentityError> {
    let (text, source) = if let Some(token) = &config.token {
        let secret = token.read().map_err(IdentityError::TokenFile)?;
        (Zeroizing::new(secret.expose_secret().to_owned()), Source::Configuration)
    } else if let Some((token, path)) = &official.token {
        (token.clone(), Source::File(path.clone()))
    } else {
        return Ok(None);
    };
    let invalid = |_| IdentityError::InvalidToken { source_name: source.to_string() };
    let token = Token::new(text.trim()).map_err(invalid)?;
    Ok(Some((token, source)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use daemon::config::SecretSource;
    use daemon::secret::SecretString;

    use super::*;

    fn inline(secret: &str) -> Option<SecretSource> {
        Some(SecretSource::Inline(SecretString::from(secret)))
    }

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn device(info: &str, tunnel: &str) -> (tempfile::TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.official_files.device_info = home.path().join("device_info.json");
        config.official_files.tunnel_config = "config.json".into();
        fs::write(&config.official_files.device_info, info).unwrap();
        fs::write(config.official_files.tunnel_config_path(), tunnel).unwrap();
        (home, config)
    }

    fn official() -> (tempfile::TempDir, Config) {
        device(&format!(r#"{{"device_key":"{KEY}"}}"#), r#"{"token":"a1b2c3"}"#)
    }

    fn token(identity: &Identity) -> (&str, Source) {
        let (token, source) = identity.token.as_ref().unwrap();
        (token.expose(), source.clone())
    }

    #[test]
    fn the_official_files_are_enough() {
        let (_home, config) = official();
        let identity = Identity::find(&config).unwrap();
        assert_eq!(identity.device_key.as_str(), KEY);
        assert_eq!(identity.device_key_source, Source::File(config.official_files.device_info.clone()));
        let path = config.official_files.tunnel_config_path();
        assert_eq!(token(&identity), ("a1b2c3", Source::File(path)));
    }

    #[test]
    fn the_configuration_wins_over_the_files_each_value_by_itself() {
        let (home, mut config) = official();
        config.device_key = Some("mine".parse().unwrap());
        let identity = Identity::find(&config).unwrap();
        assert_eq!((identity.device_key.as_str(), token(&identity).0), ("mine", "a1b2c3"));

        let path = home.path().join("token");
        fs::write(&path, "from-a-file\n").unwrap();
        config.token = Some(SecretSource::File(path));
        assert_eq!(token(&Identity::find(&config).unwrap()), ("from-a-file", Source::Configuration));
        config.token = inline("from-settings");
        assert_eq!(token(&Identity::find(&config).unwrap()), ("from-settings", Source::Configuration));
    }

    #[test]
    fn a_wrong_value_is_an_error_even_if_another_place_has_a_right_one() {
        for wrong in ["../admin", "a b", "%2f"] {
            let info = format!(r#"{{"device_key":"{wrong}"}}"#);
            let (_home, config) = device(&info, &format!(r#"{{"device_key":"{KEY}"}}"#));
            let error = Identity::find(&config).unwrap_err();
            assert!(matches!(error, IdentityError::InvalidDeviceKey { .. }), "{wrong}: {error}");
        }
    }

    /// T11: a token with a slip in it is not repeated.
    #[test]
    fn an_invalid_token_is_named_by_its_place_only() {
        let (_home, mut config) = official();
        config.token = inline("canary 7f3a");
        let text = Identity::find(&config).unwrap_err().to_string();
        assert!(text.starts_with("token of the configuration is not valid"), "{text}");
        assert!(!text.contains("canary"));
    }

    #[test]
    fn nothing_anywhere_says_where_was_looked_and_what_to_do() {
        let (_home, config) = device("{}", "{}");
        let text = Identity::find(&config).unwrap_err().to_string();
        assert!(text.contains("device_info.json"), "{text}");
        let (_home, config) = device(&format!(r#"{{"device_key":"{KEY}"}}"#), "{}");
        assert!(Identity::find(&config).unwrap().token.is_none());
    }
}
