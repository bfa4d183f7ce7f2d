//! Bearer secrets: made here, shown once, and known afterwards only by their SHA-256.
//!
//! `mop_<id>_<secret>` speaks for an operator, `mpx_…` for a proxy, `mdv_…` for a device; `id` is 8 hex digits and public,
//! the secret 64. The prefix lets scanners find a leaked one.
//!
//! Choice: MA-62.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::clock::{Random, random_bytes};
use super::store::{CredentialRecord, NewCredential, Role};
use crate::token_code::hex;
use crate::{Secret, UtcTimestamp};

/// A new secret, and what is stored of it.
#[derive(Debug)]
pub struct MintedSecret {
    /// What its owner is given, once.
    pub secret: Secret,
    /// What the store is given.
    pub credential: NewCredential,
}

/// Makes a secret of 256 random bits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn mint_secret(
    role: Role,
    name: impl Into<String>,
    now: UtcTimestamp,
    random: &dyn Random,
) -> std::io::Result<MintedSecret> {
    let id = hex(&random_bytes::<4>(random)?);
    let prefix = match role {
        Role::Operator => "mop",
        Role::Proxy => "mpx",
        Role::Device(_) => "mdv",
    };
    let secret = Secret::new(format!("{prefix}_{id}_{}", hex(&random_bytes::<32>(random)?)));
    let credential =
        NewCredential { id, role, name: name.into(), sha256: digest(secret.expose()), created_at: now };
    Ok(MintedSecret { secret, credential })
}

pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The public name inside a presented secret; `None` when it is none of ours.
pub(crate) fn id_of(presented: &str) -> Option<&str> {
    let mut parts = presented.split('_');
    let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let ours = matches!(prefix, "mop" | "mpx" | "mdv") && id.len() == 8 && secret.len() == 64;
    (ours && parts.next().is_none()).then_some(id)
}

/// Whether the stored secret is the presented one, and counts. The comparison takes the same time wherever they differ.
pub(crate) fn matches(record: &CredentialRecord, presented: &[u8; 32]) -> bool {
    bool::from(record.sha256.ct_eq(presented)) && record.revoked_at.is_none()
}
