//! Who asks: a bearer secret, a signature by a device's SSH key, a device's `token_code`, or nobody in particular.
//!
//! A credential that is shown and does not count is refused with 401, whatever the route (threat R2).

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::access::Principal;
use super::bearer;
use super::call::{Call, unavailable};
use super::store::{KeyRecord, Role, Store};
use crate::http_signature::{
    CONTENT_DIGEST, RequestSignature, SIGNATURE, SIGNATURE_INPUT, SignedRequest, WINDOW_SECONDS,
};
use crate::{PublicKey, Refusal};

/// Header of the device's `token_code`, which some agents send with every call.
const TOKEN_CODE: &str = "x-token-code";

pub(super) async fn authenticate<S: Store>(call: &Call<'_, S>) -> Result<Principal, Refusal> {
    let headers = &call.parts.headers;
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        return match authorization.to_str().ok().and_then(bearer_text) {
            Some(secret) => attempt(call, bearer::digest(secret), by_bearer(call, secret)).await,
            None => Err(refused(call)),
        };
    }
    if headers.contains_key(SIGNATURE_INPUT) || headers.contains_key(SIGNATURE) {
        let Some(signature) = request_signature(headers) else { return Err(refused(call)) };
        let found = call.store().key_by_fingerprint(signature.key_id(), call.device.as_ref()).await;
        let found = found.map_err(unavailable)?;
        if found.is_none() && has_no_key_yet(call).await? {
            return Ok(Principal::Anonymous);
        }
        let key = Sha256::digest(signature.key_id()).into();
        return attempt(call, key, by_signature(call, &signature, found)).await;
    }
    if let Some(code) = headers.get(TOKEN_CODE).filter(|_| call.settings.accept_token_code)
        && let Some(device) = &call.device
    {
        let digest =
            Sha256::new().chain_update(device.as_str()).chain_update([0]).chain_update(code).finalize();
        return attempt(call, digest.into(), by_token_code(call, code.as_bytes())).await;
    }
    Ok(Principal::Anonymous)
}

/// Checks a credential, if its source has not failed too often, and counts how it went.
async fn attempt<S: Store>(
    call: &Call<'_, S>,
    credential: [u8; 32],
    check: impl Future<Output = Result<Option<Principal>, Refusal>>,
) -> Result<Principal, Refusal> {
    let failures = &call.shared.failures;
    if let Err(wait) = failures.admit(call.source, &credential, call.settings.max_failures, call.now) {
        return Err(Refusal::new(429, "Too many failed credentials").with_retry_after(wait));
    }
    match check.await? {
        Some(principal) => {
            failures.succeeded(call.source, credential);
            Ok(principal)
        }
        None => Err(refused(call)),
    }
}

fn refused<S>(call: &Call<'_, S>) -> Refusal {
    call.shared.failures.failed(call.source, call.now);
    tracing::warn!(source = ?call.source, path = call.parts.uri.path(), "a credential was refused");
    Refusal::new(401, "Credential refused")
}

fn bearer_text(authorization: &str) -> Option<&str> {
    let (scheme, secret) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

async fn by_bearer<S: Store>(call: &Call<'_, S>, secret: &str) -> Result<Option<Principal>, Refusal> {
    let Some(id) = bearer::id_of(secret) else { return Ok(None) };
    let Some(record) = call.store().credential(id).await.map_err(unavailable)? else { return Ok(None) };
    if !bearer::matches(&record, &bearer::digest(secret)) {
        return Ok(None);
    }
    Ok(Some(match record.role {
        Role::Operator => Principal::Operator,
        Role::Proxy => Principal::Proxy,
        Role::Device(key) => Principal::Device(key),
    }))
}

fn request_signature(headers: &HeaderMap) -> Option<RequestSignature> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    RequestSignature::parse(text(CONTENT_DIGEST)?, text(SIGNATURE_INPUT)?, text(SIGNATURE)?).ok()
}

/// Whether the device that the request is about has never had a key. A device that signs does so from the start, also while it
/// brings its first key; nobody can check that, so it counts as if it had not signed, and may do what strangers may.
///
/// Choice: MA-60.
async fn has_no_key_yet<S: Store>(call: &Call<'_, S>) -> Result<bool, Refusal> {
    let Some(device) = &call.device else { return Ok(false) };
    Ok(call.store().ssh_key(device).await.map_err(unavailable)?.is_none())
}

async fn by_signature<S: Store>(
    call: &Call<'_, S>,
    signature: &RequestSignature,
    found: Option<KeyRecord>,
) -> Result<Option<Principal>, Refusal> {
    let Some(record) = found else { return Ok(None) };
    let Ok(key) = PublicKey::parse(&record.pubkey) else { return Ok(None) };
    let uri = &call.parts.uri;
    let request = SignedRequest {
        method: call.parts.method.as_str(),
        path: uri.path(),
        query: uri.query(),
        body: call.body,
    };
    if let Err(error) = signature.verify(&key, &request, call.now.unix()) {
        tracing::debug!(device = %record.device_key, %error, "a signature does not count");
        return Ok(None);
    }
    // Only now: strangers must not be able to fill the store. Kept beyond the window, so that a clock which is set
    // back a little does not let a replay in.
    let nonce = format!("{}:{}", signature.key_id(), signature.nonce());
    let window = i64::try_from(2 * WINDOW_SECONDS).unwrap_or(i64::MAX);
    let until = call.now.plus_seconds(window);
    let fresh = call.store().spend_nonce(nonce, until).await.map_err(unavailable)?;
    Ok(fresh.then_some(Principal::Device(record.device_key)))
}

async fn by_token_code<S: Store>(call: &Call<'_, S>, code: &[u8]) -> Result<Option<Principal>, Refusal> {
    let record = call.store().device(call.device_key()?).await.map_err(unavailable)?;
    let right = record.and_then(|record| {
        let expected = record.token_code?;
        expected.ct_eq(code).then_some(record.device_key)
    });
    Ok(right.map(Principal::Device))
}
