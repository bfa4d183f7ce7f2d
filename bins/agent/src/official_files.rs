//! The files of the official agent, read so that a device which has them needs no second set.
//!
//! `/etc/meeting/device_info.json` holds `device_key` (§2.1); `reverse_tunnel/devices/config.json` holds `token` (§2.2),
//! and in the field also `device_key`, `token_code`, `tunnel_host`, `tunnel_port` and `tunnel_ssl`. Keys that are not known are
//! passed over, and the files are never written.
//!
//! Choice: AG-2.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The largest file that is read. The real ones are below 1 kB.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Where the official files are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfficialPaths {
    /// `device_info.json`. Default: `/etc/meeting/device_info.json`.
    pub device_info: PathBuf,
    /// The tunnel agent's `config.json`. A relative path starts at the directory of `device_info`, because the document gives
    /// a relative one and a service has no working directory of its own. Default: `reverse_tunnel/devices/config.json`.
    pub tunnel_config: PathBuf,
}

impl Default for OfficialPaths {
    fn default() -> Self {
        Self {
            device_info: "/etc/meeting/device_info.json".into(),
            tunnel_config: "reverse_tunnel/devices/config.json".into(),
        }
    }
}

impl OfficialPaths {
    /// The place of `config.json`, relative paths resolved.
    #[must_use]
    pub fn tunnel_config_path(&self) -> PathBuf {
        match self.device_info.parent() {
            Some(directory) => directory.join(&self.tunnel_config),
            None => self.tunnel_config.clone(),
        }
    }
}

/// What the official files say. Everything is optional and unchecked text; `identity` judges it.
#[derive(Clone, Default)]
pub struct OfficialFiles {
    /// `device_key` of `device_info.json`, else of `config.json`, with the file that had it.
    pub device_key: Option<(String, PathBuf)>,
    /// `token` of `config.json`, else its `token_code`, with the file that had it.
    pub token: Option<(Zeroizing<String>, PathBuf)>,
    /// `tunnel_host` of `config.json`.
    pub tunnel_host: Option<String>,
    /// `tunnel_port` of `config.json`.
    pub tunnel_port: Option<u16>,
    /// `tunnel_ssl` of `config.json`.
    pub tunnel_tls: Option<bool>,
}

impl std::fmt::Debug for OfficialFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfficialFiles")
            .field("device_key", &self.device_key)
            .field("token", &self.token.as_ref().map(|(_, path)| ("[hidden]", path)))
            .field("tunnel_host", &self.tunnel_host)
            .field("tunnel_port", &self.tunnel_port)
            .field("tunnel_tls", &self.tunnel_tls)
            .finish()
    }
}

/// A file that is there and cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct OfficialFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it; parts of its text are never repeated, because the file may hold a secret.
    pub problem: String,
}

/// Reads both files; an absent one says nothing.
///
/// # Errors
/// [`OfficialFileError`] for a file that is there but cannot be read, is too large or is not a JSON object.
pub fn read(paths: &OfficialPaths) -> Result<OfficialFiles, OfficialFileError> {
    let config_path = paths.tunnel_config_path();
    let info = read_object(&paths.device_info)?;
    let config = read_object(&config_path)?;
    let text = |object: &Map<String, Value>, key: &str| {
        object.get(key).and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned)
    };
    let device_key = text(&info, "device_key").map(|key| (key, paths.device_info.clone()));
    let port = config.get("tunnel_port").and_then(|port| match port {
        Value::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    let tls = config.get("tunnel_ssl").and_then(|flag| match flag {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_u64() != Some(0)),
        Value::String(text) => Some(matches!(text.trim(), "1" | "true")),
        _ => None,
    });
    Ok(OfficialFiles {
        device_key: device_key.or_else(|| text(&config, "device_key").map(|key| (key, config_path.clone()))),
        token: text(&config, "token")
            .or_else(|| text(&config, "token_code"))
            .map(|token| (Zeroizing::new(token), config_path)),
        tunnel_host: text(&config, "tunnel_host"),
        tunnel_port: port.filter(|port| *port != 0),
        tunnel_tls: tls,
    })
}

fn read_object(path: &Path) -> Result<Map<String, Value>, OfficialFileError> {
    let problem = |problem: String| OfficialFileError { path: path.to_path_buf(), problem };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Map::new());
        }
        Err(error) => return Err(problem(error.to_string())),
    };
    let mut text = Zeroizing::new(Vec::new());
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text);
    if read.map_err(|error| problem(error.to_string()))? as u64 > MAX_FILE_BYTES {
        return Err(problem(format!("larger than {MAX_FILE_BYTES} bytes")));
    }
    match serde_json::from_slice(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(problem("holds JSON, but not an object".to_owned())),
        Err(error) => Err(problem(format!("not JSON, line {} column {}", error.line(), error.column()))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn device(info: Option<&str>, config: Option<&str>) -> (tempfile::TempDir, OfficialPaths) {
        let home = tempfile::tempdir().unwrap();
        let paths =
            OfficialPaths { device_info: home.path().join("device_info.json"), ..OfficialPaths::default() };
        if let Some(info) = info {
            fs::write(&paths.device_info, info).unwrap();
        }
        if let Some(config) = config {
            fs::create_dir_all(paths.tunnel_config_path().parent().unwrap()).unwrap();
            fs::write(paths.tunnel_config_path(), config).unwrap();
        }
        (home, paths)
    }

    /// The document's own example, §2.1.
    const DEVICE_INFO: &str = "{\n  \"device_key\": \"0123456789abcdef0123456789abcdef\"\n}";

    #[test]
    fn the_documents_example_gives_its_device_key() {
        let (_home, paths) = device(Some(DEVICE_INFO), None);
        let files = read(&paths).unwrap();
        assert_eq!(
            files.device_key,
            Some(("0123456789abcdef0123456789abcdef".to_owned(), paths.device_info.clone()))
        );
        assert!(files.token.is_none());
    }

    #[test]
    fn the_fields_of_the_tunnel_file_are_read_in_the_forms_seen() {
        let (_home, paths) = device(
            None,
            Some(
                r#"{"token":"a1b2c3","token_code":"ffffff","device_key":"abc","tunnel_host":"proxy.example.org",
                    "tunnel_port":"9001","tunnel_ssl":1,"tunnels":[]}"#,
            ),
        );
        let files = read(&paths).unwrap();
        assert_eq!(files.device_key.unwrap().0, "abc");
        assert_eq!(files.token.unwrap().0.as_str(), "a1b2c3");
        assert_eq!(files.tunnel_host.as_deref(), Some("proxy.example.org"));
        assert_eq!((files.tunnel_port, files.tunnel_tls), (Some(9001), Some(true)));
    }

    #[test]
    fn device_info_wins_over_the_tunnel_file_and_token_over_token_code() {
        let config = r#"{"device_key":"other","token_code":"ffffff"}"#;
        let (_home, paths) = device(Some(DEVICE_INFO), Some(config));
        let files = read(&paths).unwrap();
        assert_eq!(files.device_key.unwrap().0, "0123456789abcdef0123456789abcdef");
        assert_eq!(files.token.unwrap().0.as_str(), "ffffff");
    }

    #[test]
    fn absent_files_say_nothing_and_broken_ones_are_named_without_their_text() {
        let (_home, paths) = device(None, None);
        assert!(read(&paths).unwrap().device_key.is_none());

        let (_home, paths) = device(None, Some("{\"token\":\"canary-7f3a"));
        let error = read(&paths).unwrap_err();
        assert_eq!(error.path, paths.tunnel_config_path());
        assert!(!error.to_string().contains("canary"), "{error}");

        let (_home, paths) = device(Some("[]"), None);
        assert_eq!(read(&paths).unwrap_err().problem, "holds JSON, but not an object");
    }

    /// T11: a token never shows in debug text.
    #[test]
    fn debug_text_hides_the_token() {
        let (_home, paths) = device(None, Some(r#"{"token":"canary-7f3a"}"#));
        assert!(!format!("{:?}", read(&paths).unwrap()).contains("canary"));
    }
}
