//! The device's own SSH key: made once, read ever after, never overwritten.
//!
//! The document asks for a pair of keys "if absent" and names ed25519 (§3.3). The file is OpenSSH's own format, so
//! that `ssh -i` and `ssh-keygen` read it; the public half lies beside it as `<file>.pub`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meeting_api::{PublicKey, SigningKey};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

/// The largest private key file that is read. An RSA key of 16,384 bits takes 13 kB.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// Whether the key was found or had to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The file was there; it was read and left as it is.
    Existing,
    /// The file was absent; a new ed25519 key was written.
    Generated,
}

/// The device's SSH key, as the file holds it.
#[derive(Clone)]
pub struct DeviceSshKey {
    private: PrivateKey,
    provenance: Provenance,
    open_to_others: Option<u32>,
    signing: Option<Arc<SigningKey>>,
}

impl std::fmt::Debug for DeviceSshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceSshKey")
            .field("fingerprint", &self.fingerprint())
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

impl DeviceSshKey {
    /// The key in the form that signs requests; none when its type cannot (RSA).
    #[must_use]
    pub fn signing_key(&self) -> Option<Arc<SigningKey>> {
        self.signing.clone()
    }

    /// The public half, as the Meeting API takes it (§3.3).
    ///
    /// # Errors
    /// [`KeyFileError::Unreadable`] when the key is of a type or size that the API refuses.
    pub fn public_key(&self) -> Result<PublicKey, KeyFileError> {
        PublicKey::parse(&self.public_line()?).map_err(|error| KeyFileError::Unreadable(error.to_string()))
    }

    /// The public half as one line of OpenSSH text, comment included, without a newline: what §3.3 publishes.
    ///
    /// # Errors
    /// [`KeyFileError::Unreadable`] when the key cannot be written back as text, which a parsed key always can.
    pub fn public_line(&self) -> Result<String, KeyFileError> {
        self.private.public_key().to_openssh().map_err(|error| KeyFileError::Unreadable(error.to_string()))
    }

    /// The fingerprint of the public half as `ssh-keygen -l` prints it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.private.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether the key was found or made.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The permission bits of the file when people other than its owner can read it, which `ssh` refuses.
    #[must_use]
    pub fn open_to_others(&self) -> Option<u32> {
        self.open_to_others
    }
}

/// Why there is no key to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// A file or directory could not be read, made or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, in the words of the message: "reading", "writing" …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is there but is no OpenSSH private key.
    #[error(
        "not an OpenSSH private key ({0}); move the file away to have a new key made, or give another path"
    )]
    Unreadable(String),
    /// The file is protected by a passphrase, which a program without a person cannot give.
    #[error("the key is protected by a passphrase; remove it with `ssh-keygen -p`, or give another path")]
    Encrypted,
    /// The file is larger than any key.
    #[error("larger than {MAX_KEY_FILE_BYTES} bytes, so no private key")]
    TooLarge,
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_path_buf();
    move |source| KeyFileError::Io { action, path, source }
}

/// Reads the key at `path`, or makes one there with `comment` when nothing is there.
///
/// A file that exists is never written to, whatever it holds. Of several programs that start at once, one makes the
/// key and the others read that one.
///
/// # Errors
/// Every variant of [`KeyFileError`].
pub fn load_or_generate(path: &Path, comment: &str) -> Result<DeviceSshKey, KeyFileError> {
    match load(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        loaded => return loaded,
    }
    let provenance = generate(path, comment)?;
    Ok(DeviceSshKey { provenance, ..load(path)? })
}

/// Reads the key at `path`.
///
/// # Errors
/// Every variant of [`KeyFileError`]; an absent file is `Io` with [`io::ErrorKind::NotFound`].
pub fn load(path: &Path) -> Result<DeviceSshKey, KeyFileError> {
    let file = File::open(path).map_err(io_error("reading", path))?;
    let mode = file.metadata().map_err(io_error("reading", path))?.permissions().mode() & 0o777;
    let mut text = Zeroizing::new(Vec::new());
    let read = file.take(MAX_KEY_FILE_BYTES + 1).read_to_end(&mut text).map_err(io_error("reading", path))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_KEY_FILE_BYTES {
        return Err(KeyFileError::TooLarge);
    }
    let private = PrivateKey::from_openssh(text.as_slice())
        .map_err(|error| KeyFileError::Unreadable(error.to_string()))?;
    if private.is_encrypted() {
        return Err(KeyFileError::Encrypted);
    }
    let signing = SigningKey::from_openssh(&text).ok().map(Arc::new);
    Ok(DeviceSshKey {
        private,
        signing,
        provenance: Provenance::Existing,
        open_to_others: (mode & 0o077 != 0).then_some(mode),
    })
}

/// Makes a key and puts it at `path`, unless something is there by then.
fn generate(path: &Path, comment: &str) -> Result<Provenance, KeyFileError> {
    let directory = parent(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(io_error("creating", directory))?;

    let mut private = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)
        .map_err(|error| KeyFileError::Unreadable(error.to_string()))?;
    private.set_comment(comment);
    let text =
        private.to_openssh(LineEnding::LF).map_err(|error| KeyFileError::Unreadable(error.to_string()))?;

    let temporary = beside(path);
    let placed = write_new(&temporary, text.as_bytes(), 0o600)
        .map_err(io_error("writing", &temporary))
        .and_then(|()| place(&temporary, path).map_err(io_error("writing", path)));
    let _ = fs::remove_file(&temporary);
    let placed = placed?;
    sync_directory(directory).map_err(io_error("writing", directory))?;
    if placed == Provenance::Generated {
        write_public_half(path, &private)?;
    }
    Ok(placed)
}

/// Gives a finished temporary file its name, without replacing anything that got the name first.
fn place(temporary: &Path, path: &Path) -> io::Result<Provenance> {
    match fs::hard_link(temporary, path) {
        Ok(()) => Ok(Provenance::Generated),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Provenance::Existing),
        // A file system without hard links (FAT, some FUSE): rename, after making sure that nothing is there.
        Err(_) if !path.try_exists()? => fs::rename(temporary, path).map(|()| Provenance::Generated),
        Err(error) => Err(error),
    }
}

/// Writes `<path>.pub` beside a fresh private key. It is a convenience for people: nothing here reads it.
fn write_public_half(path: &Path, private: &PrivateKey) -> Result<(), KeyFileError> {
    let mut line =
        private.public_key().to_openssh().map_err(|error| KeyFileError::Unreadable(error.to_string()))?;
    line.push('\n');
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let public = PathBuf::from(name);
    let temporary = beside(&public);
    write_new(&temporary, line.as_bytes(), 0o644)
        .and_then(|()| fs::rename(&temporary, &public))
        .map_err(io_error("writing", &public))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name in the same directory that nobody else uses: hidden, with the process and a counter.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    parent(path).join(format!(".{name}.{}.{count}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_absent_key_is_made_with_tight_permissions_and_read_back_the_same() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keys/id_ed25519");
        let made = load_or_generate(&path, "0123abcd").unwrap();
        assert_eq!(made.provenance(), Provenance::Generated);
        assert_eq!(made.open_to_others(), None);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));

        let read = load_or_generate(&path, "another comment").unwrap();
        assert_eq!(read.provenance(), Provenance::Existing);
        assert_eq!(read.public_line().unwrap(), made.public_line().unwrap());
        assert!(made.public_line().unwrap().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
        assert!(made.public_line().unwrap().ends_with(" 0123abcd"));
        assert_eq!(
            fs::read_to_string(path.with_extension("pub")).unwrap(),
            format!("{}\n", made.public_line().unwrap())
        );
        let mut names: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["id_ed25519", "id_ed25519.pub"]);
    }

    #[test]
    fn whatever_is_there_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("id_ed25519");
        fs::write(&path, "my shopping list\n").unwrap();
        assert!(matches!(load_or_generate(&path, "c"), Err(KeyFileError::Unreadable(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "my shopping list\n");

        fs::write(&path, vec![b'x'; 65 * 1024]).unwrap();
        assert!(matches!(load_or_generate(&path, "c"), Err(KeyFileError::TooLarge)));
        assert_eq!(fs::metadata(&path).unwrap().len(), 65 * 1024);
    }

    #[test]
    fn a_key_that_others_can_read_is_told_so() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("id_ed25519");
        load_or_generate(&path, "c").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(load(&path).unwrap().open_to_others(), Some(0o644));
    }

    #[test]
    fn of_many_that_start_at_once_all_end_with_the_same_key() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("id_ed25519");
        let barrier = std::sync::Barrier::new(8);
        let lines: Vec<String> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                load_or_generate(&path, "c").unwrap().public_line().unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
    }

    #[test]
    fn the_debug_text_holds_no_private_part() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("id_ed25519");
        let key = load_or_generate(&path, "c").unwrap();
        let secret = fs::read_to_string(&path).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.fingerprint()));
        for line in secret.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(line));
        }
    }
}
