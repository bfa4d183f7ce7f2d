//! The little of structured fields (RFC 8941) that the headers need: a dictionary of inner lists of strings with
//! parameters, and one of byte sequences. Strict: what RFC 9421 would not write is not read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{COMPONENTS, LABEL, MAX_HEADER_BYTES, RequestSignature};

const MAX_MEMBERS: usize = 8;
const SHA256_PREFIX: &str = "sha-256=:";

pub(super) fn headers(
    content_digest: &str,
    signature_input: &str,
    signature: &str,
) -> Option<RequestSignature> {
    let input = member(signature_input)?;
    let signature = bytes(member(signature)?)?;
    // Exactly one digest, of 32 bytes.
    let digest = content_digest.trim_matches(' ').strip_prefix(SHA256_PREFIX)?.strip_suffix(':')?;
    STANDARD.decode(digest).ok().filter(|digest| digest.len() == 32)?;

    let mut read = RequestSignature {
        components: Vec::new(),
        parameters: input.to_owned(),
        content_digest: content_digest.trim_matches(' ').to_owned(),
        created: 0,
        nonce: String::new(),
        key_id: String::new(),
        algorithm: None,
        signature,
    };
    let mut rest = input.strip_prefix('(')?;
    loop {
        let (name, after) = string(rest)?;
        let component = COMPONENTS.into_iter().find(|known| *known == name)?;
        if read.components.contains(&component) {
            return None;
        }
        read.components.push(component);
        match after.split_at_checked(1)? {
            (" ", next) => rest = next,
            (")", next) => {
                rest = next;
                break;
            }
            _ => return None,
        }
    }
    if read.components.len() != COMPONENTS.len() {
        return None;
    }
    parameters(rest, &mut read)?;
    Some(read)
}

/// `;name=value` until the end; `created`, `nonce` and `keyid` are required, each parameter occurs once.
fn parameters(mut rest: &str, read: &mut RequestSignature) -> Option<()> {
    let (mut created, mut nonce, mut key_id, mut algorithm) = (None, None, None, None);
    while !rest.is_empty() {
        let (name, value) = rest.strip_prefix(';')?.split_once('=')?;
        if name == "created" {
            let (number, after) = integer(value)?;
            rest = after;
            if created.replace(number).is_some() {
                return None;
            }
            continue;
        }
        let (text, after) = string(value)?;
        rest = after;
        let slot = match name {
            "nonce" => &mut nonce,
            "keyid" => &mut key_id,
            "alg" => &mut algorithm,
            _ => return None,
        };
        if slot.replace(text.to_owned()).is_some() {
            return None;
        }
    }
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    read.created = created?;
    read.nonce = nonce.filter(|nonce| (16..=64).contains(&nonce.len()) && nonce.bytes().all(base64url))?;
    read.key_id = key_id.filter(|key_id| key_id.starts_with("SHA256:"))?;
    read.algorithm = algorithm;
    Some(())
}

/// The value of the one member with our label; commas inside strings do not end a member.
fn member(header: &str) -> Option<&str> {
    if header.len() > MAX_HEADER_BYTES || !header.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let mut quoted = false;
    let mut escaped = false;
    let members = header.split(|c: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    });
    let mut found = None;
    for (index, text) in members.enumerate() {
        let (label, value) = text.trim_matches(' ').split_once('=')?;
        if index >= MAX_MEMBERS {
            return None;
        }
        // A label twice could be read differently by somebody on the way.
        if label == LABEL && found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// A quoted string without escapes, and what follows it. Nothing that is signed here needs an escape.
fn string(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.strip_prefix('"')?.split_once('"')?;
    if value.contains('\\') { None } else { Some((value, rest)) }
}

/// An integer of at most 15 digits, and what follows it.
fn integer(text: &str) -> Option<(i64, &str)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let length = text.len() - unsigned.len() + digits;
    let (number, rest) = text.split_at_checked(length)?;
    if digits == 0 || digits > 15 { None } else { Some((number.parse().ok()?, rest)) }
}

/// A byte sequence, `:…:`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.strip_prefix(':')?.strip_suffix(':')?).ok()
}
