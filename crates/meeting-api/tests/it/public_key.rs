//! R5: what is taken as a public key, and how it is written back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use meeting_api::http_signature::{Algorithm, RequestSignature, SignedRequest, sign};
use meeting_api::{PublicKey, SigningKey, SigningKeyRefused};
use proptest::prelude::*;

use super::key_corpus::{ECDSA521, ED25519, RSA2048, SK_ED25519, accepted, bare, refused};

#[test]
fn r5_corpus_of_at_least_60_cases() {
    assert!(accepted().len() + refused().len() >= 60);
    for (line, comment) in accepted() {
        let key = PublicKey::parse(&line).unwrap_or_else(|refused| panic!("{line:?}: {refused}"));
        assert_eq!(key.comment(), comment, "{line:?}");
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        assert_eq!(key.to_string(), format!("{} {comment}", key.without_comment()).trim_end());
        assert_eq!(key.without_comment(), bare(&line.split_whitespace().collect::<Vec<_>>().join(" ")));
        assert_eq!(PublicKey::from_blob(key.blob(), &comment), Ok(key));
    }
    for (line, why) in refused() {
        assert_eq!(PublicKey::parse(&line), Err(why), "{line:?}");
    }
}

/// The fingerprint as `ssh-keygen -l` shows it for this key.
#[test]
fn fingerprints_are_those_of_openssh() {
    let key = PublicKey::parse(SK_ED25519).unwrap();
    assert_eq!(key.fingerprint(), "SHA256:OzhmUONb6Pp+tQqrh5dLb0O+/z6d/I26GXHTZqRfIb0");
    assert!(format!("{key:?}").contains(&key.fingerprint()));
    assert!(key.same_key(&PublicKey::parse(&bare(SK_ED25519)).unwrap()));
    assert!(!key.same_key(&PublicKey::parse(ED25519).unwrap()));
}

#[test]
fn keys_of_openssh_sign_requests() {
    let request = SignedRequest { method: "PUT", path: "/api/devices/a/ssh-key", query: None, body: b"{}" };
    for (pem, algorithm) in [
        (include_bytes!("keys/test-only-ecdsa256").as_slice(), Algorithm::EcdsaP256Sha256),
        (include_bytes!("keys/test-only-ecdsa384").as_slice(), Algorithm::EcdsaP384Sha384),
    ] {
        let key = SigningKey::from_openssh(pem).unwrap();
        assert_eq!(Algorithm::of(key.public_key()), Some(algorithm));
        let headers = sign(&key, &request, 1000, [1; 16]).unwrap();
        assert!(headers.signature_input.contains(algorithm.as_str()));
        let read =
            RequestSignature::parse(&headers.content_digest, &headers.signature_input, &headers.signature)
                .unwrap();
        assert_eq!(read.verify(key.public_key(), &request, 1000), Ok(()));
        let other = SignedRequest { method: "GET", ..request };
        assert!(read.verify(key.public_key(), &other, 1000).is_err());
        let pem = key.to_openssh().unwrap();
        assert_eq!(SigningKey::from_openssh(pem.expose().as_bytes()).unwrap().public_key(), key.public_key());
    }
    let locked = SigningKey::from_openssh(include_bytes!("keys/test-only-passphrase"));
    assert_eq!(locked.unwrap_err(), SigningKeyRefused::Passphrase);
    assert_eq!(Algorithm::of(&PublicKey::parse(RSA2048).unwrap()), None);
    assert_eq!(Algorithm::of(&PublicKey::parse(ECDSA521).unwrap()), None);
}

proptest! {
    /// R5: whatever is sent, what is written back is one line, and reading it again gives the same key.
    #[test]
    fn r5_what_is_accepted_is_one_clean_line(before in "\\PC{0,10}", comment in any::<String>()) {
        let line = format!("{before}{} {comment}", bare(ED25519));
        if let Ok(key) = PublicKey::parse(&line) {
            let written = key.to_string();
            prop_assert!(!written.contains(|c: char| c.is_control()));
            prop_assert!(written.starts_with("ssh-ed25519 "));
            prop_assert_eq!(PublicKey::parse(&written), Ok(key));
        }
    }

    /// R5: a damaged key is refused, or is another whole key.
    #[test]
    fn r5_damaged_keys(index in 0_usize..51, change in 1_u8..) {
        let mut blob = STANDARD.decode(&bare(ED25519)[12..]).unwrap();
        blob[index] ^= change;
        match PublicKey::from_blob(&blob, "") {
            Ok(key) => prop_assert!(index >= 19 && key.blob() == blob),
            Err(_) => prop_assert!(index < 19),
        }
    }

    #[test]
    fn arbitrary_blobs_do_no_harm(blob in proptest::collection::vec(any::<u8>(), 0..200), line in any::<String>()) {
        if let Ok(key) = PublicKey::from_blob(&blob, &line) {
            prop_assert_eq!(key.blob(), &blob[..]);
        }
        let _ = PublicKey::parse(&line);
    }
}
