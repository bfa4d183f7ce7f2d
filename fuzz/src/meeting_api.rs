//! Properties of `meeting-api`.

use meeting_api::endpoint::device::DeviceRecord;
use meeting_api::endpoint::heartbeat::Heartbeat;
use meeting_api::http_signature::{RequestSignature, SignedRequest};
use meeting_api::known_hosts::{Host, HostKeys, merge};
use meeting_api::{PublicKey, SigningKey};

/// A heartbeat that is read is written so that the same is read again, and the second writing equals the first.
pub fn heartbeat(data: &[u8]) {
    let Ok(heartbeat) = Heartbeat::decode(data) else { return };
    let written = heartbeat.encode();
    let again = Heartbeat::decode(&written).expect("what is written can be read");
    assert_eq!(again, heartbeat);
    assert_eq!(again.encode(), written);
}

/// A device record survives a round, and its public form holds no secret.
pub fn device_record(data: &[u8]) {
    let Ok(record) = DeviceRecord::decode(data) else { return };
    let again = DeviceRecord::decode(&record.encode()).expect("what is written can be read");
    assert_eq!(again.encode(), record.encode());
    let public = record.without_secrets();
    assert!(public.token_code.is_none() && public.ap_password.is_none());
    let fields: serde_json::Value = serde_json::from_slice(&public.encode()).expect("JSON");
    for secret in ["token_code", "ap_password", "http_pw_low", "http_pw_medium", "http_pw_high"] {
        assert!(fields.get(secret).is_none());
    }
}

/// A public key that is accepted is one clean line, and reading that line gives the same key (threat R5).
pub fn public_key(data: &[u8]) {
    if let Ok(key) = PublicKey::from_blob(data, "") {
        assert_eq!(key.blob(), data);
    }
    let Ok(line) = std::str::from_utf8(data) else { return };
    let Ok(key) = PublicKey::parse(line) else { return };
    let written = key.to_string();
    assert!(!written.contains(char::is_control));
    assert_eq!(PublicKey::parse(&written), Ok(key));
}

/// Up to the first NUL byte what the server offers, after it the file: nothing but configured hosts is added, and a second
/// merge changes nothing (threat R4).
pub fn known_hosts(data: &[u8]) {
    let (offered, existing) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b""[..]),
    };
    let hosts = [Host::new("meeting.example.org", 22).expect("a host")];
    let Ok(offered) = std::str::from_utf8(offered) else { return };
    let Ok(offered) = HostKeys::parse(offered, &hosts) else { return };
    let once = merge(existing, &hosts, &offered, true).expect("a full change is allowed");
    let twice = merge(&once.text, &hosts, &offered, false).expect("every key overlaps");
    assert!(!twice.changed);
    let old: Vec<&[u8]> = existing.split(|byte| *byte == b'\n').collect();
    // Every line ends, perhaps by an end that the last line of the file did not have.
    for line in once.text.strip_suffix(b"\n").unwrap_or(&once.text).split(|byte| *byte == b'\n') {
        assert!(old.contains(&line) || line.starts_with(b"meeting.example.org "));
    }
}

/// The three headers of a signature, a line each: never a panic, and a signature that nobody made never verifies.
pub fn http_signature(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let Ok(read) = RequestSignature::parse(line(), line(), line()) else { return };
    assert!((16..=64).contains(&read.nonce().len()));
    assert!(read.key_id().starts_with("SHA256:"));
    // The seeds are signed with another key.
    let key = SigningKey::ed25519_from_seed(&[255; 32], "").expect("a key");
    let request = SignedRequest { method: "GET", path: "/api", query: None, body: b"" };
    assert!(read.verify(key.public_key(), &request, read.created()).is_err());
}
