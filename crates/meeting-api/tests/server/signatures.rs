//! Calls signed with a device's SSH key.

use http::Request;
use meeting_api::SigningKey;
use meeting_api::http_signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, SignedRequest, sign};
use meeting_api::server::{DeviceAuth, MeetingServer, Settings};

use crate::support::{Bench, DEVICE, OTHER, START, request};

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::ed25519_from_seed(&[seed; 32], "device").expect("a key")
}

type Sent = Request<http_body_util::Full<bytes::Bytes>>;

fn signed(key: &SigningKey, method: &str, path: &str, body: &str, created: i64, nonce: u8) -> Sent {
    let (bare, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let what = SignedRequest { method, path: bare, query, body: body.as_bytes() };
    let headers = sign(key, &what, created, [nonce; 16]).expect("signed");
    let mut request = request(method, path, body);
    let mut put = |name: &'static str, value: &str| {
        request.headers_mut().insert(name, value.parse().expect("a header"));
    };
    put(CONTENT_DIGEST, &headers.content_digest);
    put(SIGNATURE_INPUT, &headers.signature_input);
    put(SIGNATURE, &headers.signature);
    request
}

async fn bench_with_keys() -> Bench {
    let mut settings = Settings::default();
    settings.device_auth = DeviceAuth::Required;
    settings.max_failures = u32::MAX;
    let bench = Bench::new(settings).await;
    for (device, seed) in [(DEVICE, 1), (OTHER, 2)] {
        bench.add_device(device).await;
        let pubkey = signing_key(seed).public_key().to_string();
        let body = serde_json::json!({ "pubkey": pubkey }).to_string();
        let set = bench.operate("PUT", &format!("/api/devices/{device}/ssh-key"), &body).await;
        assert_eq!(set.status, 200, "{}", set.text);
    }
    bench
}

fn online(device: &str) -> String {
    format!("/api/devices/{device}/online")
}

#[tokio::test]
async fn r2_a_signature_speaks_for_its_device_and_no_other() {
    let bench = bench_with_keys().await;
    let own = signing_key(1);
    let status = async |request: Sent| bench.send(request).await.status.as_u16();
    assert_eq!(status(signed(&own, "POST", &online(DEVICE), "{}", START, 1)).await, 200);
    assert_eq!(status(signed(&own, "POST", &online(OTHER), "{}", START, 2)).await, 403);
    assert_eq!(status(signed(&signing_key(3), "POST", &online(DEVICE), "{}", START, 3)).await, 401);
    // Within the window either way, and not beyond.
    for (nonce, skew, expected) in [(10, -301, 401), (11, -300, 200), (12, 300, 200), (13, 301, 401)] {
        let request = signed(&own, "POST", &online(DEVICE), "{}", START + skew, nonce);
        assert_eq!(status(request).await, expected, "{skew} s");
    }
    // Anything that was signed and changed since.
    let mut path = signed(&own, "POST", &online(DEVICE), "{}", START, 20);
    *path.uri_mut() = format!("/api/devices/{DEVICE}/service").parse().expect("a path");
    assert_eq!(status(path).await, 401);
    let mut query = signed(&own, "POST", &online(DEVICE), "{}", START, 21);
    *query.uri_mut() = format!("{}?a=b", online(DEVICE)).parse().expect("a path");
    assert_eq!(status(query).await, 401);
    let body = signed(&own, "POST", &online(DEVICE), "{}", START, 22);
    let body = body.map(|_| http_body_util::Full::from(r#"{"note":"other"}"#));
    assert_eq!(status(body).await, 401);
    for missing in [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE] {
        let mut request = signed(&own, "POST", &online(DEVICE), "{}", START, 23);
        request.headers_mut().remove(missing);
        assert_eq!(status(request).await, 401, "without {missing}");
    }
}

#[tokio::test]
async fn r2_a_replay_is_refused_also_by_another_receiver_and_later() {
    let bench = bench_with_keys().await;
    let own = signing_key(1);
    let request = || signed(&own, "POST", &online(DEVICE), "{}", START, 7);
    assert_eq!(bench.send(request()).await.status, 200);
    assert_eq!(bench.send(request()).await.status, 401);
    // A receiver that starts now on the same store knows the nonce too.
    let environment = bench.environment();
    let settings = (*bench.server.settings()).clone();
    let mut second = MeetingServer::in_environment(bench.server.store().clone(), settings, environment);
    let answer = tower_service::Service::call(&mut second, request()).await.expect("an answer");
    assert_eq!(answer.status(), 401);
    bench.clock.advance(299);
    bench.server.upkeep().await.expect("done");
    assert_eq!(bench.send(request()).await.status, 401);
    bench.clock.advance(10_000);
    bench.server.upkeep().await.expect("done");
    assert_eq!(bench.send(request()).await.status, 401, "forgotten, and too old");
}

#[tokio::test]
async fn a_withdrawn_key_signs_nothing_and_a_waiting_one_neither() {
    let bench = bench_with_keys().await;
    let (own, next) = (signing_key(1), signing_key(9));
    let path = format!("/api/devices/{DEVICE}/ssh-key");
    let body = serde_json::json!({ "pubkey": next.public_key().to_string() }).to_string();
    let pending = bench.send(signed(&own, "PUT", &path, &body, START, 1)).await;
    assert_eq!(pending.text, r#"{"success":true,"status":"pending"}"#);
    assert_eq!(bench.send(signed(&next, "POST", &online(DEVICE), "", START, 2)).await.status, 401);
    assert_eq!(bench.operate("POST", &format!("{path}/approve"), "").await.status, 200);
    assert_eq!(bench.send(signed(&next, "POST", &online(DEVICE), "", START, 3)).await.status, 200);
    assert_eq!(bench.send(signed(&own, "POST", &online(DEVICE), "", START, 4)).await.status, 401);
    assert_eq!(bench.operate("DELETE", &path, "").await.status, 200);
    assert_eq!(bench.send(signed(&next, "POST", &online(DEVICE), "", START, 5)).await.status, 401);
}

/// A device signs before the server has its first key, because it knows no better. Until then it is nobody in particular: let in
/// where strangers are, and refused where they are.
#[tokio::test]
async fn a_device_that_signs_brings_its_own_first_key_in_compatible_mode() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let (own, stranger) = (signing_key(5), signing_key(6));
    let status = async |request: Sent| bench.send(request).await.status.as_u16();
    assert_eq!(status(signed(&own, "POST", &online(DEVICE), "", START, 1)).await, 200);
    assert_eq!(status(signed(&own, "POST", &online("nobody"), "", START, 2)).await, 404);
    let path = format!("/api/devices/{DEVICE}/ssh-key");
    let body = serde_json::json!({ "pubkey": own.public_key().to_string() }).to_string();
    assert_eq!(bench.send(signed(&own, "PUT", &path, &body, START, 3)).await.text, r#"{"success":true}"#);
    // From now on its signature is known, and a stranger's is not taken for nobody's.
    assert_eq!(status(signed(&own, "POST", &online(DEVICE), "", START, 4)).await, 200);
    assert_eq!(status(signed(&own, "POST", &online(DEVICE), "", START, 4)).await, 401, "a replay");
    assert_eq!(status(signed(&stranger, "POST", &online(DEVICE), "", START, 5)).await, 401);
    // Withdrawn is not the same as never there.
    assert_eq!(bench.operate("DELETE", &path, "").await.status, 200);
    assert_eq!(status(signed(&own, "POST", &online(DEVICE), "", START, 6)).await, 401);
}

#[tokio::test]
async fn r2_in_required_mode_a_device_without_a_key_is_a_stranger_though_it_signs() {
    let mut settings = Settings::default();
    settings.device_auth = DeviceAuth::Required;
    let bench = Bench::new(settings).await;
    bench.add_device(DEVICE).await;
    let own = signing_key(5);
    let path = format!("/api/devices/{DEVICE}/ssh-key");
    let body = serde_json::json!({ "pubkey": own.public_key().to_string() }).to_string();
    for (number, request) in
        [signed(&own, "POST", &online(DEVICE), "", START, 1), signed(&own, "PUT", &path, &body, START, 2)]
            .into_iter()
            .enumerate()
    {
        let answer = bench.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (401, r#"{"error":"Credential required"}"#),
            "{number}"
        );
    }
    // The operator has the device's public key from elsewhere, and puts it in force.
    assert_eq!(bench.operate("PUT", &path, &body).await.status, 200);
    assert_eq!(bench.send(signed(&own, "POST", &online(DEVICE), "", START, 3)).await.status, 200);
}

#[tokio::test]
async fn in_compatible_mode_a_wrong_signature_is_refused_and_none_is_not() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let body = serde_json::json!({ "pubkey": signing_key(1).public_key().to_string() }).to_string();
    let path = format!("/api/devices/{DEVICE}/ssh-key");
    assert_eq!(bench.call("PUT", &path, &body, None).await.status, 200);
    assert_eq!(bench.call("POST", &online(DEVICE), "", None).await.status, 200);
    let stranger = signed(&signing_key(5), "POST", &online(DEVICE), "", START, 1);
    assert_eq!(bench.send(stranger).await.status, 401);
}
