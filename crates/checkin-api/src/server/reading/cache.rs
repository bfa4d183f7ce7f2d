//! Answers that are kept as long as they are right, so that a hundred pages that look at one board ask the store once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, MutexGuard};

/// Parts that are locked apart; whoever asks for what is being made waits for it.
const PARTS: usize = 16;
/// Most bytes kept in each part: 4 MiB in all.
const MAX_BYTES: usize = 256 * 1024;

type Part = HashMap<String, (String, Bytes)>;

#[derive(Debug)]
pub(super) struct Cache {
    parts: Vec<Mutex<Part>>,
    hasher: RandomState,
}

impl Default for Cache {
    fn default() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { parts, hasher: RandomState::new() }
    }
}

/// What the cache says.
pub(super) enum Fresh<'a> {
    /// The answer is known.
    Known(Bytes),
    /// It has to be made; others who ask for it wait until then.
    Wanted(Place<'a>),
}

/// Where an answer is put.
pub(super) struct Place<'a> {
    part: Option<MutexGuard<'a, Part>>,
    path: String,
    tag: String,
}

impl Cache {
    pub(super) async fn find(&self, path: &str, tag: &str) -> Fresh<'_> {
        let (path, tag) = (path.to_owned(), tag.to_owned());
        let count = u64::try_from(self.parts.len().max(1)).unwrap_or(1);
        let number = usize::try_from(self.hasher.hash_one(&path) % count).unwrap_or(0);
        let part = match self.parts.get(number) {
            Some(part) => part.lock().await,
            None => return Fresh::Wanted(Place { part: None, path, tag }),
        };
        if let Some((known, body)) = part.get(&path)
            && *known == tag
        {
            return Fresh::Known(body.clone());
        }
        Fresh::Wanted(Place { part: Some(part), path, tag })
    }
}

impl Place<'_> {
    pub(super) fn keep(self, body: Bytes) -> Bytes {
        if let Some(mut part) = self.part
            && body.len() <= MAX_BYTES
        {
            part.remove(&self.path);
            let size = |path: &str, body: &Bytes| path.len() + body.len();
            let kept: usize = part.iter().map(|(path, (_, body))| size(path, body)).sum();
            if kept + size(&self.path, &body) > MAX_BYTES {
                part.clear();
            }
            part.insert(self.path, (self.tag, body.clone()));
        }
        body
    }
}

/// An entity tag over what an answer depends on.
pub(super) fn tag(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digits: String = digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Whether the header names the tag, or any.
pub(super) fn matches(headers: &HeaderMap, name: HeaderName, tag: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|one| {
        // Intermediaries that compress make a tag weak.
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}
