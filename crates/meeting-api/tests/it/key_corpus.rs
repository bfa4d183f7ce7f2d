//! R5: lines that are taken as public keys, and lines that are not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use meeting_api::PublicKeyRefused::{
    self, Base64, Certificate, ControlCharacter, Malformed, Options, Point, RsaSize, TooLong, TypeMismatch,
    UnsupportedType,
};

macro_rules! keys {
    ($($name:ident = $file:literal;)+) => {
        $(pub(crate) const $name: &str = include_str!(concat!("keys/", $file, ".pub")).trim_ascii_end();)+
    };
}

keys! {
    ED25519 = "ed25519";
    ECDSA256 = "ecdsa256";
    ECDSA384 = "ecdsa384";
    ECDSA521 = "ecdsa521";
    RSA1024 = "rsa1024";
    RSA2048 = "rsa2048";
    RSA4096 = "rsa4096";
    DSA = "dsa";
    SK_ED25519 = "sk25519";
    SK_ECDSA = "skecdsa";
    CERTIFICATE = "ecdsa256-cert";
}

/// Type and key of a line, without the comment.
pub(crate) fn bare(line: &str) -> String {
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

fn of(name: &str, blob: &[u8]) -> String {
    format!("{name} {}", STANDARD.encode(blob))
}

/// A blob of SSH strings.
fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let prefixed = |part: &&[u8]| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat();
    parts.iter().flat_map(prefixed).collect()
}

fn rsa(exponent: &[u8], modulus: &[u8]) -> String {
    of("ssh-rsa", &strings(&[b"ssh-rsa", exponent, modulus]))
}

fn ecdsa(curve: &str, point: &[u8]) -> String {
    let name = format!("ecdsa-sha2-{curve}");
    of(&name, &strings(&[name.as_bytes(), curve.as_bytes(), point]))
}

/// What is read, and the comment that is kept.
pub(crate) fn accepted() -> Vec<(String, String)> {
    let device = "device@example.org";
    let ed = bare(ED25519);
    let plain = [ED25519, ECDSA256, ECDSA384, ECDSA521, RSA2048, RSA4096, SK_ED25519, SK_ECDSA];
    let mut cases: Vec<(String, String)> = plain.map(|line| (line.to_owned(), device.to_owned())).into();
    let more = [
        (ed.clone(), ""),
        (format!("{ED25519}\n"), device),
        (format!("{ED25519}\r\n"), device),
        (format!("  {ED25519}   "), device),
        (ED25519.replace(' ', "   "), device),
        (format!("{ed} a b   c"), "a b c"),
        (format!("{ed} clé de l’appareil"), "clé de l’appareil"),
        (format!("{ed} command=\"/bin/sh\""), "command=\"/bin/sh\""),
        (format!("{ed} {RSA1024}"), RSA1024),
        (format!("{ed} # x"), "# x"),
        (format!("{ed} a\u{202e}b\u{200b}c"), "abc"),
        (format!("{ed} \u{a0} x"), "x"),
    ];
    cases.extend(
        more.map(|(line, comment)| {
            (line, comment.chars().take(255).collect::<String>().trim_end().to_owned())
        }),
    );
    cases.push((format!("{ed} {}", "x".repeat(300)), "x".repeat(255)));
    cases
}

/// What is refused, and why.
pub(crate) fn refused() -> Vec<(String, PublicKeyRefused)> {
    let ed = bare(ED25519);
    let ed_blob = blob(ED25519);
    let point = &blob(ECDSA256)[39..];
    let mut off_curve = point.to_vec();
    off_curve[64] ^= 1;
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let mut odd = vec![0x55; 256];
    odd[255] = 0x57;
    let mut even = odd.clone();
    even[255] = 0x56;
    let sk = "sk-ssh-ed25519@openssh.com";
    vec![
        // Lines
        (String::new(), UnsupportedType),
        ("   \n".into(), UnsupportedType),
        ("# a comment".into(), UnsupportedType),
        ("-----BEGIN PUBLIC KEY-----".into(), UnsupportedType),
        (format!("{ed} {}", "x".repeat(16 * 1024)), TooLong),
        (format!("{ED25519}\n{ED25519}"), ControlCharacter),
        (format!("{ed} x\ncommand=\"/bin/sh\" {ed}"), ControlCharacter),
        (format!("{ED25519}\n\n"), ControlCharacter),
        (format!("\n{ED25519}"), ControlCharacter),
        (format!("{ed} x\ry"), ControlCharacter),
        (format!("{ed} x\0"), ControlCharacter),
        (format!("{ed} \u{1b}[2J"), ControlCharacter),
        (format!("{ed} x\u{85}y"), ControlCharacter),
        (format!("{ed} x\u{2028}y"), ControlCharacter),
        (ED25519.replace(' ', "\t"), ControlCharacter),
        (format!("{ed}\u{b}x"), ControlCharacter),
        (format!("{ed} \u{7f}"), ControlCharacter),
        // Options
        (format!("command=\"/bin/sh\" {ED25519}"), Options),
        (format!("command=\"a b c\" {ED25519}"), Options),
        (format!("no-pty {ED25519}"), Options),
        (format!("restrict,port-forwarding {ED25519}"), Options),
        (format!("from=\"*\",command=\"id\" {ED25519}"), Options),
        (format!("environment=\"LD_PRELOAD=/tmp/x.so\" {ED25519}"), Options),
        (format!("cert-authority {ED25519}"), Options),
        (format!("@cert-authority * {ED25519}"), Options),
        (format!("meeting.example.org {ED25519}"), Options),
        // Types
        (CERTIFICATE.into(), Certificate),
        (format!("ssh-ed25519-cert-v01@openssh.com {}", &ed[12..]), Certificate),
        (DSA.into(), UnsupportedType),
        (format!("ssh-foo {}", &ed[12..]), UnsupportedType),
        (format!("SSH-ED25519 {}", &ed[12..]), UnsupportedType),
        (format!("x509v3-ssh-rsa {}", &ed[12..]), UnsupportedType),
        (ed[12..].to_owned(), UnsupportedType),
        (format!("ssh-rsa {}", &ed[12..]), TypeMismatch),
        (format!("ecdsa-sha2-nistp384 {}", &bare(ECDSA256)[20..]), TypeMismatch),
        (format!("{sk} {}", &ed[12..]), TypeMismatch),
        // Base64
        ("ssh-ed25519 ****".into(), Base64),
        (ed[..ed.len() - 1].to_owned(), Base64),
        (format!("{ed}="), Base64),
        (format!("{ed}, x"), Base64),
        (format!("ssh-rsa {}", URL_SAFE_NO_PAD.encode(b"\0\0\0\x07ssh-rsa\xff\xff")), Base64),
        (format!("{}\u{e9}", &ed[..79]), Base64),
        // Bytes
        ("ssh-ed25519".into(), Malformed),
        (of("ssh-ed25519", b"\xff\xff\xff\xff"), Malformed),
        (of("ssh-ed25519", &ed_blob[..ed_blob.len() - 1]), Malformed),
        (of("ssh-ed25519", &[&ed_blob[..], b"\0"].concat()), Malformed),
        (of("ssh-ed25519", &strings(&[b"ssh-ed25519", &[1; 31]])), Malformed),
        (of("ssh-ed25519", &strings(&[b"ssh-ed25519", &[1; 33]])), Malformed),
        (of("ssh-ed25519", &strings(&[b"ssh-ed25519"])), Malformed),
        (of(sk, &strings(&[sk.as_bytes(), &[1; 32]])), Malformed),
        (of(sk, &strings(&[sk.as_bytes(), &[1; 32], b"ssh:\0x"])), Malformed),
        // RSA
        (RSA1024.into(), RsaSize { bits: 1024 }),
        (rsa(&[1, 0, 1], &[&[1], &[0; 2047][..], &[1]].concat()), RsaSize { bits: 16_385 }),
        (rsa(&[1, 0, 1], &[&[0x7f], &[0xff; 254][..]].concat()), RsaSize { bits: 2039 }),
        (
            rsa(&[1, 0, 1], &[&[0], &even.iter().map(|byte| byte | 0x80).collect::<Vec<_>>()[..]].concat()),
            Malformed,
        ),
        (rsa(&[2], &[&[0], &odd.iter().map(|byte| byte | 0x80).collect::<Vec<_>>()[..]].concat()), Malformed),
        (rsa(&[1], &[&[0], &odd.iter().map(|byte| byte | 0x80).collect::<Vec<_>>()[..]].concat()), Malformed),
        (rsa(&[1, 0, 1], &[0xff; 257]), Malformed),
        (rsa(&[1, 0, 1], &[&[0, 0], &[0xff; 256][..]].concat()), Malformed),
        // Points
        (ecdsa("nistp256", &off_curve), Point),
        (ecdsa("nistp256", &compressed), Point),
        (ecdsa("nistp256", &[0]), Malformed),
        (of("ecdsa-sha2-nistp256", &strings(&[b"ecdsa-sha2-nistp256", b"nistp384", point])), Malformed),
    ]
}
