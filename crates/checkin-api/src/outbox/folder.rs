//! The files: `queue/<number>.json` waits, `refused/<number>.json` was set aside with its reason in `refused/<number>.txt`.
//!
//! A check-in is written under another name, synced and renamed, and the folder synced: it is there whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{OutboxError, SetAside};
use crate::CheckIn;

/// What is being written; the name is no number, so that nobody takes it for a check-in.
const NEW: &str = ".new";

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    max_entries: usize,
}

/// A check-in that waits, and the number it waits under.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    /// The check-in, or why the file holds none.
    pub(super) content: Result<CheckIn, String>,
}

impl Folder {
    pub(super) fn open(path: PathBuf, max_entries: usize) -> io::Result<Self> {
        let folder = Self { path, max_entries };
        create(&folder.path)?;
        create(&folder.queue())?;
        create(&folder.refused())?;
        sync(&folder.path)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn queue(&self) -> PathBuf {
        self.path.join("queue")
    }

    fn refused(&self) -> PathBuf {
        self.path.join("refused")
    }

    /// The lock of the one that sends, held until the file is closed, also by the death of the process.
    pub(super) fn lock_for_sending(&self) -> Result<File, OutboxError> {
        let lock = open_lock(&self.path.join("sender.lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(OutboxError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The lock of those that put check-ins in. Nobody holds it for longer than a few writes.
    fn lock_for_writing(&self) -> io::Result<File> {
        let lock = open_lock(&self.path.join("writer.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    pub(super) fn put(&self, bodies: &[Vec<u8>]) -> Result<(), OutboxError> {
        let _lock = self.lock_for_writing()?;
        self.put_locked(bodies)
    }

    fn put_locked(&self, bodies: &[Vec<u8>]) -> Result<(), OutboxError> {
        let (waiting, refused) = (self.waiting()?, numbers(&self.refused())?);
        if waiting.len() + bodies.len() > self.max_entries || refused.len() >= self.max_entries {
            return Err(OutboxError::Full { waiting: waiting.len(), set_aside: refused.len() });
        }
        // Above both: a number names a file in either folder.
        let mut number = waiting.last().max(refused.last()).copied().unwrap_or(0);
        let queue = self.queue();
        let new = queue.join(NEW);
        for body in bodies {
            number =
                number.checked_add(1).ok_or_else(|| io::Error::other("the outbox has no numbers left"))?;
            write(&new, body)?;
            fs::rename(&new, file(&queue, number, "json"))?;
        }
        sync(&queue)?;
        Ok(())
    }

    /// The numbers of those that wait, oldest first.
    pub(super) fn waiting(&self) -> io::Result<Vec<u64>> {
        numbers(&self.queue())
    }

    /// Reads one; `None` when it is not there any more.
    pub(super) fn read(&self, number: u64) -> io::Result<Option<Entry>> {
        // Somebody may have put a file there that is none of ours; it must not fill the memory.
        let limit = u64::try_from(CheckIn::MAX_BYTES).unwrap_or(u64::MAX).saturating_mul(4);
        let mut json = Vec::new();
        match File::open(file(&self.queue(), number, "json")) {
            Ok(file) => file.take(limit).read_to_end(&mut json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let content = CheckIn::decode(&json).map_err(|error| format!("the file holds no check-in: {error}"));
        Ok(Some(Entry { number, content }))
    }

    /// The receiver has it. If the removal is lost in a crash, it is sent once more, which does no harm.
    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(file(&self.queue(), number, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Sets one aside: the reason first, so that none is without one.
    pub(super) fn set_aside(&self, number: u64, reason: &str) -> io::Result<()> {
        let _lock = self.lock_for_writing()?;
        let (queue, refused) = (self.queue(), self.refused());
        let new = refused.join(NEW);
        write(&new, format!("{reason}\n").as_bytes())?;
        fs::rename(&new, file(&refused, number, "txt"))?;
        match fs::rename(file(&queue, number, "json"), file(&refused, number, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync(&refused)?;
        sync(&queue)
    }

    pub(super) fn set_aside_list(&self) -> Result<Vec<SetAside>, OutboxError> {
        let refused = self.refused();
        let list = numbers(&refused)?.into_iter().map(|number| {
            let reason = fs::read_to_string(file(&refused, number, "txt")).unwrap_or_default();
            SetAside { path: file(&refused, number, "json"), reason: reason.trim_end().to_owned() }
        });
        Ok(list.collect())
    }

    pub(super) fn retry_set_aside(&self) -> Result<usize, OutboxError> {
        let _lock = self.lock_for_writing()?;
        let (queue, refused) = (self.queue(), self.refused());
        let (waiting, again) = (self.waiting()?, numbers(&refused)?);
        if waiting.len() + again.len() > self.max_entries {
            return Err(OutboxError::Full { waiting: waiting.len(), set_aside: again.len() });
        }
        let mut last = waiting.last().max(again.last()).copied().unwrap_or(0);
        for number in &again {
            last = last.checked_add(1).ok_or_else(|| io::Error::other("the outbox has no numbers left"))?;
            fs::rename(file(&refused, *number, "json"), file(&queue, last, "json"))?;
            // The reason has no check-in any more.
            let _ = fs::remove_file(file(&refused, *number, "txt"));
        }
        sync(&queue)?;
        sync(&refused)?;
        Ok(again.len())
    }
}

fn file(folder: &Path, number: u64, extension: &str) -> PathBuf {
    folder.join(format!("{number:020}.{extension}"))
}

/// The numbers of the check-ins in a folder, in their order.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let number =
            number.filter(|number| number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Writes a file that must not be there; what a crash left of an earlier one may go.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // The disk may be full; what was written only takes room.
        let _ = fs::remove_file(path);
    }
    written
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
