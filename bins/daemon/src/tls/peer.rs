//! What a verified client certificate says about its owner.

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::fmt;

/// The certificate of a peer, whose chain and possession of the key the handshake has verified.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    fingerprint: [u8; 32],
    names: Vec<String>,
}

impl PeerCertificate {
    pub(super) fn new(certificate: &CertificateDer<'_>) -> Self {
        let names = webpki::EndEntityCert::try_from(certificate)
            .map(|parsed| parsed.valid_dns_names().map(str::to_owned).collect())
            .unwrap_or_default();
        Self { fingerprint: Sha256::digest(certificate).into(), names }
    }

    /// SHA-256 of the whole certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The DNS names among its subject alternative names. The subject's common name is not looked at.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.names
    }
}

/// `SHA256:` and lower-case hexadecimal.
impl fmt::Display for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA256:")?;
        self.fingerprint.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerCertificate({self} {:?})", self.names)
    }
}
