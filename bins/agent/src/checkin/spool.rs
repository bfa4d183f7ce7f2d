//! The spool folder: bots leave check-ins in it, the agent takes them.
//!
//! A check-in is a file `<name>.json` with the JSON of the check-in. A file under another name, or with a dot before it, is none of the
//! agent's: write there and rename. What is taken is on disk in the outbox before its file goes. What is no check-in moves
//! to the folder `refused` beside it, with the reason in `<name>.json.reason.txt`.
//!
//! Choice: AG-8.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use checkin_api::outbox::{Outbox, OutboxError};
use checkin_api::{CheckIn, PacketHash};

use super::draft::Draft;

/// Where that goes which is no check-in.
const REFUSED: &str = "refused";
/// Largest file that is read: a check-in has 4 KiB, and a bot may say more beside it.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// How long a file that ends early may still be being written.
const UNFINISHED: Duration = Duration::from_secs(10);
/// Most files that are taken at once.
const MAX_AT_ONCE: usize = 100;

/// What happened to a file.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is in the outbox.
    Accepted(PacketHash),
    /// It was no check-in, and is moved aside.
    Refused {
        /// The file's name.
        file: String,
        /// Why.
        reason: String,
    },
    /// It can be neither taken nor moved.
    Stuck {
        /// The file's name.
        file: String,
        /// Why.
        reason: String,
    },
}

/// A spool folder, and which of its files are stuck: said once, not at every look.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: Arc<Path>,
    source_bot: Option<String>,
    stuck: HashMap<String, String>,
}

/// What a file is called between the moment in which it is found good and the one in which the outbox has it. Whoever cannot rename a file
/// cannot remove it either: it would be taken for ever.
const CLAIMED: &str = ".taking-";

/// A file of the folder, where it is now, and what is in it.
struct Found {
    name: String,
    path: PathBuf,
    content: Result<CheckIn, Unusable>,
}

impl Spool {
    /// The folder, which is made if it is missing.
    pub(crate) fn open(folder: PathBuf, source_bot: Option<String>) -> io::Result<Self> {
        fs::create_dir_all(folder.join(REFUSED))?;
        Ok(Self { folder: folder.into(), source_bot, stuck: HashMap::new() })
    }

    /// Takes what is there, oldest first, and tells of each; says whether there may be more.
    ///
    /// # Errors
    /// The folder cannot be read, or the outbox takes no more; what was not taken stays in the folder.
    pub(crate) async fn take(
        &mut self,
        outbox: &Outbox,
        mut tell: impl FnMut(Taken),
    ) -> Result<bool, OutboxError> {
        let (folder, source_bot) = (Arc::clone(&self.folder), self.source_bot.clone());
        let stuck = self.stuck.keys().cloned().collect();
        let found = blocking(move || scan(&folder, &stuck, source_bot.as_deref())).await?;
        let more = found.len() == MAX_AT_ONCE;
        let check_ins: Vec<_> =
            found.iter().filter_map(|found| found.content.as_ref().ok()).cloned().collect();
        if !check_ins.is_empty() {
            outbox.put_all(&check_ins).await?;
        }
        let folder = Arc::clone(&self.folder);
        let cleared =
            blocking(move || Ok(found.into_iter().filter_map(|found| clear(&folder, found)).collect()))
                .await?;
        let mut stuck = HashMap::new();
        for taken in Vec::into_iter(cleared) {
            if let Taken::Stuck { file, reason } = &taken {
                stuck.insert(file.clone(), reason.clone());
                if self.stuck.get(file) == Some(reason) {
                    continue;
                }
            }
            tell(taken);
        }
        // Without the stuck ones there is nothing new to find at once.
        let more = more && stuck.is_empty();
        self.stuck = stuck;
        Ok(more)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The files that are there, oldest first, and what is in them. Those that were stuck come last, so that they hold up no other.
fn scan(folder: &Path, stuck: &HashSet<String>, source_bot: Option<&str>) -> io::Result<Vec<Found>> {
    let mut files = list(folder)?;
    files.sort_by_cached_key(|(_, file)| stuck.contains(file.strip_prefix(CLAIMED).unwrap_or(file)));
    let found = files.into_iter().take(MAX_AT_ONCE).map(|(modified, file)| {
        let mut path = folder.join(&file);
        let text = read(&path).map_err(|error| Unusable::Stuck(format!("cannot be read: {error}")));
        let mut content = text.and_then(|text| decode(&text, source_bot, modified));
        let name = file.strip_prefix(CLAIMED).unwrap_or(&file).to_owned();
        if content.is_ok() && name == file {
            let claimed = folder.join(format!("{CLAIMED}{name}"));
            match fs::rename(&path, &claimed) {
                Ok(()) => path = claimed,
                Err(error) => content = Err(Unusable::Stuck(format!("cannot be removed: {error}"))),
            }
        }
        Found { name, path, content }
    });
    Ok(found.collect())
}

/// Takes a file away whose content is in the outbox, or moves it aside. Nothing to tell of one that is being written.
fn clear(folder: &Path, found: Found) -> Option<Taken> {
    let Found { name: file, path, content } = found;
    let failed = |words: &str, error: &io::Error| format!("{words}: {error}");
    Some(match content {
        Ok(check_in) => match fs::remove_file(&path) {
            Ok(()) => Taken::Accepted(check_in.packet_hash),
            Err(error) => Taken::Stuck { file, reason: failed("taken, and cannot be removed", &error) },
        },
        Err(Unusable::Unfinished) => return None,
        Err(Unusable::Stuck(reason)) => Taken::Stuck { file, reason },
        Err(Unusable::Never(reason)) => match refuse(folder, &file, &path, &reason) {
            Ok(()) => Taken::Refused { file, reason },
            Err(error) => {
                let reason = failed(&format!("{reason}; and it cannot be moved"), &error);
                Taken::Stuck { file, reason }
            }
        },
    })
}

/// Moves a file aside; the reason first, so that none is without one. Whoever may write to the spool could have put a link there, so none is
/// followed: a rename replaces a link, and not what it points to.
fn refuse(folder: &Path, name: &str, path: &Path, reason: &str) -> io::Result<()> {
    let refused = folder.join(REFUSED);
    if !fs::symlink_metadata(&refused)?.is_dir() {
        return Err(io::Error::other("the folder `refused` is none"));
    }
    let new = refused.join(".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    file.write_all(format!("{reason}\n").as_bytes())?;
    fs::rename(&new, refused.join(format!("{name}.reason.txt")))?;
    fs::rename(path, refused.join(name))
}

/// Why a file is no check-in.
enum Unusable {
    /// It may still be being written.
    Unfinished,
    /// It is none.
    Never(String),
    /// The disk or the file's mode is at fault.
    Stuck(String),
}

fn decode(text: &[u8], source_bot: Option<&str>, modified: SystemTime) -> Result<CheckIn, Unusable> {
    let draft = serde_json::from_slice::<Draft>(text).map_err(|error| {
        let young = modified.elapsed().is_ok_and(|age| age < UNFINISHED);
        let plain = format!(
            "no check-in: {:?} error, line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        );
        if error.is_eof() && young { Unusable::Unfinished } else { Unusable::Never(plain.to_lowercase()) }
    })?;
    draft.finish(source_bot, modified).map_err(Unusable::Never)
}

/// The check-ins by the time they were written, and by name. Links and folders are left alone: somebody else's file must
/// not be read on a bot's word.
fn list(folder: &Path) -> io::Result<Vec<(SystemTime, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A name that is no UTF-8 is no bot's.
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A file may go away between the two calls.
        let Ok(metadata) = entry.metadata() else { continue };
        if ours(&name) && metadata.is_file() {
            files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), name));
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a bot has finished this file, or a run before this one has begun to take it.
fn ours(name: &str) -> bool {
    name.ends_with(".json") && (!name.starts_with('.') || name.starts_with(CLAIMED))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // What was listed as a file may have become a link since: the agent may read what the bot may not.
    let (opened, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    if !named.is_file() || (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
