//! The two layers over the file: environment variables and flags.

use super::error::{ConfigError, Place};
use super::tree::{Node, Origin, Value};
use std::ffi::OsString;

/// Puts the variables that concern this program over `root`, in the order of their names.
///
/// `PREFIX_TUNNEL__HOST` is `tunnel.host`. Aliases are whole names; the prefixed form wins over an alias.
pub(crate) fn environment(
    root: &mut Node,
    prefix: &str,
    aliases: &[(&str, &str)],
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    let start = format!("{prefix}_");
    let mut chosen: Vec<(bool, String, Vec<String>, OsString)> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        if let Some((_, key)) = aliases.iter().find(|(alias, _)| *alias == name) {
            chosen.push((false, name.to_owned(), split(key), value));
        } else if let Some(key) = name.strip_prefix(&start).filter(|key| !key.is_empty()) {
            let path = key.split("__").map(str::to_ascii_lowercase).collect();
            chosen.push((true, name.to_owned(), path, value));
        }
    }
    chosen.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, name, path, value) in chosen {
        let place = || Place::Environment(name.clone());
        if path.iter().any(String::is_empty) {
            return Err(ConfigError::at(place(), "has an empty part between its underscores".into()));
        }
        let value = value.into_string().map_err(|_| ConfigError::at(place(), "is not UTF-8 text".into()))?;
        root.set(&path, Value::Loose(value), &Origin::Environment(name));
    }
    Ok(())
}

/// Puts `key.path=value` flags over `root`, in the order given.
pub(crate) fn flags(root: &mut Node, flags: &[(String, String)]) -> Result<(), ConfigError> {
    for (flag, assignment) in flags {
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(ConfigError::at(Place::Flag(flag.clone()), "has no `=`".into())
                .with_help("--set tunnel.host=example.org"));
        };
        let key = key.trim();
        let path = split(key);
        let shown = if flag == "--set" { format!("--set {key}") } else { flag.clone() };
        if path.iter().any(String::is_empty) {
            return Err(ConfigError::at(Place::Flag(shown), "has an empty part in its key".into()));
        }
        root.set(&path, Value::Loose(value.to_owned()), &Origin::Flag(shown));
    }
    Ok(())
}

fn split(key: &str) -> Vec<String> {
    key.split('.').map(|part| part.trim().to_owned()).collect()
}
