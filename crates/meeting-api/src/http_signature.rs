//! Requests signed with a device's SSH key: a subset of RFC 9421 (HTTP Message Signatures) with the digest of RFC 9530.
//!
//! One signature, labelled `meeting`, over exactly `"@method"`, `"@path"`, `"@query"` and `"content-digest"`, with the parameters
//! `created`, `nonce`, `keyid` (the key's `SHA256:…` fingerprint) and `alg`. The body is covered by its digest; a replay
//! is recognised by its nonce, which the verifier's store remembers for the window.
//!
//! The document gives device calls no authentication; this is an addition that a server may ask for.
//! Choice: MA-31.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{PublicKey, SigningKey};

mod parse;

/// Label of the signature in both headers.
pub const LABEL: &str = "meeting";
/// How far `created` may lie from the verifier's clock, in seconds, either way.
pub const WINDOW_SECONDS: u64 = 300;
/// Header of the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";
/// Header that names what is signed.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Header of the signature.
pub const SIGNATURE: &str = "signature";
/// Longest value of each of the three headers that is read, in bytes.
pub const MAX_HEADER_BYTES: usize = 2048;

const COMPONENTS: [&str; 4] = ["@method", "@path", "@query", "content-digest"];

/// An algorithm of RFC 9421's registry, which is given by the type of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `ed25519`, for `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-p256-sha256`, for `ecdsa-sha2-nistp256`.
    EcdsaP256Sha256,
    /// `ecdsa-p384-sha384`, for `ecdsa-sha2-nistp384`.
    EcdsaP384Sha384,
}

impl Algorithm {
    /// The algorithm's registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
        }
    }

    /// The algorithm of a key; `None` for types that do not sign requests.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        match key.algorithm() {
            "ssh-ed25519" => Some(Self::Ed25519),
            "ecdsa-sha2-nistp256" => Some(Self::EcdsaP256Sha256),
            "ecdsa-sha2-nistp384" => Some(Self::EcdsaP384Sha384),
            _ => None,
        }
    }
}

/// What of a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as it stands in the request line, without the query.
    pub path: &'a str,
    /// The query without its `?`; `None` where there is none.
    pub query: Option<&'a str>,
    /// The body, perhaps empty.
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The lines that are signed (RFC 9421 §2.5), for parameters in their serialised form.
    fn base(&self, components: &[&str], content_digest: &str, parameters: &str) -> String {
        let mut base = String::new();
        for component in components {
            let value = match *component {
                "@method" => self.method,
                "@path" => self.path,
                "@query" => &format!("?{}", self.query.unwrap_or_default()),
                _ => content_digest,
            };
            base.push_str(&format!("\"{component}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {parameters}"));
        base
    }
}

/// The three headers of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureHeaders {
    /// Value of `Content-Digest`.
    pub content_digest: String,
    /// Value of `Signature-Input`.
    pub signature_input: String,
    /// Value of `Signature`.
    pub signature: String,
}

/// Value of `Content-Digest` for a body: `sha-256=:…:`.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

/// Signs a request at `created` (seconds since 1970 by the signer's clock) with a nonce of 16 random bytes, which must
/// not be used twice. `None` only if the key cannot sign, which [`SigningKey`] rules out.
#[must_use]
pub fn sign(
    key: &SigningKey,
    request: &SignedRequest<'_>,
    created: i64,
    nonce: [u8; 16],
) -> Option<SignatureHeaders> {
    let algorithm = Algorithm::of(key.public_key())?.as_str();
    let key_id = key.public_key().fingerprint();
    let nonce = URL_SAFE_NO_PAD.encode(nonce);
    let components = COMPONENTS.map(|component| format!("\"{component}\"")).join(" ");
    let parameters =
        format!("({components});created={created};nonce=\"{nonce}\";keyid=\"{key_id}\";alg=\"{algorithm}\"");
    let content_digest = content_digest(request.body);
    let signature = key.sign(request.base(&COMPONENTS, &content_digest, &parameters).as_bytes())?;
    Some(SignatureHeaders {
        content_digest,
        signature_input: format!("{LABEL}={parameters}"),
        signature: format!("{LABEL}=:{}:", STANDARD.encode(signature)),
    })
}

/// The signature of a request that has arrived: read, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSignature {
    /// The components in the order in which they are signed.
    components: Vec<&'static str>,
    /// The parameters as they were sent, for the signature covers their spelling.
    parameters: String,
    content_digest: String,
    created: i64,
    nonce: String,
    key_id: String,
    algorithm: Option<String>,
    signature: Vec<u8>,
}

impl RequestSignature {
    /// Reads the three headers. Signatures under other labels pass unread.
    ///
    /// # Errors
    /// [`SignatureRefused::Malformed`] when there is no signature `meeting` in the form of this module.
    pub fn parse(
        content_digest: &str,
        signature_input: &str,
        signature: &str,
    ) -> Result<Self, SignatureRefused> {
        parse::headers(content_digest, signature_input, signature).ok_or(SignatureRefused::Malformed)
    }

    /// The fingerprint of the key that claims to have signed.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The nonce: 16 to 64 characters of base64url. The caller refuses one that it has seen within the window.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// When the signer says that it signed, in seconds since 1970.
    #[must_use]
    pub const fn created(&self) -> i64 {
        self.created
    }

    /// Verifies that `key` signed this request, at most 300 s from `now` (seconds since 1970).
    ///
    /// The nonce is not looked at: remember it only after this has succeeded, so that strangers cannot fill the memory.
    ///
    /// # Errors
    /// [`SignatureRefused`] says what is wrong; to the peer, all of them are the same 401.
    pub fn verify(
        &self,
        key: &PublicKey,
        request: &SignedRequest<'_>,
        now: i64,
    ) -> Result<(), SignatureRefused> {
        if self.created.abs_diff(now) > WINDOW_SECONDS {
            return Err(SignatureRefused::Expired);
        }
        let algorithm = Algorithm::of(key).ok_or(SignatureRefused::Algorithm)?;
        if self.algorithm.as_deref().is_some_and(|claimed| claimed != algorithm.as_str()) {
            return Err(SignatureRefused::Algorithm);
        }
        if self.key_id != key.fingerprint() {
            return Err(SignatureRefused::WrongKey);
        }
        let digest = content_digest(request.body);
        if !bool::from(digest.as_bytes().ct_eq(self.content_digest.as_bytes())) {
            return Err(SignatureRefused::Digest);
        }
        let base = request.base(&self.components, &self.content_digest, &self.parameters);
        if key.verifies(algorithm, base.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(SignatureRefused::Signature)
        }
    }
}

impl PublicKey {
    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::Verifier;
        let verified = || -> Option<()> {
            let parsed = ssh_key::PublicKey::from_bytes(self.blob()).ok()?;
            match algorithm {
                Algorithm::Ed25519 => {
                    let signature = ssh_key::Signature::new(ssh_key::Algorithm::Ed25519, signature).ok()?;
                    parsed.key_data().verify(message, &signature).ok()
                }
                Algorithm::EcdsaP256Sha256 => {
                    let point = parsed.key_data().ecdsa()?.as_sec1_bytes();
                    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                    key.verify(message, &p256::ecdsa::Signature::from_slice(signature).ok()?).ok()
                }
                Algorithm::EcdsaP384Sha384 => {
                    let point = parsed.key_data().ecdsa()?.as_sec1_bytes();
                    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                    key.verify(message, &p384::ecdsa::Signature::from_slice(signature).ok()?).ok()
                }
            }
        };
        verified().is_some()
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// The headers are not a signature in the form of this module.
    #[error("the signature headers are malformed")]
    Malformed,
    /// `created` is more than 300 s away from the verifier's clock.
    #[error("the signature was made at another time; is the clock right?")]
    Expired,
    /// The algorithm is not the key's.
    #[error("the signature is of another algorithm")]
    Algorithm,
    /// Another key signed.
    #[error("another key signed")]
    WrongKey,
    /// The body is not the one that was signed.
    #[error("the digest is not that of the body")]
    Digest,
    /// The signature is wrong.
    #[error("the signature does not fit")]
    Signature,
}
