//! Packet hashes against OpenSSL with Python, and packets against the decoder that MeshCore's community uses.

use std::io::Write;
use std::process::{Command, Stdio};

use checkin_api::meshcore::{ChannelKey, GroupText};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::Deserialize;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line of JSON in, one out.
fn python<T: for<'de> Deserialize<'de>>(mode: &str, lines: &[serde_json::Value]) -> Vec<T> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/vectors.py");
    let mut child = Command::new("python3")
        .args([script, mode])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 must be installed");
    let mut input = child.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 {mode}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

type Case = (Vec<u8>, u32, String, String);

fn cases(count: usize, key_bytes: usize) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let strategy = (
        proptest::collection::vec(proptest::num::u8::ANY, key_bytes),
        proptest::num::u32::ANY,
        "[^\\p{Cc}:\\[\\]\\\\]{1,12}",
        "[^\\p{Cc}]{1,30}",
    );
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
#[ignore = "needs python3 and openssl; run by .ci/run"]
fn openssl_and_python_compute_the_same_payload_and_hash() {
    #[derive(Deserialize)]
    struct Answer {
        payload: String,
        hash: String,
    }
    let cases = [cases(150, 16), cases(50, 32)].concat();
    let asked: Vec<_> = cases
        .iter()
        .map(|(key, timestamp, name, message)| {
            let text = hex(format!("{name}: {message}").as_bytes());
            serde_json::json!({"key": hex(key), "timestamp": timestamp, "flags": timestamp % 4, "text": text})
        })
        .collect();
    let answers: Vec<Answer> = python("answer", &asked);
    assert_eq!(answers.len(), 200);
    for ((key, timestamp, name, message), answer) in cases.iter().zip(answers) {
        let key = ChannelKey::new(key).unwrap();
        let flags = u8::try_from(timestamp % 4).unwrap();
        let text = GroupText::from_parts(*timestamp, name, message).unwrap().with_flags(flags);
        assert_eq!(hex(&text.payload(&key)).to_uppercase(), answer.payload);
        assert_eq!(text.packet_hash(&key).as_str(), answer.hash);
    }
}

#[test]
#[ignore = "needs PyPI's meshcoredecoder; run by .ci/run"]
fn the_communitys_decoder_reads_the_same() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Read {
        timestamp: u32,
        name: String,
        message: String,
    }
    let cases = cases(100, 16);
    let packet = |(key, timestamp, name, message): &Case, way: &str| {
        let key = ChannelKey::new(key).unwrap();
        let text = GroupText::from_parts(*timestamp, name, message).unwrap();
        format!("{way}{}", hex(&text.payload(&key)))
    };
    // By no hop, by two, and by three of two bytes with transport codes before them.
    for way in ["1500", "1502aabb", "14deadbeef43010203040506"] {
        let asked: Vec<_> = cases
            .iter()
            .map(|case| serde_json::json!({"key": hex(&case.0), "packet": packet(case, way)}))
            .collect();
        let answers: Vec<Read> = python("decode", &asked);
        assert_eq!(answers.len(), 100);
        for ((_, timestamp, name, message), answer) in cases.iter().zip(answers) {
            let ours = Read { timestamp: *timestamp, name: name.clone(), message: message.clone() };
            assert_eq!(answer, ours);
        }
    }
}
