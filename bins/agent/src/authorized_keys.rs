//! The server's public key in an `authorized_keys` file of the device, when the operator of the device wants it there.
//!
//! Off unless configured, because it lets the server log in. Exactly one line is ours: the one that ends with
//! [`MARK`]. Every other line, and the file's owner and permissions, stay as they are.
//!
//! Choice: AG-7.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The last word of the line that the agent keeps. A line without it is never touched.
pub const MARK: &str = "kept-by-meeting-agent";

/// The largest file that is read; OpenSSH itself reads one of any size, people keep far smaller ones.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What [`install`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The line was there already, byte for byte.
    None,
    /// The line was added.
    Added,
    /// The line held another key or other options and was replaced.
    Replaced,
}

/// The line for `key` ("type base64", without a comment) with sshd's `options` before it, none when empty.
///
/// Only one line can come out: line breaks in the arguments become spaces, which makes sshd refuse the line rather
/// than read two.
#[must_use]
pub fn line(options: &str, key: &str) -> String {
    let key: String = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let options = options.replace(['\n', '\r', '\0'], " ");
    let options = options.trim();
    if options.is_empty() { format!("{key} {MARK}") } else { format!("{options} {key} {MARK}") }
}

/// The text of the file with `line` as its only marked line, at the place of the first one there, else at the end.
#[must_use]
pub fn merge(existing: &str, line: &str) -> (String, Change) {
    let is_ours = |candidate: &str| {
        !candidate.trim_start().starts_with('#') && candidate.split_whitespace().next_back() == Some(MARK)
    };
    let mut ours = existing.lines().filter(|candidate| is_ours(candidate));
    if ours.next() == Some(line) && ours.next().is_none() {
        return (existing.to_owned(), Change::None);
    }
    let mut merged = String::with_capacity(existing.len() + line.len() + 2);
    let mut change = Change::Added;
    for candidate in existing.split_inclusive('\n') {
        if !is_ours(candidate) {
            merged.push_str(candidate);
        } else if change == Change::Added {
            merged.push_str(line);
            merged.push('\n');
            change = Change::Replaced;
        }
    }
    if change == Change::Added {
        if !merged.is_empty() && !merged.ends_with('\n') {
            merged.push('\n');
        }
        merged.push_str(line);
        merged.push('\n');
    }
    (merged, change)
}

/// Sees to it that the file at `path` has `line` as its only marked line. The file is replaced in one step (temporary
/// file, fsync, rename), so a reader sees the old or the new one; a link is followed and stays a link.
///
/// # Errors
/// The system's reason, or [`io::ErrorKind::InvalidData`] for a file that is larger than 1 MiB or not UTF-8.
pub fn install(path: &Path, line: &str) -> io::Result<Change> {
    let path = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(error) => return Err(error),
    };
    let (existing, metadata) = match fs::metadata(&path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 1 MiB"));
        }
        Ok(metadata) => (fs::read_to_string(&path)?, Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), None),
        Err(error) => return Err(error),
    };
    let (merged, change) = merge(&existing, line);
    if change != Change::None {
        replace(&path, merged.as_bytes(), metadata.as_ref())?;
    }
    Ok(change)
}

fn replace(path: &Path, bytes: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if old.is_none() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let temporary = temporary_beside(path);
    let mode = old.map_or(0o600, |metadata| metadata.permissions().mode() & 0o7777);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        if let Some(old) = old {
            let made = file.metadata()?;
            if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
        }
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.meeting-agent.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA alice";

    #[test]
    fn the_line_holds_options_key_and_mark_and_stays_one_line() {
        assert_eq!(line("", &format!("{KEY} server@example.org")), format!("{KEY} {MARK}"));
        assert_eq!(line("restrict,pty", KEY), format!("restrict,pty {KEY} {MARK}"));
        assert_eq!(line("a\nb\rc", "t k\nssh-ed25519 X").lines().count(), 1);
    }

    #[test]
    fn other_lines_stay_and_ours_is_added_replaced_or_left() {
        let ours = line("", KEY);
        let (added, change) = merge(OTHER, &ours);
        assert_eq!((added.as_str(), change), (format!("{OTHER}\n{ours}\n").as_str(), Change::Added));
        assert_eq!(merge(&added, &ours), (added.clone(), Change::None));

        let renewed = line("restrict", KEY);
        let before = format!("# note {MARK}\n{ours}\n\n{OTHER}\n{ours}\n");
        let (after, change) = merge(&before, &renewed);
        assert_eq!((after, change), (format!("# note {MARK}\n{renewed}\n\n{OTHER}\n"), Change::Replaced));
    }

    #[test]
    fn the_file_keeps_its_permissions_and_a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        let link = home.path().join("authorized_keys");
        fs::write(&real, format!("{OTHER}\n")).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();

        let ours = line("", KEY);
        assert_eq!(install(&link, &ours).unwrap(), Change::Added);
        assert_eq!(install(&link, &ours).unwrap(), Change::None);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(&real).unwrap(), format!("{OTHER}\n{ours}\n"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_absent_file_is_made_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".ssh/authorized_keys");
        assert_eq!(install(&path, &line("", KEY)).unwrap(), Change::Added);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    proptest! {
        /// R5: whatever the file holds, merging keeps every line that is not ours and is done after one time.
        #[test]
        fn merging_keeps_foreign_lines_and_settles(existing in "(?s)[ -~\n\t]{0,200}") {
            let ours = line("", KEY);
            let (once, _) = merge(&existing, &ours);
            prop_assert_eq!(merge(&once, &ours), (once.clone(), Change::None));
            let foreign = |text: &str| -> Vec<String> {
                text.lines().filter(|line| !line.ends_with(MARK)).map(str::to_owned).collect()
            };
            prop_assert_eq!(foreign(&once), foreign(&existing));
        }
    }
}
