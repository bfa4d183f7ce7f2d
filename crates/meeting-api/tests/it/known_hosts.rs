//! R4: what may become of a known_hosts text, and what may not.

use std::sync::LazyLock;

use meeting_api::known_hosts::{Host, HostKeys, KnownHostsRefused, Merged, merge};
use meeting_api::{PublicKey, PublicKeyRefused, SigningKey};

use KnownHostsRefused::{
    ControlCharacter, Empty, FullChange, Hashed, Key, Malformed, Marker, OtherHost, TooLong, TooManyKeys,
    Wildcard,
};

/// An ed25519 key, without a comment. Made once: curve arithmetic is slow without optimisation.
fn key(seed: u8) -> String {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let key = |seed| SigningKey::ed25519_from_seed(&[seed; 32], "").unwrap().public_key().to_string();
        (0..20).map(key).collect()
    });
    KEYS[usize::from(seed)].clone()
}

fn line(host: &str, seed: u8) -> String {
    format!("{host} {}\n", key(seed))
}

fn hosts() -> Vec<Host> {
    vec![
        Host::new("meeting.example.org", 22).unwrap(),
        Host::new("192.0.2.1", 22).unwrap(),
        Host::new("meeting.example.org", 2222).unwrap(),
    ]
}

fn update(existing: &str, offered: &str, allow: bool) -> Result<Merged, KnownHostsRefused> {
    merge(existing.as_bytes(), &hosts(), &HostKeys::parse(offered, &hosts())?, allow)
}

fn text(merged: &Merged) -> &str {
    std::str::from_utf8(&merged.text).unwrap()
}

const HOST: &str = "meeting.example.org";

/// The refused half of the corpus.
#[test]
fn r4_corpus_of_refused_offers() {
    let good = line(HOST, 1);
    let k = key(1);
    let cases: Vec<(String, KnownHostsRefused)> = vec![
        (String::new(), Empty),
        ("\n\n".into(), Empty),
        ("# only a comment\n".into(), Empty),
        (format!("@cert-authority {HOST} {k}\n"), Marker),
        (format!("@revoked {HOST} {k}\n"), Marker),
        (format!("@ {HOST} {k}\n"), Marker),
        (format!("{good}@cert-authority * {k}\n"), Marker),
        (format!("* {k}\n"), Wildcard),
        (format!("*.example.org {k}\n"), Wildcard),
        (format!("meeting.example.or? {k}\n"), Wildcard),
        (format!("!{HOST} {k}\n"), Wildcard),
        (format!("{HOST},* {k}\n"), Wildcard),
        (format!("{HOST},!other {k}\n"), Wildcard),
        (format!("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {k}\n"), Hashed),
        (format!("|1|broken {k}\n"), Hashed),
        (format!("other.example.org {k}\n"), OtherHost),
        (format!("{HOST},other.example.org {k}\n"), OtherHost),
        (format!("{HOST}, {k}\n"), OtherHost),
        (format!(",{HOST} {k}\n"), OtherHost),
        (format!("{HOST}. {k}\n"), OtherHost),
        (format!("evil-{HOST} {k}\n"), OtherHost),
        (format!("{HOST}.evil.example {k}\n"), OtherHost),
        (format!("[{HOST}]:22 {k}\n"), OtherHost),
        (format!("[{HOST}]:2223 {k}\n"), OtherHost),
        (format!("github.example,{HOST} {k}\n"), OtherHost),
        (format!("{good}other.example.org {k}\n"), OtherHost),
        (format!("{HOST}\t{k}\n"), ControlCharacter),
        (format!("{HOST} {k}\r other.example.org {k}\n"), ControlCharacter),
        (format!("{HOST} {k}\0\n"), ControlCharacter),
        (format!("{HOST} {k} \u{1b}[2J\n"), ControlCharacter),
        (format!("{HOST} {k} \u{85}x\n"), ControlCharacter),
        (format!("{HOST}\n"), Malformed),
        (format!("{HOST} ssh-ed25519 AAAA\n"), Key(PublicKeyRefused::Malformed)),
        (format!("{HOST} ssh-ed25519 {}\n", "*".repeat(68)), Key(PublicKeyRefused::Base64)),
        (format!("{HOST} ecdsa-sha2-nistp256 {}\n", &k[12..]), Key(PublicKeyRefused::TypeMismatch)),
        (
            format!("{HOST} ssh-ed25519-cert-v01@openssh.com {}\n", &k[12..]),
            Key(PublicKeyRefused::Certificate),
        ),
        (format!("{HOST} command=\"x\" {k}\n"), Key(PublicKeyRefused::Options)),
        (format!("{HOST} ssh-dss AAAAB3NzaC1kc3M=\n"), Empty),
        ((0..17).map(|seed| line(HOST, seed)).collect(), TooManyKeys),
        (format!("{good}{}\n", "#".repeat(64 * 1024)), TooLong),
    ];
    assert_eq!(cases.len(), 40);
    for (offered, refused) in cases {
        assert_eq!(update("", &offered, true), Err(refused), "{offered:?}");
    }
}

/// The accepted half of the corpus: what is offered, and what is written.
#[test]
fn r4_corpus_of_accepted_offers() {
    let k = key(1);
    let cases: Vec<(String, String)> = vec![
        (line(HOST, 1), line(HOST, 1)),
        (format!("{HOST} {k}"), line(HOST, 1)),
        (format!("{HOST} {k}\r\n"), line(HOST, 1)),
        (format!("  {HOST}   {k}  \n"), line(HOST, 1)),
        (format!("{HOST} {k} a comment of the server\n"), line(HOST, 1)),
        (format!("# {HOST}:22 SSH-2.0-OpenSSH_9.2\n{HOST} {k}\n\n"), line(HOST, 1)),
        (format!("MEETING.Example.ORG {k}\n"), line(HOST, 1)),
        (format!("{HOST},192.0.2.1 {k}\n"), line("meeting.example.org,192.0.2.1", 1)),
        (format!("{HOST},{HOST} {k}\n"), line(HOST, 1)),
        (line("[meeting.example.org]:2222", 1), line("[meeting.example.org]:2222", 1)),
        (line("192.0.2.1", 1), line("192.0.2.1", 1)),
        (line(HOST, 1) + &line(HOST, 2), line(HOST, 1) + &line(HOST, 2)),
        (line(HOST, 1) + &line(HOST, 1), line(HOST, 1)),
        (format!("{HOST} ssh-dss AAAAB3NzaC1kc3M=\n{HOST} {k}\n"), line(HOST, 1)),
        ((0..16).map(|seed| line(HOST, seed)).collect(), (0..16).map(|seed| line(HOST, seed)).collect()),
    ];
    for (offered, written) in cases {
        let merged = update("", &offered, false).unwrap();
        assert_eq!(text(&merged), written, "{offered:?}");
        let again = update(&written, &offered, false).unwrap();
        assert_eq!((again.changed, text(&again), again.added.len()), (false, written.as_str(), 0));
    }
}

#[test]
fn r4_foreign_lines_stay_byte_for_byte() {
    let foreign = [
        "# a comment\n",
        "\n",
        "other.example.org ssh-rsa AAAAB3NzaC1yc2E= me\r\n",
        "@cert-authority *.example.org ssh-ed25519 AAAA\n",
        "@revoked meeting.example.org ssh-ed25519 AAAA\n",
        "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAA\n",
        "meeting.example.org,other.example.org ssh-ed25519 AAAA\n",
        "*.example.org ssh-ed25519 AAAA\n",
        "  indented garbage\t\n",
        "[meeting.example.org]:2223 ssh-ed25519 AAAA\n",
    ];
    let before: String = foreign.concat();
    let mut existing = before.clone().into_bytes();
    existing.extend_from_slice(b"\xff\xfe no text\n");
    existing.extend_from_slice(line(HOST, 1).as_bytes());
    existing.extend_from_slice(b"last line without an end");
    let offered = HostKeys::parse(&(line(HOST, 1) + &line(HOST, 2)), &hosts()).unwrap();
    let merged = merge(&existing, &hosts(), &offered, false).unwrap();
    let expected = [
        before.as_bytes(),
        b"\xff\xfe no text\n",
        line(HOST, 1).as_bytes(),
        line(HOST, 2).as_bytes(),
        b"last line without an end",
    ]
    .concat();
    assert_eq!(merged.text, expected);
    assert_eq!((merged.changed, merged.added.len(), merged.removed), (true, 1, 0));
}

#[test]
fn keys_that_are_not_offered_any_more_go() {
    let existing =
        format!("first\n{}{}middle\n{}last", line(HOST, 1), line(HOST, 2), line("MEETING.example.org", 3));
    let merged = update(&existing, &(line(HOST, 4) + &line(HOST, 2)), false).unwrap();
    assert_eq!(text(&merged), format!("first\n{}middle\n{}last", line(HOST, 2), line(HOST, 4)));
    assert_eq!((merged.added.len(), merged.removed), (1, 2));
    assert_eq!(merged.added[0], key(4).parse::<PublicKey>().unwrap());
}

#[test]
fn a_line_end_is_added_where_one_is_missing() {
    let merged = update("last line without an end", &line(HOST, 1), false).unwrap();
    assert_eq!(text(&merged), format!("last line without an end\n{}", line(HOST, 1)));
    let existing = format!("{HOST} {}", key(1));
    let merged = update(&existing, &(line(HOST, 1) + &line(HOST, 2)), false).unwrap();
    assert_eq!(text(&merged), line(HOST, 1) + &line(HOST, 2));
}

#[test]
fn r4_a_full_change_of_keys_needs_the_flag() {
    let existing = line(HOST, 1) + &line(HOST, 2);
    assert_eq!(update(&existing, &line(HOST, 3), false), Err(FullChange));
    let merged = update(&existing, &line(HOST, 3), true).unwrap();
    assert_eq!(text(&merged), line(HOST, 3));
    assert_eq!(merged.removed, 2);
    // An unreadable own line counts as a key that is known.
    let broken = format!("{HOST} ssh-dss AAAA\n");
    assert_eq!(update(&broken, &line(HOST, 3), false), Err(FullChange));
    // Each host counts for itself: the address keeps its key, the name may not lose all of its own.
    let existing = line("192.0.2.1", 1) + &line(HOST, 2);
    let offered = line("192.0.2.1", 1) + &line(HOST, 3);
    assert_eq!(update(&existing, &offered, false), Err(FullChange));
}

#[test]
fn a_host_for_which_nothing_is_offered_keeps_its_keys() {
    let existing = line("192.0.2.1", 1) + &line(HOST, 2);
    let merged = update(&existing, &line(HOST, 2), false).unwrap();
    assert_eq!((merged.changed, text(&merged)), (false, existing.as_str()));
}

#[test]
fn a_shared_line_is_split_when_one_of_its_hosts_changes() {
    let existing = line("meeting.example.org,192.0.2.1", 1);
    let offered = line("192.0.2.1", 1) + &line(HOST, 1) + &line(HOST, 2);
    let merged = update(&existing, &offered, false).unwrap();
    assert_eq!(text(&merged), existing.clone() + &line(HOST, 2));
    let offered = line("192.0.2.1", 1) + &line(HOST, 2);
    assert_eq!(update(&existing, &offered, false), Err(FullChange));
    let merged = update(&existing, &offered, true).unwrap();
    assert_eq!(text(&merged), line("192.0.2.1", 1) + &line(HOST, 2));
}

#[test]
fn hosts_are_names_and_addresses() {
    for (name, port, pattern) in [
        ("meeting.example.org", 22, "meeting.example.org"),
        ("MEETING.example.org", 22, "meeting.example.org"),
        ("meeting.example.org", 9022, "[meeting.example.org]:9022"),
        ("192.0.2.1", 22, "192.0.2.1"),
        ("2001:DB8:0::1", 22, "2001:db8::1"),
        ("2001:db8::1", 9022, "[2001:db8::1]:9022"),
        ("localhost", 65535, "[localhost]:65535"),
    ] {
        assert_eq!(Host::new(name, port).unwrap().pattern(), pattern);
    }
    let long = format!("{}.org", "a".repeat(64));
    for name in [
        "",
        ".",
        "a..b",
        "-a",
        "a.-b",
        "*",
        "a,b",
        "a b",
        "a\nb",
        "[::1]",
        "@a",
        "|1|a",
        "!a",
        "a*",
        long.as_str(),
    ] {
        assert_eq!(Host::new(name, 22), Err(KnownHostsRefused::Host), "{name:?}");
    }
    assert_eq!(Host::new("a", 0), Err(KnownHostsRefused::Host));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the file held: foreign lines stay in their order, and a second update changes nothing.
        #[test]
        fn r4_merging_twice_is_merging_once(
            existing in proptest::collection::vec(any::<u8>(), 0..400),
            own in proptest::collection::vec((0..3_usize, 1..6_u8), 0..6),
            offered in proptest::collection::vec((0..3_usize, 1..6_u8), 1..8),
        ) {
            let names = ["meeting.example.org", "192.0.2.1", "[meeting.example.org]:2222"];
            let mut text = existing.clone();
            text.push(b'\n');
            for (name, seed) in own {
                text.extend_from_slice(line(names[name], seed).as_bytes());
            }
            let offered: String = offered.into_iter().map(|(name, seed)| line(names[name], seed)).collect();
            let offered = HostKeys::parse(&offered, &hosts()).unwrap();
            let once = merge(&text, &hosts(), &offered, true).unwrap();
            prop_assert!(once.text.starts_with(&existing));
            let twice = merge(&once.text, &hosts(), &offered, false).unwrap();
            prop_assert!(!twice.changed);
            prop_assert_eq!(twice.text, once.text);
        }

        /// Whatever the server sends: nothing but lines of the configured hosts comes out.
        #[test]
        fn r4_only_configured_hosts_come_out(offered in "([a-z@|*!,. #\\r\\n]{0,12}|meeting\\.example\\.org )(ssh-ed25519 |ssh-rsa )?[A-Za-z0-9+/=]{0,80}\\n?") {
            if let Ok(offered) = HostKeys::parse(&offered, &hosts()) {
                let merged = merge(b"", &hosts(), &offered, true).unwrap();
                for line in String::from_utf8(merged.text).unwrap().lines() {
                    prop_assert!(line.starts_with("meeting.example.org "), "{}", line);
                }
            }
        }
    }
}
