//! Requests signed with a device's key, and every way in which they stop counting.

use meeting_api::http_signature::{
    RequestSignature, SignatureHeaders, SignatureRefused, SignedRequest, content_digest, sign,
};
use meeting_api::{PublicKey, SigningKey, SigningKeyRefused};

const NOW: i64 = 1_770_035_696;

fn key() -> SigningKey {
    SigningKey::ed25519_from_seed(&[7; 32], "device@example.org").unwrap()
}

fn request() -> SignedRequest<'static> {
    SignedRequest { method: "POST", path: "/api/devices/abc/online", query: None, body: br#"{"note":"x"}"# }
}

fn read(headers: &SignatureHeaders) -> RequestSignature {
    RequestSignature::parse(&headers.content_digest, &headers.signature_input, &headers.signature).unwrap()
}

fn signed() -> SignatureHeaders {
    sign(&key(), &request(), NOW, [9; 16]).unwrap()
}

#[test]
fn the_headers_are_written_as_documented() {
    let headers = signed();
    assert_eq!(headers.content_digest, content_digest(br#"{"note":"x"}"#));
    assert_eq!(
        headers.signature_input,
        format!(
            "meeting=(\"@method\" \"@path\" \"@query\" \"content-digest\");created=1770035696;nonce=\"CQkJCQkJCQkJCQkJCQkJCQ\";keyid=\"{}\";alg=\"ed25519\"",
            key().public_key().fingerprint()
        )
    );
    assert!(headers.signature.starts_with("meeting=:") && headers.signature.ends_with(':'));
}

/// The example of RFC 9530, appendix B.1 and B.6: the digest of a known body.
#[test]
fn the_digest_of_an_empty_body_is_the_known_one() {
    assert_eq!(content_digest(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
}

#[test]
fn a_signature_verifies_within_the_window_only() {
    let signature = read(&signed());
    let key = key();
    for (now, expected) in [
        (NOW, Ok(())),
        (NOW + 300, Ok(())),
        (NOW - 300, Ok(())),
        (NOW + 301, Err(SignatureRefused::Expired)),
        (NOW - 301, Err(SignatureRefused::Expired)),
        (i64::MIN, Err(SignatureRefused::Expired)),
        (i64::MAX, Err(SignatureRefused::Expired)),
    ] {
        assert_eq!(signature.verify(key.public_key(), &request(), now), expected, "{now}");
    }
    assert_eq!(signature.nonce(), "CQkJCQkJCQkJCQkJCQkJCQ");
    assert_eq!(signature.created(), NOW);
}

/// R2: nothing of a request can be changed after it was signed.
#[test]
fn r2_every_signed_part_is_covered() {
    let signature = read(&signed());
    let key = key();
    let base = request();
    let changed = [
        (SignedRequest { method: "PUT", ..base }, SignatureRefused::Signature),
        (SignedRequest { path: "/api/devices/abd/online", ..base }, SignatureRefused::Signature),
        (SignedRequest { query: Some("x=1"), ..base }, SignatureRefused::Signature),
        (SignedRequest { body: br#"{"note":"y"}"#, ..base }, SignatureRefused::Digest),
        (SignedRequest { body: b"", ..base }, SignatureRefused::Digest),
    ];
    for (request, refused) in changed {
        assert_eq!(signature.verify(key.public_key(), &request, NOW), Err(refused), "{request:?}");
    }
    let other = SigningKey::ed25519_from_seed(&[8; 32], "").unwrap();
    assert_eq!(signature.verify(other.public_key(), &base, NOW), Err(SignatureRefused::WrongKey));
}

#[test]
fn r2_every_parameter_is_covered() {
    let headers = signed();
    let key = key();
    for (from, to) in
        [("1770035696", "1770035697"), ("CQkJ", "CQkK"), ("\"@method\" \"@path\"", "\"@path\" \"@method\"")]
    {
        let mut changed = headers.clone();
        changed.signature_input = headers.signature_input.replacen(from, to, 1);
        assert_ne!(changed, headers);
        assert_eq!(
            read(&changed).verify(key.public_key(), &request(), NOW),
            Err(SignatureRefused::Signature),
            "{to}"
        );
    }
    let other = headers.signature_input.replacen("ed25519", "ecdsa-p256-sha256", 1);
    let mut changed = headers.clone();
    changed.signature_input = other;
    assert_eq!(read(&changed).verify(key.public_key(), &request(), NOW), Err(SignatureRefused::Algorithm));
}

#[test]
fn a_query_is_signed_without_its_question_mark() {
    let request = SignedRequest {
        method: "GET",
        path: "/api/forcecommand/get_device_key",
        query: Some("device_key=abc"),
        body: b"",
    };
    let headers = sign(&key(), &request, NOW, [1; 16]).unwrap();
    assert_eq!(read(&headers).verify(key().public_key(), &request, NOW), Ok(()));
}

#[test]
fn malformed_headers_are_refused() {
    let good = signed();
    let input = |from: &str, to: &str| good.signature_input.replacen(from, to, 1);
    let inputs = [
        String::new(),
        "meeting".to_owned(),
        "meeting=".to_owned(),
        input("meeting=", "other="),
        input(" \"@query\"", ""),
        input("\"@query\"", "\"@query\" \"@query\""),
        input("\"@query\"", "\"@authority\""),
        input("\"@path\" \"@query\"", "\"@path\"  \"@query\""),
        input(";created=1770035696", ""),
        input(";created=1770035696", ";created=1770035696;created=1770035696"),
        input("created=1770035696", "created=1770035696000000000"),
        input("created=1770035696", "created=x"),
        input("CQkJCQkJCQkJCQkJCQkJCQ", "short"),
        input("CQkJCQkJCQkJCQkJCQkJCQ", &"a".repeat(65)),
        input("CQkJCQkJCQkJCQkJCQkJCQ", "CQkJCQkJCQkJCQkJ\\\"JCQ"),
        input(";alg=", ";unknown="),
        input("SHA256:", "MD5:"),
        input(")", ""),
        format!("{0}, {0}", good.signature_input),
        format!("{}, x={}", good.signature_input, "a".repeat(2048)),
        good.signature_input.clone() + "\n",
        good.signature_input.clone() + ";",
    ];
    for input in inputs {
        let read = RequestSignature::parse(&good.content_digest, &input, &good.signature);
        assert_eq!(read, Err(SignatureRefused::Malformed), "{input}");
    }
    for signature in ["", "meeting", "meeting=abc", "meeting=:abc", "meeting=:?:", "other=:AAAA:"] {
        let read = RequestSignature::parse(&good.content_digest, &good.signature_input, signature);
        assert_eq!(read, Err(SignatureRefused::Malformed), "{signature}");
    }
    for digest in ["", "sha-256=::", "sha-256=:AAAA:", "sha-512=:AAAA:", "md5=:AAAA:"] {
        let read = RequestSignature::parse(digest, &good.signature_input, &good.signature);
        assert_eq!(read, Err(SignatureRefused::Malformed), "{digest}");
    }
}

#[test]
fn signatures_of_others_pass_unread() {
    let good = signed();
    let input = format!("proxy=(\"@method\" \"x\");tag=\"a, b=c\", {}", good.signature_input);
    let signature = format!("proxy=:AAAA:, {}", good.signature);
    let read = RequestSignature::parse(&good.content_digest, &input, &signature).unwrap();
    assert_eq!(read.verify(key().public_key(), &request(), NOW), Ok(()));
}

#[test]
fn a_private_key_survives_its_file() {
    let key = key();
    let pem = key.to_openssh().unwrap();
    let again = SigningKey::from_openssh(pem.expose().as_bytes()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(again.public_key().comment(), "device@example.org");
    assert_eq!(again.public_key().to_string().parse::<PublicKey>().unwrap(), *key.public_key());
    assert!(!format!("{again:?}").contains(pem.expose().lines().nth(2).unwrap()));
    assert_eq!(SigningKey::from_openssh(b"ssh-ed25519 AAAA").unwrap_err(), SigningKeyRefused::Malformed);
    assert_eq!(SigningKey::ed25519_from_seed(&[1; 32], "a\nb").unwrap_err(), SigningKeyRefused::Malformed);
}
