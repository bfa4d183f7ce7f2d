//! Real packets, vectors of another implementation, and bots that hear the same in different ways.

use checkin_api::meshcore::{ChannelKey, GroupText, InvalidGroupText, InvalidPacket, Packet};
use proptest::prelude::*;

/// Texts heard on the air, as public test suites of other MeshCore programs have them: channel, raw packet, hash, timestamp, text.
const HEARD: [(&str, &str, &str, u32, &str); 2] = [
    (
        "#test",
        "1500D9BA8E4EA9444822AC56B4D52AC3C0044C6AE402997BB9805CCB331EC3378DCE339F2D",
        "887B9BE6056D0B05",
        1_763_975_305,
        "Skip: Hello Mesh",
    ),
    (
        "Public",
        "150011C3C1354D619BAE9590E4D177DB7EEAF982F5BDCF78005D75157D9535FA90178F785D",
        "B35E8EC0E974A30B",
        1_758_484_279,
        "🌲 Tree: ☁️",
    ),
];

/// What `vectors.py` prints beside the peers: made with OpenSSL's AES and Python's hashlib and hmac. Key, timestamp, flags, text,
/// payload, hash. The lengths lie around the ends of blocks.
const COMPUTED: &[(&str, u32, u8, &str, &str, &str)] = &include!("meshcore_vectors.in");

fn bytes(hex: &str) -> Vec<u8> {
    Packet::bytes_from_hex(hex).unwrap()
}

fn upper_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn real_packets_give_their_hash_from_the_bytes_and_from_the_text() {
    for (channel, raw, hash, timestamp, text) in HEARD {
        let key = ChannelKey::of_channel(channel).unwrap();
        let raw = bytes(raw);
        let packet = Packet::decode(&raw).unwrap();
        assert_eq!(packet.packet_hash().as_str(), hash);
        let told = GroupText::new(timestamp, text).unwrap();
        assert_eq!(packet.group_text(&key).unwrap(), told);
        assert_eq!(told.payload(&key), packet.payload());
        assert_eq!(told.packet_hash(&key).as_str(), hash);
        let (name, message) = told.name_and_message().unwrap();
        assert_eq!(GroupText::from_parts(timestamp, &name, &message).unwrap(), told);
    }
}

#[test]
fn another_implementation_computes_the_same() {
    assert!(COMPUTED.len() > 20);
    for (key, timestamp, flags, text, payload, hash) in COMPUTED {
        let key = ChannelKey::from_hex(key).unwrap();
        let told = GroupText::new(*timestamp, text).unwrap().with_flags(*flags);
        assert_eq!(upper_hex(&told.payload(&key)), *payload, "{text}");
        assert_eq!(told.packet_hash(&key).as_str(), *hash, "{text}");
        assert_eq!(GroupText::open(&bytes(payload), &key), Some(told));
    }
}

/// Route, transport codes and path are what a receiver sees of the way; they differ from bot to bot.
#[test]
fn bots_that_hear_one_message_agree_whatever_way_it_took() {
    let (channel, raw, hash, timestamp, text) = HEARD[0];
    let payload = bytes(raw)[2..].to_vec();
    let ways: [&[u8]; 6] = [
        &[0x15, 0x00],
        &[0x15, 0x03, 0x01, 0x02, 0x03],
        &[0x14, 0xde, 0xad, 0xbe, 0xef, 0x00],
        &[0x15, 0x83, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        &[0x16, 0x42, 1, 2, 3, 4],
        &[0x17, 0, 0, 0, 0, 0x01, 0xff],
    ];
    for way in ways {
        let heard = [way, &payload].concat();
        assert_eq!(Packet::decode(&heard).unwrap().packet_hash().as_str(), hash, "{way:02x?}");
    }
    // A bot without the raw packet knows the channel by its name or by its key.
    let told = GroupText::new(timestamp, text).unwrap();
    for key in [
        ChannelKey::of_channel(channel).unwrap(),
        ChannelKey::from_hex("9CD8FCF22A47333B591D96A2B848B73F").unwrap(),
        ChannelKey::of_channel("#Test").unwrap(),
    ] {
        assert_eq!(told.packet_hash(&key).as_str(), hash);
    }
}

#[test]
fn everything_that_the_sender_sent_makes_a_difference() {
    let key = ChannelKey::of_channel("#meshmonday").unwrap();
    let text = |timestamp, text: &str| GroupText::new(timestamp, text).unwrap();
    let hashes = [
        text(1_741_041_000, "HOWL: check in").packet_hash(&key),
        text(1_741_041_001, "HOWL: check in").packet_hash(&key),
        text(1_741_041_000, "HOWL: check in ").packet_hash(&key),
        text(1_741_041_000, "Howl: check in").packet_hash(&key),
        text(1_741_041_000, "HOWL: check in").with_flags(1).packet_hash(&key),
        text(1_741_041_000, "HOWL: check in").packet_hash(&ChannelKey::public()),
    ];
    let different: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(different.len(), hashes.len());
}

#[test]
fn a_trace_counts_its_path_and_nothing_else_does() {
    // SHA-256 of 09, 02 00, 01020304 and of 09, 03 00, 01020304; and of 04, 01020304.
    for (raw, hash) in [
        ("2602AABB01020304", "BBA9FDD3062453EC"),
        ("2603AABBCC01020304", "00B64DFB0C6EA5AB"),
        ("1102AABB01020304", "DC3E50C679DF02AE"),
        ("1103AABBCC01020304", "DC3E50C679DF02AE"),
    ] {
        assert_eq!(Packet::decode(&bytes(raw)).unwrap().packet_hash().as_str(), hash, "{raw}");
    }
}

#[test]
fn what_a_radio_would_drop_is_no_packet() {
    for (raw, why) in [
        ("", InvalidPacket::Short),
        ("15", InvalidPacket::Short),
        ("1500", InvalidPacket::Short),
        ("1502AABB", InvalidPacket::Short),
        ("1502AA", InvalidPacket::Short),
        ("1411223300", InvalidPacket::Short),
        ("15C1FF00", InvalidPacket::Path),
        ("15A1", InvalidPacket::Path),
        (&format!("1500{}", "AA".repeat(185)), InvalidPacket::Long),
    ] {
        assert_eq!(Packet::decode(&bytes(raw)).unwrap_err(), why, "{raw}");
    }
    for text in ["1", "1500x0", "15 00"] {
        assert_eq!(Packet::bytes_from_hex(text), Err(InvalidPacket::NotHex));
    }
}

#[test]
fn a_text_of_another_channel_stays_closed() {
    let raw = bytes(HEARD[0].1);
    let packet = Packet::decode(&raw).unwrap();
    assert_eq!(packet.group_text(&ChannelKey::public()), None);
    // One bit of the ciphertext, of the code, of the mark; a type and a version that are not a text's.
    let key = ChannelKey::of_channel("#test").unwrap();
    for (index, bit) in [(36, 1), (4, 1), (2, 1), (0, 4), (0, 64)] {
        let mut changed = raw.clone();
        changed[index] ^= bit;
        assert_eq!(Packet::decode(&changed).unwrap().group_text(&key), None, "{index}");
    }
}

#[test]
fn a_text_that_no_packet_can_hold_is_refused() {
    assert_eq!(GroupText::new(0, "x".repeat(172)), Err(InvalidGroupText::TooLong));
    assert_eq!(GroupText::new(0, "a\0b"), Err(InvalidGroupText::Nul));
    let longest = GroupText::new(u32::MAX, "x".repeat(171)).unwrap();
    assert_eq!(longest.payload(&ChannelKey::public()).len(), 179);
    // The firmware cuts a text at 160 bytes, perhaps within a character.
    let cut = GroupText::new(1, b"HOWL: \xf0\x9f\x90").unwrap();
    assert_eq!(cut.name_and_message().unwrap().1, "\u{fffd}");
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(
        key in proptest::collection::vec(any::<u8>(), 32), long in any::<bool>(), timestamp: u32, flags: u8,
        text in proptest::collection::vec(1..=255_u8, 0..=171),
    ) {
        let key = ChannelKey::new(&key[..if long { 32 } else { 16 }]).unwrap();
        let text = GroupText::new(timestamp, text).unwrap().with_flags(flags);
        let raw = [&[0x15, 0x00][..], &text.payload(&key)].concat();
        let packet = Packet::decode(&raw).unwrap();
        prop_assert_eq!(packet.packet_hash(), text.packet_hash(&key));
        prop_assert_eq!(packet.group_text(&key), Some(text));
    }
}
