//! Node.js, which runs the peers.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `.ci/steps/tools.sh` puts npm's packages.
pub(crate) fn modules() -> PathBuf {
    let cache = std::env::var_os("CI_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").expect("HOME");
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        cache.unwrap_or_else(|| Path::new(&home).join(".cache")).join("meeting-ci")
    });
    cache.join("node/node_modules")
}

/// A file of the crate.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a script to its end: what it wrote, if it succeeded, else everything it said.
pub(crate) fn run(script: &Path, arguments: &[&Path]) -> Result<String, String> {
    let output = Command::new("node")
        .arg(script)
        .args(arguments)
        .env("NODE_PATH", modules())
        .output()
        .expect("node is missing: .ci/run tools");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(out) } else { Err(out + &String::from_utf8_lossy(&output.stderr)) }
}
