use std::fmt;

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use crate::{PublicKey, Secret};

/// A device's own SSH key pair, which signs its requests.
///
/// `ssh-ed25519`, `ecdsa-sha2-nistp256` and `ecdsa-sha2-nistp384` can sign; the private part is wiped when dropped and
/// `Debug` never prints it.
///
/// Source: meeting §3.3.
#[derive(Clone)]
pub struct SigningKey {
    private: PrivateKey,
    public: PublicKey,
}

impl SigningKey {
    /// The ed25519 pair of these 32 random bytes.
    ///
    /// # Errors
    /// Never for a comment without control characters, which are refused as
    /// [`SigningKeyRefused::Malformed`].
    pub fn ed25519_from_seed(seed: &[u8; 32], comment: &str) -> Result<Self, SigningKeyRefused> {
        if comment.contains(char::is_control) {
            return Err(SigningKeyRefused::Malformed);
        }
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
        let private = PrivateKey::new(pair, comment).map_err(|_| SigningKeyRefused::Malformed)?;
        Self::new(private)
    }

    /// Reads a private key file of OpenSSH (`-----BEGIN OPENSSH PRIVATE KEY-----`).
    ///
    /// # Errors
    /// [`SigningKeyRefused`] when it is no such file, is protected by a passphrase, or is of a type that cannot sign here.
    pub fn from_openssh(pem: &[u8]) -> Result<Self, SigningKeyRefused> {
        let private = PrivateKey::from_openssh(pem).map_err(|_| SigningKeyRefused::Malformed)?;
        if private.is_encrypted() {
            return Err(SigningKeyRefused::Passphrase);
        }
        Self::new(private)
    }

    fn new(private: PrivateKey) -> Result<Self, SigningKeyRefused> {
        let blob = private.public_key().to_bytes().map_err(|_| SigningKeyRefused::Malformed)?;
        let public =
            PublicKey::from_blob(&blob, private.comment()).map_err(|_| SigningKeyRefused::UnsupportedType)?;
        crate::http_signature::Algorithm::of(&public).ok_or(SigningKeyRefused::UnsupportedType)?;
        Ok(Self { private, public })
    }

    /// The public part, with the comment.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The private key file of OpenSSH. Write it with mode 0600.
    ///
    /// # Errors
    /// [`SigningKeyRefused::Malformed`] when the key cannot be encoded, which a key that was read can.
    pub fn to_openssh(&self) -> Result<Secret, SigningKeyRefused> {
        let pem = self.private.to_openssh(LineEnding::LF).map_err(|_| SigningKeyRefused::Malformed)?;
        Ok(Secret::new(pem.as_str()))
    }

    /// Signs in the form that RFC 9421 has for the key's algorithm.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        use p256::ecdsa::signature::Signer;
        use ssh_key::private::EcdsaKeypair;
        match self.private.key_data() {
            KeypairData::Ed25519(pair) => {
                pair.try_sign(message).ok().map(|signature| signature.as_bytes().to_vec())
            }
            KeypairData::Ecdsa(EcdsaKeypair::NistP256 { private, .. }) => {
                let key = p256::ecdsa::SigningKey::from_slice(private.as_slice()).ok()?;
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            KeypairData::Ecdsa(EcdsaKeypair::NistP384 { private, .. }) => {
                let key = p384::ecdsa::SigningKey::from_slice(private.as_slice()).ok()?;
                let signature: p384::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            _ => None,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.public)
    }
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyRefused {
    /// Not a private key file of OpenSSH.
    #[error("not a private key in OpenSSH's form")]
    Malformed,
    /// Protected by a passphrase, which nobody is there to type.
    #[error("the private key is protected by a passphrase")]
    Passphrase,
    /// A type that does not sign requests.
    #[error("requests are signed with ssh-ed25519, ecdsa-sha2-nistp256 or ecdsa-sha2-nistp384")]
    UnsupportedType,
}
