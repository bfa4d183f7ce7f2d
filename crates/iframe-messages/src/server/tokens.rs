//! Signed tokens with a memory: each link is a family of tokens, of which the latest refresh token alone may be exchanged.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::roles::Link;
use crate::text::{from_hex, to_hex};
use crate::token::{AccessToken, RefreshToken, TokenPair};
use crate::{Moment, Origin};

/// How long tokens are good.
///
/// Choice: IF-43.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token: 15 minutes.
    pub access: Duration,
    /// A refresh token: 30 days.
    pub refresh: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { access: Duration::from_secs(15 * 60), refresh: Duration::from_secs(30 * 24 * 3600) }
    }
}

/// The secret that signs tokens. `Debug` never prints it, and it is wiped when dropped.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl SigningKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Names a link: 16 of the random bytes with which it was made, as hex digits.
type FamilyId = String;

/// A link: what is remembered of its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Family {
    origin: String,
    /// Counts the renewals.
    generation: u64,
    /// When the latest refresh token ends, in milliseconds.
    until: u64,
}

/// The most links that are remembered; the one that ends first makes room.
const MAX_FAMILIES: usize = 256;

/// Makes and checks tokens.
///
/// A token is `kind.family.generation.until.mac.origin`; the MAC is HMAC-SHA256 over all other parts, each behind its length. It is compared in constant
/// time. A refresh token that was exchanged already and comes again was stolen, or its successor was: the link ends (threat I2).
///
/// Source: iframe §1, §2.2 to §2.4. Choice: IF-43.
#[derive(Debug)]
pub struct TokenAuthority {
    key: SigningKey,
    lifetimes: Lifetimes,
    families: BTreeMap<FamilyId, Family>,
}

#[derive(Clone, Copy)]
enum Kind {
    Access,
    Refresh,
}

impl Kind {
    const fn letter(self) -> &'static str {
        match self {
            Self::Access => "a",
            Self::Refresh => "r",
        }
    }
}

/// A token that this authority has signed for this origin and that has not expired.
struct Genuine {
    family: FamilyId,
    generation: u64,
}

impl TokenAuthority {
    /// Without links.
    #[must_use]
    pub fn new(key: SigningKey, lifetimes: Lifetimes) -> Self {
        Self { key, lifetimes, families: BTreeMap::new() }
    }

    /// What must be kept so that links outlive a reload; no token can be made from it.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        serde_json::to_vec(&self.families).unwrap_or_default()
    }

    /// Goes on with what [`TokenAuthority::save`] gave. False, and no link, when that cannot be read.
    pub fn restore(&mut self, saved: &[u8]) -> bool {
        let families = serde_json::from_slice(saved).ok();
        let read = families.is_some();
        self.families = families.unwrap_or_default();
        read
    }

    fn sign(&self, kind: Kind, origin: &str, family: &str, generation: u64, until: u64) -> String {
        let (generation, until) = (generation.to_string(), until.to_string());
        // The key's length cannot be wrong for HMAC: any is right.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.key.0) else { return String::new() };
        for part in ["iframe-messages token 1", kind.letter(), family, &generation, &until, origin] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let mac = to_hex(&mac.finalize().into_bytes());
        format!("{}.{family}.{generation}.{until}.{mac}.{origin}", kind.letter())
    }

    fn pair(&self, origin: &Origin, family: &str, generation: u64, now: Moment) -> TokenPair {
        let sign = |kind, lifetime| {
            self.sign(kind, origin.as_str(), family, generation, now.after(lifetime).as_millis())
        };
        TokenPair {
            access_token: AccessToken::signed(sign(Kind::Access, self.lifetimes.access)),
            refresh_token: RefreshToken::signed(sign(Kind::Refresh, self.lifetimes.refresh)),
        }
    }

    /// Signs again what the token says, for the origin that shows it, and compares.
    fn genuine(&self, kind: Kind, origin: &Origin, token: &str, now: Moment) -> Option<Genuine> {
        let mut parts = token.splitn(6, '.').skip(1);
        let (family, generation, until) = (parts.next()?, parts.next()?, parts.next()?);
        from_hex::<16>(family)?;
        let (generation, until) = (generation.parse().ok()?, until.parse().ok()?);
        let signed = Zeroizing::new(self.sign(kind, origin.as_str(), family, generation, until));
        let same: bool = signed.as_bytes().ct_eq(token.as_bytes()).into();
        let genuine = Genuine { family: family.to_owned(), generation };
        (same && now.as_millis() < until).then_some(genuine)
    }
}

impl Link for TokenAuthority {
    fn issue(&mut self, origin: &Origin, random: [u8; 32], now: Moment) -> TokenPair {
        self.families.retain(|_, family| now.as_millis() < family.until);
        while self.families.len() >= MAX_FAMILIES {
            let first = self.families.iter().min_by_key(|(_, family)| family.until);
            let Some(id) = first.map(|(id, _)| id.clone()) else { break };
            self.families.remove(&id);
        }
        let id = to_hex(random.first_chunk::<16>().unwrap_or(&[0; 16]));
        let until = now.after(self.lifetimes.refresh).as_millis();
        self.families.insert(id.clone(), Family { origin: origin.as_str().to_owned(), generation: 0, until });
        self.pair(origin, &id, 0, now)
    }

    /// Of the present generation or the one before: calls that crossed a renewal pass until their token ends by itself.
    fn allows(&self, origin: &Origin, token: &AccessToken, now: Moment) -> bool {
        let Some(genuine) = self.genuine(Kind::Access, origin, token.expose(), now) else { return false };
        let family = self.families.get(&genuine.family);
        family.is_some_and(|family| genuine.generation.saturating_add(1) >= family.generation)
    }

    fn may_renew(&self, origin: &Origin, token: &RefreshToken, now: Moment) -> bool {
        let Some(genuine) = self.genuine(Kind::Refresh, origin, token.expose(), now) else { return false };
        self.families.get(&genuine.family).is_some_and(|family| genuine.generation == family.generation)
    }

    fn renew(&mut self, origin: &Origin, token: &RefreshToken, now: Moment) -> Option<TokenPair> {
        let genuine = self.genuine(Kind::Refresh, origin, token.expose(), now)?;
        let until = now.after(self.lifetimes.refresh).as_millis();
        let family = self.families.get_mut(&genuine.family)?;
        if genuine.generation != family.generation {
            self.families.remove(&genuine.family);
            return None;
        }
        family.generation += 1;
        family.until = until;
        let generation = family.generation;
        Some(self.pair(origin, &genuine.family, generation, now))
    }

    fn revoke(&mut self, origin: &Origin) {
        self.families.retain(|_, family| !origin.is(&family.origin));
    }
}
