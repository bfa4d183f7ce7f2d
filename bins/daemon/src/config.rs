//! Layered settings: one TOML file, the environment over it, flags over both.
//!
//! Any serde struct will do. Unknown keys are refused with file, line, column and the nearest known key; a wrong value
//! points at its line, its environment variable or its flag. What is printed or reported never shows a secret.
//!
//! ```
//! use daemon::config::{Period, Settings};
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Agent {
//!     #[serde(default = "minute")]
//!     interval: Period,
//! }
//! fn minute() -> Period { Period::from_secs(60) }
//!
//! let loaded = Settings::new("AGENT").set("--set", "interval=5m").load::<Agent>()?;
//! assert_eq!(loaded.settings.interval, Period::from_secs(300));
//! assert_eq!(loaded.print()?, "interval = \"5m\"                          # flag --set interval\n");
//! # Ok::<(), daemon::config::ConfigError>(())
//! ```

mod access;
mod de;
mod de_error;
mod error;
mod file;
mod overlay;
mod port_range;
mod print;
mod secret_source;
mod tree;
mod values;

pub use error::{ConfigError, Place};
pub use port_range::PortRange;
pub use secret_source::SecretSource;
pub use values::{ByteSize, HostPort, ListenAddress, Period};

use crate::exit::Exit;
use file::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use tree::Node;

/// The sources of a program's settings, before they are read.
#[derive(Clone)]
pub struct Settings {
    prefix: String,
    aliases: Vec<(String, String)>,
    file: Option<(PathBuf, bool)>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<(String, String)>,
}

/// Without the environment's values and the flags', which may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("prefix", &self.prefix)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings whose environment variables start with `prefix` and an underscore: `AGENT_TUNNEL__HOST` is `tunnel.host`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            aliases: Vec::new(),
            file: None,
            environment: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// A whole variable name for a key, such as `MEETING_TOKEN` for `tunnel.token`. The prefixed name wins over it.
    #[must_use]
    pub fn alias(mut self, variable: &str, key: &str) -> Self {
        self.aliases.push((variable.into(), key.into()));
        self
    }

    /// A file that must exist.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some((path.into(), true));
        self
    }

    /// A file that is read if it exists.
    #[must_use]
    pub fn optional_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some((path.into(), false));
        self
    }

    /// The environment: usually `std::env::vars_os()`.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.environment = variables.into_iter().collect();
        self
    }

    /// A flag as the person knows it, and its `key=value`. Later ones win.
    #[must_use]
    pub fn set(mut self, flag: &str, assignment: &str) -> Self {
        self.flags.push((flag.into(), assignment.into()));
        self
    }

    /// Reads and merges all of it. Call it again on a reload; the environment and the flags stay as they were.
    ///
    /// # Errors
    /// The file cannot be read or is not TOML; a key is unknown, missing or of the wrong type or value.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Loaded<T>, ConfigError> {
        let mut document = self.document()?;
        let mut tree = document.as_ref().map_or_else(|| Ok(Node::empty()), Document::parse)?;
        let aliases: Vec<_> = self.aliases.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
        overlay::environment(&mut tree, &self.prefix, &aliases, self.environment.iter().cloned())?;
        overlay::flags(&mut tree, &self.flags)?;
        let strays = de::Strays::default();
        let read = T::deserialize(de::Reader::new(&tree, &strays));
        let settings = read.map_err(|error| self.explain(error, document.as_ref()))?;
        // From here on only the places are needed. What remains must not be a second copy of every secret.
        tree.wipe(&mut |span| {
            if let Some(document) = &mut document {
                document.wipe(span);
            }
        });
        Ok(Loaded { settings, tree, document, strays: strays.into_inner() })
    }

    fn document(&self) -> Result<Option<Document>, ConfigError> {
        let Some((path, required)) = &self.file else { return Ok(None) };
        match Document::read(path)? {
            None if *required => {
                Err(ConfigError::at(Place::File(path.clone()), "there is no such file".into())
                    .with_exit(Exit::Configuration)
                    .with_help("--config FILE names another; without it the built-in defaults apply"))
            }
            document => Ok(document),
        }
    }

    fn explain(&self, error: de_error::DeError, document: Option<&Document>) -> ConfigError {
        let key = error.path.join(".");
        let origin = error.origin.as_ref().unwrap_or(&tree::Origin::Default);
        let mut message = error.message;
        if error.missing {
            message = format!("`{key}` is not set");
        } else if !error.about_key && !key.is_empty() {
            message = format!("`{key}`: {message}");
        } else if let Some((table, _)) = key.rsplit_once('.').filter(|_| error.about_key) {
            message = format!("[{table}]: {message}");
        }
        let place = match origin {
            tree::Origin::File(_) if error.missing && !key.contains('.') => {
                Place::of(&tree::Origin::Default, document)
            }
            origin => Place::of(origin, document),
        };
        let snippet = match (origin, document, &place) {
            (tree::Origin::File(span), Some(document), Place::Line { .. }) if !error.missing => {
                Some(document.snippet(span, !error.about_key && !error.secret))
            }
            _ => None,
        };
        let mut result = ConfigError::at(place, message);
        if let Some(snippet) = snippet {
            result = result.with_snippet(snippet);
        }
        let variable = format!("{}_{}", self.prefix, key.replace('.', "__").to_uppercase());
        match error.help {
            Some(help) => result.with_help(help),
            None if error.missing => {
                result.with_help(format!("set it in the file, as {variable}=… or with --set {key}=…"))
            }
            None => result,
        }
    }
}

/// Settings in force, and the memory of where each came from; the texts themselves are wiped.
#[derive(Clone)]
pub struct Loaded<T> {
    /// The settings.
    pub settings: T,
    tree: Node,
    document: Option<Document>,
    strays: Vec<String>,
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("settings", &self.settings)
            .field("file", &self.file())
            .finish_non_exhaustive()
    }
}

impl<T> Loaded<T> {
    /// The file that was read, if there was one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.document.as_ref().map(|document| document.path.as_path())
    }

    /// Environment variables that carry the prefix but name no setting. They are ignored, and worth one warning each.
    #[must_use]
    pub fn stray_variables(&self) -> &[String] {
        &self.strays
    }

    /// An error about a value that is well-formed but cannot be used, pointing where the value stands.
    ///
    /// For rules between settings, such as `tls.certificate` without `tls.key`. Do not put a secret into `message`.
    #[must_use]
    pub fn refuse(&self, key: &str, message: &str) -> ConfigError {
        let (node, found) = self.tree.find(key);
        let place = match found {
            true => Place::of(&node.origin, self.document.as_ref()),
            false => Place::of(&tree::Origin::Default, self.document.as_ref()),
        };
        let error = ConfigError::at(place, format!("`{key}`: {message}"));
        match (&node.origin, &self.document) {
            (tree::Origin::File(span), Some(document)) if found => {
                error.with_snippet(document.snippet(span, false))
            }
            _ => error,
        }
    }

    /// The settings as a TOML file, with the source of each that is not a default, secrets hidden.
    ///
    /// # Errors
    /// A type of the program has no form in TOML (a map with keys that are not text).
    pub fn print(&self) -> Result<String, ConfigError>
    where
        T: Serialize,
    {
        let table = toml::Table::try_from(&self.settings).map_err(|error| {
            ConfigError::at(Place::Unset, format!("cannot be shown as TOML: {error}"))
                .with_exit(Exit::Software)
        })?;
        Ok(print::render(&table, &self.tree, self.document.as_ref()))
    }
}
