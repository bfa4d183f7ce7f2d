//! What an operator decides about a server.

use std::fmt;
use std::time::Duration;

use super::access::digest;
use super::store::Role;
use crate::net::{Net, Regulars};
use crate::{ApiKey, CheckIn};

/// What an operator decides about a server. The default takes no key but those in the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where check-ins are posted, and `GET` answers `{"status":"ok"}`; `/`, `/checkins` and `/v1/checkins` by default.
    ///
    /// Source: checkin §2, §7.3.
    pub submission_paths: Vec<String>,
    /// One key that all bots share, beside those in the store; none by default.
    ///
    /// Source: checkin §7.2.
    pub secret: Option<SharedSecret>,
    /// Whether anybody may read check-ins without a key; not by default.
    pub public_reading: bool,
    /// The nets whose weeks can be read; none by default. Of two with one name the first counts.
    pub nets: Vec<Net>,
    /// Who counts as a regular; whoever was there in at least 3 of the last 4 weeks by default. Choice: CI-58.
    pub regulars: Regulars,
    /// How many check-ins a key may submit.
    pub rate: RateLimit,
    /// Largest body of a single check-in, in bytes; 4 KiB by default. Source: checkin §7.3.
    pub max_body_bytes: usize,
    /// Largest body of a batch, in bytes; 1 MiB by default. Choice: CI-29.
    pub max_batch_bytes: usize,
    /// Most check-ins of a batch; 2,000 by default. Choice: CI-29.
    pub max_batch_lines: usize,
    /// How long a body may take to come in; 10 s by default.
    pub body_deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            submission_paths: ["/", "/checkins", "/v1/checkins"].map(str::to_owned).into(),
            secret: None,
            public_reading: false,
            nets: Vec::new(),
            regulars: Regulars::default(),
            rate: RateLimit::default(),
            max_body_bytes: CheckIn::MAX_BYTES,
            max_batch_bytes: 1024 * 1024,
            max_batch_lines: 2000,
            body_deadline: Duration::from_secs(10),
        }
    }
}

/// How many check-ins a key may submit: a flush at once, then so many a second.
///
/// Choice: CI-28.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// At once; 2,000 by default.
    pub burst: u32,
    /// More for each second; 200 by default.
    pub per_second: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { burst: 2000, per_second: 200 }
    }
}

/// One key that all bots share: the document's `CHECKIN_API_SECRET`. Only its SHA-256 is kept.
#[derive(Clone)]
pub struct SharedSecret {
    pub(super) sha256: [u8; 32],
    pub(super) name: String,
    pub(super) role: Role,
}

impl SharedSecret {
    /// A key that may submit, and whose name on records is `environment`.
    #[must_use]
    pub fn new(secret: &ApiKey) -> Self {
        let sha256 = digest(secret.expose().as_bytes());
        Self { sha256, name: "environment".to_owned(), role: Role::Submit }
    }

    /// The same key with another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same key with another role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
