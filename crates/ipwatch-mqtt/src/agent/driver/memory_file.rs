use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::StartError;
use crate::safety::Memory;

/// The file with the memory of commands. It is replaced in one step, and on disk before anybody is told that it is.
#[derive(Debug, Clone)]
pub(super) struct MemoryFile {
    path: PathBuf,
}

impl MemoryFile {
    /// Opens the file, or begins one, so that a folder that cannot be written is known at once and not at the first command.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Memory), StartError> {
        let file = Self { path: path.clone() };
        match fs::read(&path) {
            Ok(stored) => {
                let memory =
                    Memory::decode(&stored).map_err(|error| StartError::Malformed { path, error })?;
                Ok((file, memory))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let memory = Memory::default();
                replace(&path, &memory.encode()).map_err(|error| StartError::Io { path, error })?;
                Ok((file, memory))
            }
            Err(error) => Err(StartError::Io { path, error }),
        }
    }

    /// Stores it, away from the thread that keeps the connection.
    pub(super) async fn store(&self, bytes: Bytes) -> io::Result<()> {
        let path = self.path.clone();
        let stored = tokio::task::spawn_blocking(move || replace(&path, &bytes)).await;
        stored.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = folder.join(name);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The new name, too, is only there after a crash when the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_stored_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commands.json");
        let (file, memory) = MemoryFile::open(path.clone()).unwrap();
        assert_eq!(memory, Memory::default());
        let stored = br#"{"seen":[{"at":"2025-12-23T10:30:00Z","command":"reboot"}],"restarts":[]}"#;
        file.store(Bytes::from_static(stored)).await.unwrap();
        let (_, memory) = MemoryFile::open(path.clone()).unwrap();
        assert_eq!(memory, Memory::decode(stored).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_said_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd.json");
        fs::write(&odd, "[1]").unwrap();
        assert!(matches!(MemoryFile::open(odd), Err(StartError::Malformed { .. })));
        let nowhere = folder.path().join("missing/commands.json");
        assert!(matches!(MemoryFile::open(nowhere), Err(StartError::Io { .. })));
    }
}
