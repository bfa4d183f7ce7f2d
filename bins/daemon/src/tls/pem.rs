//! PEM files into rustls types, with errors that name the file and what is missing in it.

use crate::exit::{Exit, Failure};
use rustls::RootCertStore;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use zeroize::Zeroizing;

/// A PEM file larger than this is another kind of file: 4 MiB, some 2,000 certificates.
const MAX_PEM_BYTES: u64 = 4 << 20;

fn read(what: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let fail = |error| Failure::io(format!("{what} {}", path.display()), error);
    let length = std::fs::metadata(path).map_err(fail)?.len();
    if length > MAX_PEM_BYTES {
        return Err(malformed(what, path, "is larger than 4 MiB"));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(fail)
}

fn malformed(what: &str, path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Configuration, format!("{what} {}: {why}", path.display()))
}

/// The certificates of a file, in order; at least one.
pub(super) fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = read(what, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| malformed(what, path, format_args!("not PEM: {error}")))?;
    match chain.is_empty() {
        true => Err(malformed(what, path, "holds no `BEGIN CERTIFICATE`")
            .advise("the certificate as PEM, not DER or PKCS#12")),
        false => Ok(chain),
    }
}

/// The first private key of a file.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    const WHAT: &str = "TLS key";
    let text = read(WHAT, path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        PemError::NoItemsFound => malformed(WHAT, path, "holds no `BEGIN PRIVATE KEY`")
            .advise("an unencrypted PEM key; `openssl pkey -in KEY -out PLAIN` removes a passphrase"),
        error => malformed(WHAT, path, format_args!("not PEM: {error}")),
    })
}

/// A set of trusted authorities.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore, Failure> {
    const WHAT: &str = "TLS authority file";
    let mut store = RootCertStore::empty();
    for certificate in certificates(WHAT, path)? {
        store.add(certificate).map_err(|error| malformed(WHAT, path, error))?;
    }
    Ok(store)
}

/// A certificate chain with its key, for errors in both.
pub(super) fn pair_error(certificate: &Path, key: &Path, error: &rustls::Error) -> Failure {
    let what = format!("TLS certificate {} with key {}", certificate.display(), key.display());
    let failure = Failure::new(Exit::Configuration, format!("{what}: {error}"));
    match error {
        rustls::Error::InconsistentKeys(_) => {
            failure.advise("the key that belongs to the first certificate of the file")
        }
        _ => failure,
    }
}
