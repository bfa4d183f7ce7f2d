//! A known_hosts file brought up to date: one writer at a time, and at every moment the old file or the new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::known_hosts::{Host, HostKeys, KnownHostsRefused, Merged, merge};

/// A known_hosts file.
///
/// An update holds an exclusive lock on `<file>.lock` beside it (which stays there), writes `<file>.new`, syncs it, renames it
/// over the file and syncs the directory. A crash at any moment leaves the old file or the new one (threat R4). Mode and owner
/// stay; a new file has mode 0644, a new directory 0700. A symbolic link stays one: what it points to is replaced.
///
/// The calls block; use `spawn_blocking` under tokio.
///
/// Source: meeting §3.2. Choice: MA-34.
#[derive(Debug, Clone)]
pub struct KnownHostsFile {
    path: PathBuf,
}

impl KnownHostsFile {
    /// Largest file that is read, in bytes.
    pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

    /// The file at `path`, which need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Brings the file up to date, see [`merge`]. A file that needs no change is not touched.
    ///
    /// # Errors
    /// [`KnownHostsFileError::Refused`] when the keys are not taken, `NotAFile` when the path is a directory, a device or the like,
    /// `Io` when the disk fails. The file is the old one then.
    pub fn update(
        &self,
        hosts: &[Host],
        offered: &HostKeys,
        allow_full_change: bool,
    ) -> Result<Merged, KnownHostsFileError> {
        let path = self.target()?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        create_directory(directory)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(beside(&path, ".lock"))?;
        // Released when `lock` is closed, also by the death of the process.
        lock.lock()?;
        let existing = read(&path)?;
        let merged = merge(existing.as_deref().unwrap_or_default(), hosts, offered, allow_full_change)
            .map_err(KnownHostsFileError::Refused)?;
        if merged.changed {
            replace(&path, directory, &merged.text)?;
        }
        Ok(merged)
    }

    /// The file itself, where the path is a symbolic link.
    fn target(&self) -> Result<PathBuf, KnownHostsFileError> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::canonicalize(&self.path)?;
                if fs::metadata(&target)?.is_file() { Ok(target) } else { Err(KnownHostsFileError::NotAFile) }
            }
            Ok(metadata) if metadata.is_file() => Ok(self.path.clone()),
            // Replacing /dev/null would be a bad surprise.
            Ok(_) => Err(KnownHostsFileError::NotAFile),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.path.clone()),
            Err(error) => Err(error.into()),
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !directory.is_dir() => Err(error),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KnownHostsFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = Vec::new();
    file.take(KnownHostsFile::MAX_FILE_BYTES + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > KnownHostsFile::MAX_FILE_BYTES {
        return Err(KnownHostsFileError::TooLarge);
    }
    Ok(Some(text))
}

/// Replaces the file. The caller holds the lock, so that the temporary name is ours, and what a crash left there may go.
fn replace(path: &Path, directory: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&temporary, path, text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The disk may be full; what was written of the new file only takes room.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write_new(temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // Fails when the name exists, so that nobody's link is followed.
    options.write(true).create_new(true);
    let mut file = options.open(temporary)?;
    keep_mode_and_owner(&file, path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(unix)]
fn keep_mode_and_owner(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let mode = match fs::metadata(path) {
        Ok(old) => {
            // Only root may give files away; for others the owner is their own anyway.
            let _ = fchown(file, Some(old.uid()), Some(old.gid()));
            old.mode() & 0o777
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o644,
        Err(error) => return Err(error),
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_mode_and_owner(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Why a known_hosts file was not brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownHostsFileError {
    /// The offered keys are not taken.
    #[error(transparent)]
    Refused(#[from] KnownHostsRefused),
    /// The path is a directory, a device or the like.
    #[error("the path is not a regular file")]
    NotAFile,
    /// More than 16 MiB.
    #[error("the file is larger than 16 MiB")]
    TooLarge,
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}
